import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.mt_bench.trials import MODELS, TRIALS, cases
from harness.stats.marks import Marks, gold_marks_scores
from harness.stats.prompt_bootstrap import Draws
from harness.trials.hearing import Hearing
from harness.types import Assets, Verdict

FEW = Draws(0, 20)


def test_every_turn_has_four_rated_answers(official: Assets) -> None:
    found = cases(official)
    assert len(found) == 160
    assert {len(case.answers) for case in found} == {4}
    assert [answer.model for answer in found[0].answers] == list(MODELS)
    assert all(1 <= rating <= 10 for case in found for rating in case.ratings)


def test_a_turn_is_judged_by_its_own_answer(official: Assets) -> None:
    first, second = cases(official)[:2]
    assert (first.turn, second.turn) == (0, 1)
    assert first.alone()[0].texts != second.alone()[0].texts


def test_gpt_4_rates_them_as_published(official: Assets) -> None:
    found = cases(official)
    verdicts = [
        Verdict(comparison, "openai:gpt-4", rating)
        for case in found
        for comparison, rating in zip(case.alone(), case.ratings, strict=True)
    ]
    heard = Hearing(TRIALS[0], found, "openai:gpt-4", verdicts, alone=True)
    scores = {score.metric: score.value for score in heard.scores(FEW)}
    agreeing = ("exact", "cohen_kappa", "krippendorff_alpha", "system_kendall", "exact_match")
    assert [scores[metric] for metric in agreeing] == pytest.approx([1] * 5)
    # Of 640 ratings 172 are tens.
    expected = {
        "ties": 0.3458,
        "saturation": 0.2688,
        "longer_wins": 0.4737,
        "length_slope": -0.2291,
    }
    assert {metric: scores[metric] for metric in expected} == pytest.approx(expected, abs=5e-5)


def test_gpt_4_rates_69_models_of_mt_bench_with_so_many_ties_and_tens(mirror: Path) -> None:
    ratings: dict[tuple[int, int, str], float] = {}
    for folder in ("gpt-4_single", "fasteval"):
        for file in (mirror / "mt_bench/model_judgment" / folder).iterdir():
            for line in gzip.decompress(file.read_bytes()).splitlines():
                row = json.loads(line)
                ratings.setdefault((row["question_id"], row["turn"], file.name), row["score"])
    keys = sorted(ratings)
    prompts = np.unique([key[:2] for key in keys], axis=0, return_inverse=True)[1]
    systems = np.unique([key[2] for key in keys], return_inverse=True)[1]
    value = np.array([ratings[key] if ratings[key] >= 0 else np.nan for key in keys])
    nothing = np.zeros(len(keys))
    marks = Marks(prompts.ravel(), systems, value, value, nothing, nothing)
    scores = {score.metric: score for score in gold_marks_scores(marks, top=10, draws=FEW)}
    assert len(set(systems.tolist())) == 69
    assert scores["saturation"].value == pytest.approx(0.2900, abs=5e-5)
    assert scores["ties"].value == pytest.approx(0.3549, abs=5e-5)
