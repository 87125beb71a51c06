"""A confidence sequence holds at every look."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DataError
from harness.stats.sequential import always_valid_p, confidence_sequence, decided_after


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60).map(np.array))
def test_intervals_lie_in_the_unit_interval_and_only_shrink(values: np.ndarray) -> None:
    low_N, high_N = confidence_sequence(values).T
    assert (low_N >= 0).all()
    assert (high_N <= 1).all()
    assert (np.diff(low_N) >= 0).all()
    assert (np.diff(high_N) <= 0).all()


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=40).map(np.array))
def test_turning_the_preferences_round_turns_the_interval_round(values: np.ndarray) -> None:
    there, back = confidence_sequence(values)[-1], confidence_sequence(1 - values)[-1]
    assert there == pytest.approx(1 - back[::-1])


@pytest.mark.parametrize(("rate", "level"), [(0.5, 0.05), (0.2, 0.05), (0.5, 0.2)])
def test_the_true_mean_is_hardly_ever_left_out_however_often_one_looks(
    rate: float, level: float
) -> None:
    random, runs = np.random.default_rng(0), 150
    left = 0
    for _ in range(runs):
        ends = confidence_sequence((random.random(300) < rate).astype(float), level=level)
        left += bool(((ends[:, 0] > rate) | (ends[:, 1] < rate)).any())
    # A union over all looks: an ordinary interval misses several times as often.
    assert left <= runs * level + 3 * np.sqrt(runs * level)


def test_looking_at_ordinary_intervals_all_the_time_does_not_hold() -> None:
    random, left = np.random.default_rng(0), 0
    for _ in range(150):
        values = (random.random(300) < 0.5).astype(float)
        n = np.arange(10, 301)
        mean = np.cumsum(values)[9:] / n
        left += bool((np.abs(mean - 0.5) > 1.96 * 0.5 / np.sqrt(n)).any())
    assert left > 30  # of 150, where 5 % are 7.5


def test_the_interval_closes_in_on_the_mean() -> None:
    values = (np.random.default_rng(1).random(800) < 0.7).astype(float)
    low, high = confidence_sequence(values)[-1]
    assert low < 0.7 < high
    assert high - low < 0.13


def test_a_clear_winner_is_decided_early() -> None:
    values = (np.random.default_rng(2).random(800) < 0.8).astype(float)
    needed = decided_after(values)
    assert needed is not None
    assert needed < 80


def test_a_tie_is_never_decided() -> None:
    assert decided_after(np.full(300, 0.5)) is None
    assert decided_after(np.array([])) is None


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_values_outside_the_unit_interval_are_refused(value: float) -> None:
    with pytest.raises(DataError, match=r"expected values in \[0, 1\]"):
        confidence_sequence(np.array([value]))


def test_a_first_bet_is_worked_by_hand() -> None:
    """The bet is capped at 1, the value 0.5 above: capital 1.5, of which half was staked."""
    assert always_valid_p(np.array([1.0])) == 1.0  # 2 / 1.5, which is no probability
    assert always_valid_p(np.array([1.0] * 9)) < 0.2


@given(st.lists(st.floats(0, 1), min_size=1, max_size=80).map(np.array))
def test_what_the_sequence_decides_the_p_value_finds_significant(values: np.ndarray) -> None:
    if decided_after(values) is not None:
        assert always_valid_p(values) <= 0.05


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40).map(np.array))
def test_another_look_never_makes_it_less_sure(values: np.ndarray) -> None:
    assert always_valid_p(values) <= always_valid_p(values[:-1])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40).map(np.array))
def test_the_sides_have_one_p_value(values: np.ndarray) -> None:
    assert always_valid_p(values) == pytest.approx(always_valid_p(1 - values))


def test_no_value_says_nothing() -> None:
    assert always_valid_p(np.array([])) == 1.0


def test_a_p_value_needs_fractions() -> None:
    with pytest.raises(DataError, match=r"in \[0, 1\]"):
        always_valid_p(np.array([1.5]))
