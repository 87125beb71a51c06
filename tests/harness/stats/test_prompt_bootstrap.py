import math

import numpy as np
import pytest

from harness.stats.prompt_bootstrap import interval

VALUES = np.random.default_rng(1).normal(5, 2, 400)


def test_the_interval_of_a_mean_is_about_the_normal_one() -> None:
    low, high = interval(lambda n_N: float(n_N @ VALUES / n_N.sum()), 400) or (0, 0)
    half = 1.96 * VALUES.std(ddof=1) / 20
    assert (low, high) == pytest.approx((VALUES.mean() - half, VALUES.mean() + half), abs=0.05)


def test_one_prompt_has_no_interval() -> None:
    assert interval(lambda _: 1.0, 1) is None


def test_replicates_without_a_value_are_left_out_while_they_are_few() -> None:
    assert interval(lambda n_N: 1.0 if n_N[0] else math.nan, 5) == (1, 1)
    assert interval(lambda n_N: 1.0 if n_N[0] > 2 else math.nan, 5) is None
