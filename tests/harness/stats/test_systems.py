import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, spearmanr

from harness.stats.systems import Standing, difference, kendall, spearman

columns = (
    st.integers(3, 8)
    .flatmap(lambda n: st.tuples(*[st.lists(st.integers(0, 4), min_size=n, max_size=n)] * 2))
    .filter(lambda pair: all(len(set(column)) > 1 for column in pair))
)


@given(columns)
def test_correlations_are_those_of_scipy(pair: tuple[list[int], list[int]]) -> None:
    one, other = (np.array(column, np.float64) for column in pair)
    assert spearman(one, other) == pytest.approx(spearmanr(one, other).statistic)
    assert kendall(one, other) == pytest.approx(kendalltau(one, other).statistic)


@pytest.mark.parametrize("measure", [spearman, kendall])
def test_a_constant_has_no_correlation(measure: type) -> None:
    assert math.isnan(measure(np.array([1.0, 1.0]), np.array([1.0, 2.0])))


def test_a_system_counts_by_its_mean_and_not_at_all_without_weight() -> None:
    of = Standing(np.array([0.0, 0, 1, 2]), 3).measure(difference)
    # System 0: 0.5 against 1.0; system 1: 0 against 0.2; system 2 has no weight.
    one, other = np.array([1.0, 0, 0, 9]), np.array([1.0, 1, 0.2, 0])
    assert of(np.array([0.0, 0, 1, 2]), one, other, np.array([1.0, 1, 1, 0])) == pytest.approx(0.35)
