"""Ridge logistic regression: flat at its minimum, and finite where rows are separable."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.errors import DataError
from harness.stats.ridge_logistic import Array, Rows, fit

features = arrays(np.float64, (8, 2), elements=st.floats(-5, 5))
labels = arrays(np.float64, 8, elements=st.sampled_from([0.0, 0.5, 1.0]))
weights = arrays(np.float64, (3, 8), elements=st.integers(0, 4).map(float))
RIDGE = np.array([0.3, 1.0])


def test_one_feature_of_one_row_is_where_pull_and_penalty_balance() -> None:
    """At w = 1 the pull 1 / (1 + e) must equal ridge * w."""
    rows = Rows(np.ones((1, 1)), np.ones(1))
    ((w,),) = fit(rows, np.ones((1, 1)), np.array([1 / (1 + math.e)]))
    assert w == pytest.approx(1)


@given(features, labels, weights)
def test_the_objective_is_flat_at_the_fit(x: Array, p: Array, s: Array) -> None:
    w = fit(Rows(x, p), s, RIDGE)
    chance = 1 / (1 + np.exp(-w @ x.T))
    assert np.abs((s * (chance - p)) @ x + RIDGE * w).max() < 1e-8


@given(features, labels, weights)
def test_weightings_are_fitted_as_each_alone(x: Array, p: Array, s: Array) -> None:
    alone = [fit(Rows(x, p), one[None], RIDGE)[0] for one in s]
    assert fit(Rows(x, p), s, RIDGE) == pytest.approx(np.array(alone), abs=1e-9)


def test_separable_rows_have_a_finite_fit() -> None:
    x = np.array([[1.0, 3.0], [1.0, -2.0]])
    assert np.isfinite(fit(Rows(x, np.array([1.0, 0.0])), np.full((1, 2), 1e6), RIDGE)).all()


def test_features_that_are_not_finite_are_told() -> None:
    rows = Rows(np.full((1, 1), math.nan), np.ones(1))
    with pytest.raises(DataError, match="finite"):
        fit(rows, np.ones((1, 1)), np.ones(1))
