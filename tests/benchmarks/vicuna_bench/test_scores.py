from dataclasses import replace
from typing import Any

import pytest

from benchmarks.vicuna_bench.scores import Reviewed, reviewed, scores
from harness.types import Comparison, Score, Verdict
from tests.benchmarks.vicuna_bench.records import PLAIN, answered
from tests.records import generation

MINE, THEIRS = answered(PLAIN, "a"), answered(PLAIN, "b", model="theirs")
PAIR = Comparison(MINE, THEIRS)


def verdict(said: str, value: float | None, *, swapped: bool = False, **fields: Any) -> Verdict:
    pair = PAIR.swap() if swapped else PAIR
    return Verdict(pair, "j", value, raw=generation(said), **fields)


def of(*found: Reviewed) -> dict[str, Score]:
    return {score.metric: score for score in scores(found)}


def question(value: float | None, *pairs: tuple[float, float], name: str = "q") -> Reviewed:
    return Reviewed(name, value, None if value is not None else "?", pairs)


def test_both_orders_are_scores_of_the_candidate_and_its_opponent() -> None:
    (one,) = reviewed([verdict("7 9", 1.0), verdict("8 6", 0.0, swapped=True)])
    assert one == Reviewed("vicuna_bench/1", 1.0, None, ((9, 7), (8, 6)))


def test_orders_that_disagree_are_a_tie() -> None:
    (one,) = reviewed([verdict("7 9", 1.0), verdict("8 9", 1.0, swapped=True)])
    assert (one.value, one.scores) == (0.5, ((9, 7), (8, 9)))


def test_an_unread_order_leaves_the_question_unread() -> None:
    lost = verdict("well", None, swapped=True, cause="no two scores")
    (one,) = reviewed([verdict("7 9", 1.0), lost])
    assert (one.value, one.cause) == (None, "no two scores")


def test_votes_are_read_by_their_own_words_whichever_way_round_they_were_shown() -> None:
    votes = (verdict("7 9", 1.0), verdict("8 6", 1.0))
    both = Verdict(PAIR, "both:j", 1.0, votes=votes)
    (one,) = reviewed([both, replace(both, value=0.0, votes=())])
    assert one.scores == ((9, 7), (8, 6))


def test_words_of_another_rubric_hold_no_scores() -> None:
    orders = [verdict("[[B]]", 1.0), verdict("[[A]]", 0.0, swapped=True)]
    assert reviewed(orders) == [Reviewed("vicuna_bench/1", 1.0, None, ())]


def test_a_tie_that_nobody_was_asked_about_has_no_scores() -> None:
    (one,) = reviewed([Verdict(PAIR, "j", 0.5), Verdict(PAIR.swap(), "j", 0.5)])
    assert one == Reviewed("vicuna_bench/1", 0.5, None, ())


def test_a_tie_is_half_a_win_and_shares_add_up() -> None:
    found = of(question(1.0), question(0.5), question(0.0), question(1.0), question(None))
    assert [found[f"{name}_rate"].value for name in ("win", "tie", "loss")] == [0.5, 0.25, 0.25]
    assert found["win_rate_adjusted"].value == 0.625
    assert found["win_rate_adjusted"].bounds == (0.5, 0.7)
    assert found["win_rate_adjusted"].n_unread == 1


def test_a_share_has_the_ordinary_standard_error() -> None:
    """Values 1, 0: deviation sqrt(1/2), error sqrt(1/2) / sqrt(2) = 0.5."""
    assert of(question(1.0), question(0.0))["win_rate"].standard_error == pytest.approx(0.5)


def test_the_ratio_is_of_the_sums_of_all_scores() -> None:
    found = of(question(1.0, (9, 6), (8, 6), name="a"), question(0.0, (4, 8), (3, 10), name="b"))
    assert found["score_ratio"].value == 24 / 30
    assert (found["score_ratio"].n, found["score_ratio"].interval is None) == (2, False)


def test_without_a_single_score_there_is_no_ratio() -> None:
    found = of(question(0.5), question(None))
    assert (found["score_ratio"].value, found["score_ratio"].n_unread) == (None, 2)


def test_nothing_read_has_no_share() -> None:
    assert (of(question(None))["win_rate"].value, of(question(None))["win_rate"].n) == (None, 0)
