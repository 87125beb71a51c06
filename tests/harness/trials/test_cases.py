import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.trials.cases import Case, Pair, Trial, limited
from tests.records import generation


def case(*golds: float) -> Case:
    """A baseline at place 0 and a candidate for each known preference over it."""
    answers = [generation(str(place)) for place in range(len(golds) + 1)]
    return Case(tuple(answers), tuple(Pair(n, 0, gold) for n, gold in enumerate(golds, 1)))


def test_a_pair_is_shown_with_its_candidate_and_baseline() -> None:
    (comparison,) = case(1.0).comparisons()
    assert comparison.texts == ("1", "0")


def test_every_answer_is_shown_alone_to_a_judge_that_rates() -> None:
    assert [comparison.texts for comparison in case(1.0, 0.0).alone()] == [
        ("0", None),
        ("1", None),
        ("2", None),
    ]


def test_an_answer_stands_by_its_mean_preference_over_those_it_met() -> None:
    assert case(1.0, 0.5).standings() == [0.25, 1.0, 0.5]


def test_known_ratings_are_standings_themselves() -> None:
    assert Case((generation("a"), generation("b")), ratings=(3, 7)).standings() == [3, 7]


def test_an_answer_that_met_nobody_stands_in_the_middle() -> None:
    lonely = Case((generation("a"), generation("b"), generation("c")), (Pair(0, 1, 1.0),))
    assert lonely.standings() == [1, 0, 0.5]


@pytest.mark.parametrize(("limit", "kept"), [(2, [0, 2]), (3, [0, 1, 3]), (9, [0, 1, 2, 3, 4])])
def test_fewer_cases_are_spread_evenly(limit: int, kept: list[int]) -> None:
    cases = [case(gold / 10) for gold in range(5)]
    trial = Trial("five", "Five", "people", lambda _: cases)
    found = limited(trial, limit).load(None)  # type: ignore[arg-type]
    assert [round(one.pairs[0].gold * 10) for one in found] == kept


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_what_one_side_gains_the_other_loses(golds: list[float]) -> None:
    baseline, *others = case(*golds).standings()
    assert baseline == pytest.approx(1 - sum(others) / len(others))
