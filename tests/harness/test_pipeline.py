from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.assets import Library
from harness.errors import AlignmentError, DataError, ModelError
from harness.models.scripted import Scripted
from harness.pairing import against
from harness.pipeline import (
    Answers,
    answer,
    decoded,
    evaluate,
    limited,
    load,
    opposed,
    resampled,
    withhold,
)
from harness.types import (
    UNWATCHED,
    Assets,
    Benchmark,
    Decoding,
    Files,
    Generation,
    Prompt,
    Score,
    Verdict,
    Watch,
)
from tests.records import card, generation, judge, prompt, rubric, score

ASSETS = Library({}, [], Path("nowhere"))


def nothing(*_: Any) -> Any:
    raise NotImplementedError


def mean(verdicts: Sequence[Verdict], _assets: Assets) -> list[Score]:
    read = [verdict.value for verdict in verdicts if verdict.value is not None]
    return [Score("win_rate", sum(read) / len(read), len(read), len(verdicts) - len(read))]


def tiny(count: int = 4, **fields: Any) -> Benchmark:
    prompts = [prompt(f"q{number}") for number in range(count)]
    plain: dict[str, Any] = {
        "card": card(),
        "load": lambda _: prompts,
        "compare": against(lambda _: [generation("base", prompt=p) for p in prompts]),
        "grader": lambda _: rubric(),
        "aggregate": mean,
        "files": Files(*[nothing] * 5),
        "verify": nothing,
        "identify": lambda _: {"baseline": "base"},
    }
    return Benchmark(**(plain | fields))


def score_of(answer: str, benchmark: Benchmark | None = None) -> Any:
    model = Scripted(lambda asked: f"my {asked.turns[0]}", name="mine")
    by_rubric = judge("scripted:x", Scripted(lambda _: answer, name="judge"))
    return evaluate(benchmark or tiny(), model, by_rubric, ASSETS)


def test_prompts_become_a_score() -> None:
    result = score_of("0.75")
    assert [(s.metric, s.value, s.n) for s in result.scores] == [("win_rate", 0.75, 4)]
    assert (result.model, result.judge, result.card.name) == ("mine", "judge", "tiny")


def test_each_record_holds_the_one_before_it() -> None:
    verdict = score_of("0.75").verdicts[2]
    assert verdict.comparison.candidate.prompt.turns == ("q2",)
    assert verdict.comparison.candidate.text == "my q2"
    assert verdict.raw.prompt.turns == ("q2: base or my q2?",)


def test_a_score_knows_what_decided_it() -> None:
    identity = score_of("0.75").identity
    assert (identity["baseline"], identity["prompts"]) == ("base", "4")
    assert identity["judge rubric"] == "numbers"
    assert "max_tokens=9" in identity["model decoding"]


def test_too_few_usable_verdicts_withhold_the_value_and_keep_the_bounds() -> None:
    kept = score(0.5, n=95, n_unread=5, interval=(0.4, 0.6), bounds=(0.45, 0.55))
    assert withhold(card(), kept) == kept
    held = withhold(card(), replace(kept, n=94, n_unread=6))
    assert (held.value, held.interval, held.bounds) == (None, None, (0.45, 0.55))


class Unfaithful:
    """A model that loses, swaps or invents records."""

    name = "unfaithful"
    identity: dict[str, str] = {}  # noqa: RUF012 - a protocol's read-only mapping

    def __init__(self, change: Any) -> None:
        self._change = change

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        changed: list[Generation] = self._change([generation("a", prompt=p) for p in prompts])
        return changed


@pytest.mark.parametrize("change", [lambda g: g[1:], lambda g: g[::-1], lambda g: [*g, g[0]]])
def test_a_model_that_loses_or_mixes_records_is_an_error(change: Any) -> None:
    deciding = judge("scripted:x", Scripted(lambda _: "1"))
    with pytest.raises(AlignmentError, match="'unfaithful' to return its 4 records"):
        evaluate(tiny(), Unfaithful(change), deciding, ASSETS)


def test_a_model_that_refuses_everything_is_an_error() -> None:
    refusing = Unfaithful(lambda g: [replace(one, responses=(), failure="long") for one in g])
    with pytest.raises(ModelError, match=r"refused all 4 prompts \(first: long\)"):
        answer(tiny(), refusing, ASSETS)


@pytest.mark.parametrize("count", [0, 2])
def test_prompts_without_unique_ids_are_refused(count: int) -> None:
    with pytest.raises(DataError, match=f"came {count} with"):
        load(tiny(load=lambda _: [prompt("same")] * count), ASSETS)


@given(st.integers(1, 50), st.integers(1, 60))
def test_a_limit_keeps_so_many_prompts_spread_over_all(count: int, limit: int) -> None:
    kept = [int(p.id[1:]) for p in load(limited(tiny(count), limit), ASSETS)]
    assert len(kept) == min(count, limit)
    gaps = {b - a for a, b in pairwise(kept)}
    assert kept[0] == 0
    assert max(gaps, default=1) - min(gaps, default=1) <= 1


def test_without_a_limit_every_prompt_is_used() -> None:
    assert len(load(limited(tiny(7), None), ASSETS)) == 7


def test_a_series_may_set_the_decoding() -> None:
    (first, *_) = load(decoded(tiny(), {"temperature": 0.7}), ASSETS)
    assert (first.decoding.temperature, first.decoding.max_tokens) == (0.7, 9)


def test_only_what_is_drawn_by_chance_is_drawn_again() -> None:
    warm, greedy = Decoding(9, temperature=0.7), Decoding(9)
    prompts = [
        replace(prompt(id="drawn"), decoding=warm),
        replace(prompt(id="raw"), decoding=warm, raw=True),
        replace(prompt(id="greedy"), decoding=greedy),
        replace(prompt(id="likely"), decoding=warm, choices=("a", "b")),
    ]
    asked = replace(tiny(), load=lambda _: prompts)
    samples = [p.decoding.sample for p in load(resampled(asked, 2), ASSETS)]
    assert samples == [2, 2, 0, 0]
    assert resampled(asked, 0) is asked


def test_a_baseline_of_ones_own_is_met_as_the_published_one_would_be() -> None:
    answers = Answers("mine", {}, [generation("base", prompt=prompt("q0"))])
    met = {
        both: opposed(tiny(1, both_orders=both), answers).compare(answers.generations, ASSETS)
        for both in (False, True)
    }
    assert [len(comparisons) for comparisons in met.values()] == [1, 2]
    assert met[True] == [met[False][0], met[False][0].swap()]
