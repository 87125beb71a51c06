from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.assets import Library
from harness.errors import DataError
from harness.pairing import (
    DROP,
    HALF,
    MEAN,
    TIES,
    Meeting,
    against,
    alone,
    head_to_head,
    in_both_orders,
    meeting_items,
    meetings,
)
from harness.types import Generation, Item, Score, Verdict
from tests.records import comparison, generation, prompt, verdict

ASSETS = Library({}, [], Path("nowhere"))

Orders: TypeAlias = tuple[float | None, float | None]
"""What the judge says of (i, j), for i, and of (j, i), for j."""

read_orders = st.tuples(*[st.floats(0, 1)] * 2)
halves = st.tuples(*[st.sampled_from([0.0, 0.25, 0.5, 1.0])] * 2)
"""Preferences whose complements are exact, ties among them."""
all_orders = st.tuples(*[st.none() | st.floats(0, 1)] * 2)


def answers(*texts: str) -> list[Generation]:
    return [generation(text, prompt=prompt(f"q{n}")) for n, text in enumerate(texts)]


def judged(*said: Orders) -> list[Verdict]:
    """Verdicts in both orders, one pair of values for each prompt."""
    shown = [comparison("i", "j", prompt(f"q{n}")) for n in range(len(said))]
    return [
        verdict(value, "no letter" if value is None else None, comparison=order)
        for pair, values in zip(shown, said, strict=True)
        for order, value in zip((pair, pair.swap()), values, strict=True)
    ]


def scores(*said: Orders) -> dict[str, Score]:
    return {score.metric: score for score in head_to_head(judged(*said), ASSETS)}


def value(metric: str, *said: Orders) -> float:
    found = scores(*said)[metric].value
    assert found is not None
    return found


def test_each_answer_meets_the_baselines_answer_to_the_same_prompt() -> None:
    compare = against(lambda _: answers("x", "y", "z")[::-1])
    pairs = compare(answers("a", "b")[::-1], ASSETS)
    texts = [(pair.candidate.text, pair.baseline and pair.baseline.text) for pair in pairs]
    assert texts == [("b", "y"), ("a", "x")]


def test_a_baseline_without_an_answer_is_an_error_that_names_the_prompt() -> None:
    with pytest.raises(DataError, match=r"1 of 2 have none \(first: q1"):
        against(lambda _: answers("x"))(answers("a", "b"), ASSETS)


def test_alone_means_without_a_baseline() -> None:
    assert [c.baseline for c in alone()(answers("a", "b"), ASSETS)] == [None, None]


def test_each_turn_that_is_judged_is_a_comparison() -> None:
    said = [generation("a", "b", prompt=prompt("q0", "q1"))]
    assert [c.texts for c in alone((0, 1))(said, ASSETS)] == [("a", None), ("b", None)]
    assert [c.texts for c in against(lambda _: said, (1, 0))(said, ASSETS)] == [
        ("b", "b"),
        ("a", "a"),
    ]


def test_an_item_is_called_after_its_prompt_and_turn() -> None:
    said = generation("a", "b", prompt=prompt("q0", "q1"))
    orders = in_both_orders([said], (0, 1))([said], ASSETS)
    verdicts = [Verdict(c, "j", value) for c, value in zip(orders, (1, 0, 1, 1), strict=True)]
    assert meeting_items(verdicts) == [
        Item("q0/turn-1", 1.0, None),
        Item("q0/turn-2", 0.5, None),
    ]


def test_both_orders_of_a_prompt_stand_side_by_side() -> None:
    pairs = in_both_orders(answers("x", "y"))(answers("a", "b"), ASSETS)
    texts = [(pair.candidate.text, pair.baseline and pair.baseline.text) for pair in pairs]
    assert texts == [("a", "x"), ("x", "a"), ("b", "y"), ("y", "b")]


def test_an_opponent_without_an_answer_is_an_error() -> None:
    with pytest.raises(DataError, match="1 of 2 have none"):
        in_both_orders(answers("x"))(answers("a", "b"), ASSETS)


def test_a_meeting_holds_both_orders_as_preferences_for_the_first() -> None:
    (met,) = meetings(judged((0.75, 0.5)))
    assert met == Meeting("q0", as_candidate=0.75, as_baseline=0.5, cause=None)
    assert met.value == (0.75 + 1 - 0.5) / 2


@pytest.mark.parametrize("said", [(None, 1.0), (1.0, None), (None, None)])
def test_a_prompt_with_an_order_unread_has_no_value_but_a_cause(said: Orders) -> None:
    (met,) = meetings(judged(said))
    assert (met.value, met.cause) == (None, "no letter")


def test_the_win_rate_is_the_mean_of_both_orders_over_prompts() -> None:
    # (0.9 + 1 - 0.3) / 2 = 0.8 and (0.2 + 1 - 0.6) / 2 = 0.3
    assert value("win_rate", (0.9, 0.3), (0.2, 0.6)) == pytest.approx((0.8 + 0.3) / 2)


def test_the_interval_is_that_of_the_prompts_and_not_of_the_verdicts() -> None:
    # Prompts 0.6, 0.5, 0.4: mean 0.5, squares of the distances 0.01 + 0 + 0.01, ddof 1.
    score = scores((0.9, 0.7), (0.2, 0.2), (0.3, 0.5))["win_rate"]
    error = sqrt((0.01 + 0.01) / 2) / sqrt(3)
    assert score.standard_error == pytest.approx(error)
    # Student's quantile of two degrees of freedom.
    assert score.interval == pytest.approx((0.5 - 4.3026527 * error, 0.5 + 4.3026527 * error))


