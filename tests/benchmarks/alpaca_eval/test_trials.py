"""The official judges on trial: the numbers that published judgments give, as expected values."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.alpaca_eval.rubric import shows_candidate_first
from benchmarks.alpaca_eval.trials import MODELS_2, TRIALS
from harness.stats.prompt_bootstrap import Draws
from harness.stats.systems import kendall, spearman
from harness.trials.hearing import Hearing
from harness.types import Assets, Verdict

FEW = Draws(0, 50)
BY_NAME = {trial.name: trial for trial in TRIALS}


def heard(name: str, official: Assets) -> Hearing:
    """The judge whose verdicts are known, against itself."""
    trial = BY_NAME[name]
    cases = trial.load(official)
    verdicts = [
        Verdict(comparison, trial.gold, pair.gold)
        for case in cases
        for comparison, pair in zip(case.comparisons(), case.pairs, strict=True)
    ]
    first = shows_candidate_first
    return Hearing(trial, cases, trial.gold, verdicts, shows_candidate_first=first)


@pytest.mark.parametrize(
    ("name", "n", "expected"),
    [
        (
            "alpaca_eval@2.0",
            4830,
            {
                "first_slot": 0.4651,
                "longer_wins": 0.9207,
                "length_slope": 1.1593,
                "ties": 0.0033,
                "saturation": 0.9041,
                "self_preference": 0.0,
            },
        ),
        (
            "alpaca_eval@1.0",
            2414,
            {
                "first_slot": 0.4994,
                "longer_wins": 0.6112,
                "length_slope": 0.9721,
                "ties": 0.0104,
                "saturation": 0.9896,
            },
        ),
    ],
)
def test_the_official_judges_have_these_biases(
    name: str, n: int, expected: dict[str, float], official: Assets
) -> None:
    scores = {score.metric: score for score in heard(name, official).scores(FEW)}
    assert {metric: scores[metric].value for metric in expected} == pytest.approx(
        expected, abs=5e-5
    )
    assert scores["ties"].n == n


def test_a_judge_agrees_with_itself_in_every_way(official: Assets) -> None:
    scores = {score.metric: score.value for score in heard("alpaca_eval@2.0", official).scores(FEW)}
    agreement = ("accuracy", "cohen_kappa", "krippendorff_alpha", "system_kendall", "exact_match")
    assert [scores[metric] for metric in agreement] == pytest.approx([1] * 5)


def test_the_six_models_of_version_2_meet_one_baseline(official: Assets) -> None:
    cases = BY_NAME["alpaca_eval@2.0"].load(official)
    assert len(cases) == 805
    assert [answer.model for answer in cases[0].answers] == ["gpt4_1106_preview", *MODELS_2]


def test_an_unread_verdict_of_version_1_is_not_known(official: Assets) -> None:
    cases = BY_NAME["alpaca_eval@1.0"].load(official)
    assert sum(len(case.pairs) for case in cases) == 3 * 805 - 1


@pytest.mark.parametrize("name", ["canary@2.0", "canary@1.0"])
def test_the_canary_is_thirty_clear_verdicts_of_either_kind_and_place(
    name: str, official: Assets
) -> None:
    cases = BY_NAME[name].load(official)
    golds = [case.pairs[0].gold for case in cases]
    first = sum(shows_candidate_first(case.comparisons()[0]) for case in cases)
    assert len(cases) == len({case.answers[0].prompt.id for case in cases}) == 30
    assert all(gold < 0.001 or gold > 0.999 for gold in golds)
    assert (sum(map(round, golds)), first) == (12, 14)


def _win_rates(mirror: Path, folder: str) -> dict[str, float]:
    return {
        file.name.removesuffix(".jsonl.gz"): float(np.mean(list(_preferences(file))))
        for file in (mirror / "alpaca_eval" / folder).iterdir()
    }


def _preferences(file: Path) -> Iterator[float]:
    for line in gzip.decompress(file.read_bytes()).splitlines():
        preference = json.loads(line)["preference"]
        if preference is not None:
            yield preference - 1 if preference else 0.5


def test_both_official_judges_rank_their_common_models_alike(mirror: Path) -> None:
    one, two = (_win_rates(mirror, folder) for folder in ("annotations_v1", "annotations"))
    common = sorted(one.keys() & two.keys())
    columns = [np.array([rates[model] for model in common]) for rates in (one, two)]
    assert len(common) == 8
    assert spearman(*columns) == pytest.approx(0.8810, abs=5e-5)
    assert kendall(*columns) == pytest.approx(0.7857, abs=5e-5)
