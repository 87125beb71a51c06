import math

import numpy as np
import pytest
from scipy.optimize import minimize

from harness.stats.length_bias import Array, Bin, length_curve, length_slope, longer_wins

LEAD = np.array([100.0, -50.0, 0.0, 10.0])


def _column(*values: float) -> Array:
    return np.array(values)


def test_the_longer_of_two_is_the_candidate_or_the_baseline() -> None:
    # Preferences for the longer: 0.9, 1 - 0.2; the equal pair is left out; then 0.4.
    share = longer_wins(LEAD, _column(0.9, 0.2, 0.7, 0.4), np.ones(4))
    assert share == pytest.approx((0.9 + 0.8 + 0.4) / 3)


def test_equal_lengths_prefer_none() -> None:
    assert math.isnan(longer_wins(np.zeros(2), _column(1, 0), np.ones(2)))


def test_the_slope_is_the_minimum_of_the_loss_it_names() -> None:
    random = np.random.default_rng(0)
    lead, preference = random.normal(0, 300, 60), random.uniform(0, 1, 60)
    weight = random.integers(0, 3, 60).astype(np.float64)

    def loss(coefficients: Array) -> float:
        logit = coefficients[0] + coefficients[1] * lead / 300
        fit = np.logaddexp(0, logit) - preference * logit
        return float(weight @ fit + 1e-6 * coefficients[0] ** 2 / 2 + coefficients[1] ** 2 / 2)

    found = minimize(loss, np.zeros(2), options={"gtol": 1e-8}).x[1]
    assert length_slope(lead, preference, weight, 300) == pytest.approx(found, abs=1e-5)


def test_a_judge_that_always_takes_the_longer_has_a_steep_and_finite_slope() -> None:
    lead = np.linspace(-2, 2, 40)
    assert 2 < length_slope(lead, (lead > 0).astype(np.float64), np.ones(40), 1.0) < 10


def test_a_judge_that_ignores_length_has_no_slope() -> None:
    assert length_slope(_column(-1, 1, -1, 1), _column(0, 0, 1, 1), np.ones(4), 1) == pytest.approx(
        0
    )


def test_no_verdicts_have_no_slope() -> None:
    assert math.isnan(length_slope(_column(1), _column(1), np.zeros(1), 1))


def test_the_curve_goes_from_the_shortest_to_the_longest() -> None:
    curve = length_curve(_column(30, -10, 10, -30), _column(1, 0.5, 0.5, 0), n_bins=2)
    assert curve == [Bin(-20, 0.25, 2), Bin(20, 0.75, 2)]


def test_fewer_verdicts_than_bins_leave_no_bin_empty() -> None:
    assert [one.n for one in length_curve(_column(1, 2), _column(0, 1), n_bins=5)] == [1, 1]