def test_the_turns_of_a_prompt_count_together_in_the_interval() -> None:
    """Prompts 1 and 0, each said twice: the error of two values and not of four."""
    once = judged((1.0, 0.0), (0.0, 1.0))
    twice = [replace(v, comparison=replace(v.comparison, turn=t)) for t in (0, 1) for v in once]
    errors = [head_to_head(said)[0].standard_error for said in (once, twice)]
    assert errors == [0.5, 0.5]


def test_an_interval_stays_within_what_a_win_rate_can_be() -> None:
    assert scores((1.0, 0.0), (0.0, 1.0))["win_rate"].interval == (0.0, 1.0)


def test_one_prompt_gives_no_interval() -> None:
    score = scores((0.9, 0.3))["win_rate"]
    assert (score.n, score.interval, score.standard_error) == (1, None, None)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ((0.9, 0.1), "win"),
        ((0.1, 0.9), "lose"),
        ((0.9, 0.9), "tie"),
        ((0.1, 0.1), "tie"),
        ((0.5, 0.5), "tie"),
        ((0.5, 0.1), "tie"),
        ((0.1, 0.5), "tie"),
        ((0.501, 0.499), "win"),
    ],
)
def test_only_what_both_orders_prefer_wins(said: Orders, outcome: str) -> None:
    found = {name: value(name, said) for name in ("win", "tie", "lose")}
    assert found == {"win": 0.0, "tie": 0.0, "lose": 0.0} | {outcome: 1.0}


@pytest.mark.parametrize(
    ("said", "flips"),
    [((0.9, 0.9), 1.0), ((0.1, 0.1), 1.0), ((0.5, 0.1), 1.0), ((0.9, 0.1), 0.0), ((0.5, 0.5), 0.0)],
)
def test_orders_that_disagree_are_flips(said: Orders, flips: float) -> None:
    assert value("flips", said) == flips


def test_unread_prompts_are_counted_and_left_out() -> None:
    found = scores((0.9, 0.1), (None, 0.1), (0.1, None))
    assert {(score.n, score.n_unread) for score in found.values()} == {(1, 2)}
    assert (found["win_rate"].value, found["win"].value) == (0.9, 1.0)


def test_the_bounds_are_what_the_unread_prompts_leave_open() -> None:
    # Read: 0.8. With the other three lost: 0.8 / 4; with them won: 3.8 / 4.
    unread = scores((0.8, 0.2), (None, 0.1), (0.1, None), (None, None))["win_rate"]
    assert unread.bounds == pytest.approx((0.2, 0.95))
    assert scores((0.8, 0.2))["win_rate"].bounds is None


def test_nothing_read_is_no_value() -> None:
    found = scores((None, 0.5))
    assert {score.value for score in found.values()} == {None}
    assert found["win_rate"].bounds == (0.0, 1.0)


@given(st.lists(read_orders, min_size=1, max_size=9))
def test_both_sides_win_rates_add_up_to_one(said: list[Orders]) -> None:
    mirrored = [orders[::-1] for orders in said]
    assert value("win_rate", *said) + value("win_rate", *mirrored) == pytest.approx(1)


@given(st.lists(halves, min_size=1, max_size=9))
def test_exchanging_the_sides_exchanges_win_and_lose(said: list[Orders]) -> None:
    mirrored = [orders[::-1] for orders in said]
    assert value("win", *said) == value("lose", *mirrored)
    assert value("flips", *said) == value("flips", *mirrored)


@given(st.lists(read_orders, min_size=1, max_size=9))
def test_win_tie_and_lose_are_everything_and_flips_are_ties(said: list[Orders]) -> None:
    assert sum(value(name, *said) for name in ("win", "tie", "lose")) == pytest.approx(1)
    assert value("flips", *said) <= value("tie", *said)


@given(st.lists(all_orders, min_size=1, max_size=9))
def test_the_order_of_the_prompts_does_not_matter(said: list[Orders]) -> None:
    pairs = zip(scores(*said).values(), scores(*sorted(said, key=str)).values(), strict=True)
    for here, there in pairs:
        assert here.value == pytest.approx(there.value)
        assert (here.n, here.n_unread) == (there.n, there.n_unread)


@pytest.mark.parametrize(
    ("ties", "value", "n"), [(MEAN, 0.6, 4), (HALF, 0.625, 4), (DROP, 2 / 3, 3)]
)
def test_a_tie_is_worth_what_is_said(ties: str, value: float, n: int) -> None:
    """Means 0.8, 0.8, 0.5 and 0.3: two wins, a flip and a loss."""
    said = (0.8, 0.2), (0.8, 0.2), (0.8, 0.8), (0.3, 0.7)
    win_rate = head_to_head(judged(*said), ties=ties)[0]
    assert win_rate.value == pytest.approx(value)
    assert win_rate.n == n


@given(
    st.lists(st.tuples(*[st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0])] * 2), min_size=1, max_size=6),
    st.sampled_from(TIES),
)
def test_whatever_ties_are_worth_both_sides_add_up_to_one(
    said: list[tuple[float, float]], ties: str
) -> None:
    """The second side's verdicts are the first's, exchanged."""
    there = head_to_head(judged(*said), ties=ties)[0]
    back = head_to_head(judged(*((back, there) for there, back in said)), ties=ties)[0]
    assert (there.value is None) == (back.value is None)
    if there.value is not None and back.value is not None:
        assert there.value + back.value == pytest.approx(1)
