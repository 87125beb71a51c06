"""Where a score's spread comes from."""

from math import sqrt

import numpy as np
import pytest

from harness.errors import DataError
from harness.stats.variance import Components, components, components_of


def drawn(items: float, seeds: float, judge: float, shape: tuple[int, int, int]) -> np.ndarray:
    random, (n, s, r) = np.random.default_rng(0), shape
    values = random.normal(0, items, (n, 1, 1)) + random.normal(0, seeds, (n, s, 1))
    return np.asarray(values + random.normal(0, judge, (n, s, r)))


def test_the_components_are_those_that_were_put_in() -> None:
    found = components(drawn(1.0, 0.5, 0.25, (4000, 3, 3)))
    assert found.items == pytest.approx(1.0, rel=0.1)
    assert found.seeds == pytest.approx(0.25, rel=0.1)
    assert found.judge == pytest.approx(0.0625, rel=0.05)


def test_two_items_are_worked_by_hand() -> None:
    # Means 1 and 3, judged (0, 2) and (3, 3): within (1 + 1 + 0 + 0) / 2 = 1;
    # between 2 * ((1 - 2)^2 + (3 - 2)^2) / 1 = 4; items (4 - 1) / 2
    found = components(np.array([[[0.0, 2.0]], [[3.0, 3.0]]]))
    assert found == Components(1.5, None, 1.0, 1.0)


def test_without_repeats_the_judge_cannot_be_told_from_the_seeds() -> None:
    found = components(drawn(1.0, 0.5, 0.25, (4000, 3, 1)))
    assert found.judge is None
    assert found.seeds == pytest.approx(0.3125, rel=0.1)


def test_the_standard_error_is_that_of_the_items_means() -> None:
    values = drawn(1.0, 0.5, 0.25, (50, 2, 2))
    means = values.mean((1, 2))
    assert components(values).standard_error == pytest.approx(means.std(ddof=1) / sqrt(50))


def test_other_numbers_have_another_error() -> None:
    # sqrt((1 + (0.5 + 0.4 / 2) / 5) / 100)
    assert Components(1.0, 0.5, 0.4, 0.0).error_with(100, 5, 2) == pytest.approx(sqrt(1.14) / 10)


def test_what_is_measured_is_foretold() -> None:
    found = components(drawn(1.0, 0.5, 0.25, (60, 3, 2)))
    assert found.error_with(60, 3, 2) == pytest.approx(found.standard_error)


def test_the_error_and_the_noise_of_a_mean_hold_the_same_variances() -> None:
    values = drawn(1.0, 0.0, 0.5, (50, 1, 3))
    found = components(values)
    noise = sqrt((values[:, 0].var(1, ddof=1) / 3).sum()) / 50
    assert components_of(found.standard_error, noise, 50, 3) == pytest.approx(found)


def test_more_noise_than_error_leaves_nothing_to_the_items() -> None:
    assert components_of(0.1, 0.2, 10, 2).items == 0.0


@pytest.mark.parametrize(
    "values", [np.zeros((3, 2)), np.zeros((1, 2, 2)), np.full((2, 1, 1), np.nan)]
)
def test_what_is_no_full_table_is_refused(values: np.ndarray) -> None:
    with pytest.raises(DataError, match="of items by seeds by repeats, all read"):
        components(values)
