"""Means and ratios of clustered values, with their errors."""

from math import sqrt
from random import Random
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DataError
from harness.stats.clustered import clustered_mean, clustered_ratio

RATINGS = (1.0, 10.0)
ratings = st.integers(1, 10).map(float)
clustered = st.lists(st.tuples(ratings, st.integers(0, 4)), min_size=1, max_size=30)


def test_two_turns_of_two_questions_worked_by_hand() -> None:
    """Mean 5; sums of residuals -3 + -1 = -4 and 1 + 3 = 4; SE = sqrt(2/1 * 32) / 4 = 2."""
    found = clustered_mean([2, 4, 6, 8], ["a", "a", "b", "b"], (-100, 100))
    assert found.value == 5
    assert found.standard_error == pytest.approx(2, abs=1e-12)
    # Student's quantile of one degree of freedom is tan(0.475 pi) = 12.7062047362.
    assert found.interval == pytest.approx((5 - 2 * 12.7062047362, 5 + 2 * 12.7062047362))


def test_opposite_turns_of_every_question_leave_no_error() -> None:
    found = clustered_mean([2, 8, 8, 2, 5, 5], [1, 1, 2, 2, 3, 3], RATINGS)
    assert (found.standard_error, found.interval) == (0, None)


def test_the_interval_stays_between_the_limits() -> None:
    low, high = clustered_mean([9, 10], [1, 2], RATINGS).interval or (0, 0)
    assert low == pytest.approx(9.5 - 0.5 * 12.7062047362)
    assert high == 10


def test_one_cluster_has_a_mean_and_no_error() -> None:
    assert clustered_mean([3, 4], ["q", "q"], RATINGS) == (3.5, None, None)


@given(st.lists(ratings, min_size=2, max_size=30))
def test_a_cluster_for_each_value_gives_the_ordinary_standard_error(values: list[float]) -> None:
    found = clustered_mean(values, range(len(values)), RATINGS)
    assert found.value == pytest.approx(fmean(values))
    assert found.standard_error == pytest.approx(stdev(values) / sqrt(len(values)))


@given(st.lists(ratings, min_size=2, max_size=15))
def test_saying_everything_twice_adds_no_certainty(values: list[float]) -> None:
    once = clustered_mean(values, range(len(values)), RATINGS)
    twice = clustered_mean(values * 2, [*range(len(values))] * 2, RATINGS)
    assert twice.standard_error == pytest.approx(once.standard_error)


@given(clustered, st.randoms())
def test_the_order_of_the_values_is_of_no_account(
    rows: list[tuple[float, int]], shuffle: Random
) -> None:
    mixed = rows.copy()
    shuffle.shuffle(mixed)
    first, second = (
        clustered_mean([v for v, _ in some], [c for _, c in some], RATINGS)
        for some in (rows, mixed)
    )
    assert first == second


@pytest.mark.parametrize(("values", "clusters"), [([], []), ([1.0], [])])
def test_values_without_a_cluster_each_are_refused(
    values: list[float], clusters: list[int]
) -> None:
    with pytest.raises(DataError, match="expected values with a cluster each"):
        clustered_mean(values, clusters, RATINGS)


def test_a_ratio_of_sums_worked_by_hand() -> None:
    """10 / 20; residuals 4 - 5 = -1 and 6 - 5 = 1; SE = sqrt(2/1 * 2) / 20 = 0.1."""
    found = clustered_ratio([4, 6], [10, 10], ["a", "b"], (0, 9))
    assert found.value == 0.5
    assert found.standard_error == pytest.approx(0.1)


@given(st.lists(st.tuples(ratings, ratings), min_size=2, max_size=20))
def test_scaling_what_is_below_scales_the_ratio_and_its_error(
    pairs: list[tuple[float, float]],
) -> None:
    above, below = [a for a, _ in pairs], [b for _, b in pairs]
    once = clustered_ratio(above, below, range(len(pairs)), (0, 100))
    halved = clustered_ratio(above, [2 * b for b in below], range(len(pairs)), (0, 100))
    assert halved.value == pytest.approx(once.value / 2)
    assert halved.standard_error == pytest.approx((once.standard_error or 0) / 2, abs=1e-12)
