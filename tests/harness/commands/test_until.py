"""Judging stops as soon as it is decided, and says so."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from harness.commands.until import (
    BLOCK,
    SAID,
    Side,
    Stopped,
    judged_as_needed,
    judged_until_decided,
)
from harness.pairing import head_to_head, in_both_orders, meeting_items
from harness.pipeline import Answers
from harness.report.story import Step
from harness.report.telling.stopped import UNTIL
from harness.types import Assets, Comparison, Generation, Verdict
from tests.records import benchmark, card, generation, prompt

N = 200


class Judge:
    """Prefers the first checkpoint's answer by what a rule says of the prompt, in either order."""

    name = "rule"
    identity = {"model": "rule"}  # noqa: RUF012 - never changed

    def __init__(self, rule: Callable[[int], float | None]) -> None:
        self.rule = rule
        self.asked: list[int] = []

    def __call__(self, comparisons: Sequence[Comparison], /) -> list[Verdict]:
        return [self._verdict(comparison) for comparison in comparisons]

    def _verdict(self, comparison: Comparison) -> Verdict:
        number = int(comparison.candidate.prompt.id)
        self.asked.append(number)
        value = self.rule(number)
        if value is None:
            return Verdict(comparison, self.name, None, "no letter")
        ours = comparison.candidate.model == "ours"
        return Verdict(comparison, self.name, value if ours else 1 - value)


def answers(model: str) -> list[Generation]:
    return [generation(f"{model} {n}", prompt=prompt(str(n)), model=model) for n in range(N)]


def judged(judge: Judge, assets: Assets) -> Stopped:
    duel = replace(
        benchmark(), compare=in_both_orders(answers("theirs")), aggregate=partial(head_to_head)
    )
    return judged_until_decided(duel, Answers("ours", {}, answers("ours")), judge, assets)


def test_a_clear_winner_is_decided_early(official: Assets) -> None:
    judge = Judge(lambda _: 1.0)
    found = judged(judge, official)
    assert found.decided
    assert found.prompts == BLOCK
    assert len(judge.asked) == 2 * BLOCK
    assert found.saved == 2 * (N - BLOCK)


def test_the_interval_leaves_out_one_half_and_holds_the_value(official: Assets) -> None:
    main = judged(Judge(lambda _: 0.9), official).result.scores[0]
    assert main.interval is not None
    assert 0.5 < main.interval[0] <= 0.9 <= main.interval[1]
    assert main.standard_error is None
    assert "judged until decided" in main.doubts[0]


def test_equals_are_judged_to_the_end(official: Assets) -> None:
    found = judged(Judge(lambda n: float(n % 2)), official)
    assert (found.decided, found.prompts, found.saved) == (False, N, 0)
    low, high = found.result.scores[0].interval or (1, 0)
    assert low < 0.5 < high


def test_prompts_are_judged_in_an_order_that_depends_on_their_ids_alone(official: Assets) -> None:
    first, second = Judge(lambda _: 1.0), Judge(lambda _: 1.0)
    judged(first, official)
    judged(second, official)
    assert first.asked == second.asked
    assert max(first.asked) > 2 * BLOCK


def test_items_stand_in_the_order_of_the_prompts(official: Assets) -> None:
    verdicts = judged(Judge(lambda _: 1.0), official).result.verdicts
    ids = [int(one.comparison.candidate.prompt.id) for one in verdicts[::2]]
    assert ids == sorted(ids)


def test_unread_verdicts_decide_nothing(official: Assets) -> None:
    found = judged(Judge(lambda _: None), official)
    assert (found.decided, found.prompts) == (False, N)
    assert found.result.scores[0].value is None


def test_the_identity_says_how_it_was_judged(official: Assets) -> None:
    identity = judged(Judge(lambda _: 1.0), official).result.identity
    assert identity[UNTIL] == SAID
    assert identity["prompts"] == str(BLOCK)


def test_equals_are_hardly_ever_decided(official: Assets) -> None:
    """Of 25 fair games at 5 %: one, and 99.9 % of the time below 6."""
    random = np.random.default_rng(0)
    games = [random.integers(0, 2, N).astype(float) for _ in range(25)]
    decided = [judged(Judge(lambda n, g=game: float(g[n])), official).decided for game in games]  # type: ignore[misc]
    assert sum(decided) < 6


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_either_side_may_win(value: float, official: Assets) -> None:
    main = judged(Judge(lambda _: value), official).result.scores[0]
    assert main.value == value


def side(name: str, value: float | Callable[[int], float], judge_of: str = "openai:gpt-4") -> Side:
    """A checkpoint whose answer to each prompt is worth so much."""
    rule = value if callable(value) else lambda _: value
    parent = None if name == "base" else "base"
    duel = benchmark(
        card=card(judge=judge_of), compare=in_both_orders(answers("theirs")), items=meeting_items
    )
    step = Step(name, None, parent, None, None)
    return Side(step, duel, Answers("ours", {}, answers("ours")), Judge(rule))


def kept(sides: Sequence[Side], assets: Assets) -> list[int]:
    """How many prompts of each side are kept."""
    noted: list[str] = []
    found = judged_as_needed(sides, assets, noted.append)
    return [len(one.generations) for one in found]


def test_a_checkpoint_that_gains_much_is_decided_early(official: Assets) -> None:
    first, second = kept([side("base", 0.1), side("i1", 0.9)], official)
    assert first == second < N / 2
    assert first % BLOCK == 0


def test_equal_checkpoints_are_judged_to_the_end(official: Assets) -> None:
    assert kept([side("base", 0.5), side("i1", 0.5)], official) == [N, N]


def test_all_checkpoints_are_judged_until_the_last_pair_is_decided(official: Assets) -> None:
    assert kept([side("base", 0.1), side("i1", 0.9), side("i2", 0.1)], official) == [N] * 3


def test_more_tests_in_a_series_take_more_prompts(official: Assets) -> None:
    alone = kept([side("base", 0.2), side("i1", 0.8)], official)
    more = [side("base", 0.2), *(side(f"i{n}", 0.8) for n in range(1, 9))]
    assert kept(more, official)[0] > alone[0]


def test_matched_answers_are_all_kept_and_nobody_is_asked(official: Assets) -> None:
    sides = [side("base", 0.1, "exact"), side("i1", 0.9, "exact")]
    assert kept(sides, official) == [N, N]
    assert [one.judge.asked for one in sides] == [[], []]  # type: ignore[attr-defined]
