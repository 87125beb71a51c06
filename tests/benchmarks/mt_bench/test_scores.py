import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.mt_bench.scores import (
    Judged,
    items,
    judged,
    met,
    outcome,
    pairwise_scores,
    rating_scores,
)
from harness.types import Comparison, Item, Score, Verdict
from tests.benchmarks.mt_bench.records import PLAIN, answered

CATEGORIES = {81: "writing", 82: "writing", 111: "math"}
RATED = [
    Judged(81, 0, 8.0),
    Judged(81, 1, 6.0),
    Judged(82, 0, 10.0),
    Judged(82, 1, None, "no [[rating]]"),
    Judged(111, 0, 2.0),
    Judged(111, 1, 4.0),
]


def by_metric(scores: list[Score]) -> dict[str, Score]:
    return {score.metric: score for score in scores}


def test_ratings_are_averaged_over_all_by_turn_and_by_category() -> None:
    found = by_metric(rating_scores(RATED, CATEGORIES))
    assert list(found) == ["score", "turn_1", "turn_2", "writing", "math"]
    assert [s.value for s in found.values()] == [6, pytest.approx(20 / 3), 5, 8, 3]
    assert {s.unit for s in found.values()} == {"rating"}


def test_an_unread_rating_is_counted_and_bounded_by_one_and_ten() -> None:
    found = by_metric(rating_scores(RATED, CATEGORIES))
    assert [(s.n, s.n_unread) for s in found.values()] == [(5, 1), (3, 0), (2, 1), (3, 1), (2, 0)]
    assert found["score"].bounds == (31 / 6, 40 / 6)
    assert found["math"].bounds is None


def test_nothing_read_has_no_value() -> None:
    (score, *_) = rating_scores([Judged(81, 0, None, "refused")], CATEGORIES)
    assert (score.value, score.n, score.n_unread, score.bounds) == (None, 0, 1, (1, 10))


def test_the_interval_is_over_questions_and_not_over_turns() -> None:
    same = [Judged(question, turn, float(question % 10)) for question in (1, 5) for turn in (0, 1)]
    (score, *_) = rating_scores(same, {})
    assert score.standard_error == pytest.approx(2)


@given(st.permutations(RATED))
def test_the_order_of_the_verdicts_is_of_no_account(mixed: list[Judged]) -> None:
    assert rating_scores(mixed, CATEGORIES) == rating_scores(RATED, CATEGORIES)


@pytest.mark.parametrize(
    ("first", "second", "result"),
    [(1, 1, 1), (0, 0, 0), (1, 0, 0.5), (0.5, 1, 0.5), (0.5, 0.5, 0.5), (0.9, 0.6, 1)],
)
def test_only_what_both_orders_say_wins_or_loses(
    first: float, second: float, result: float
) -> None:
    assert outcome(first, second) == outcome(second, first) == result


def test_a_tie_is_half_a_win_and_shares_add_up() -> None:
    won = [Judged(81, 0, 1.0), Judged(81, 1, 0.5), Judged(82, 0, 0.0), Judged(82, 1, 1.0)]
    found = by_metric(pairwise_scores([*won, Judged(111, 0, None, "?")]))
    shares = [found[metric].value for metric in ("win_rate", "loss_rate", "tie_rate")]
    assert shares == [0.5, 0.25, 0.25]
    assert found["win_rate_adjusted"].value == 0.625
    assert found["win_rate_adjusted"].bounds == (0.5, 0.7)
    assert found["win_rate_adjusted_turn_2"].value == 0.75


def verdict(value: float | None, *, swapped: bool, cause: str | None = None) -> Verdict:
    mine, theirs = answered(PLAIN, "a", "b"), answered(PLAIN, "c", "d", model="theirs")
    pair = Comparison(mine, theirs, 1)
    return Verdict(pair.swap() if swapped else pair, "j", value, cause)


def test_both_orders_are_met_as_what_they_say_of_the_candidate() -> None:
    orders = [verdict(1.0, swapped=False), verdict(0.0, swapped=True)]
    assert met(orders) == [Judged(81, 1, 1.0)]
    assert items(orders) == [Item("mt_bench/81/turn-2", 1.0, None)]


def test_a_meeting_with_an_unread_order_is_unread() -> None:
    orders = [verdict(1.0, swapped=False), verdict(None, swapped=True, cause="refused")]
    assert met(orders) == [Judged(81, 1, None, "refused")]


def test_a_verdict_on_the_last_turn_is_on_the_second() -> None:
    (one,) = judged([Verdict(Comparison(answered(PLAIN, "a", "b")), "j", 4.0)])
    assert one == Judged(81, 1, 4.0)
