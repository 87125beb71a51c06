"""Source of the worked table: Krippendorff (2011), section E: four observers, twelve units."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.errors import DataError
from harness.stats.krippendorff import Level, alpha

NAN = math.nan
PUBLISHED = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
    [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
]
LEVELS: list[Level] = ["nominal", "ordinal", "interval"]
ratings = arrays(np.float64, (3, 6), elements=st.sampled_from([1, 2, 3, NAN]))


@pytest.mark.parametrize(
    ("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_the_published_example_with_missing_values_comes_out(
    level: Level, published: float
) -> None:
    assert alpha(PUBLISHED, level) == pytest.approx(published, abs=5e-4)


def test_two_raters_on_two_units_by_hand() -> None:
    # Values 0 0 0 1: D_o = 1/2, D_e = 2 * 3 / (4 * 3) = 1/2.
    assert alpha([[0, 0], [0, 1]], "nominal") == pytest.approx(0)


@pytest.mark.parametrize("level", LEVELS)
def test_full_agreement_is_one(level: Level) -> None:
    assert alpha([[1, 2, 5], [1, 2, 5]], level) == pytest.approx(1)


@pytest.mark.parametrize("table", [[[1, 1], [1, 1]], [[1, NAN], [NAN, 2]], [[1, 2]]])
def test_without_anything_to_agree_about_there_is_no_value(table: list[list[float]]) -> None:
    assert math.isnan(alpha(table, "interval"))


@pytest.mark.parametrize("level", LEVELS)
@given(table=ratings, repeats=arrays(np.int64, 6, elements=st.integers(0, 3)))
def test_a_weight_counts_a_unit_so_often(
    level: Level, table: np.ndarray[tuple[int, int], np.dtype[np.float64]], repeats: np.ndarray
) -> None:
    written_out = np.repeat(table, repeats, axis=1)
    weighed = alpha(table, level, repeats.astype(np.float64))
    assert weighed == pytest.approx(alpha(written_out, level), abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("level", LEVELS)
@given(table=ratings, order=st.permutations(range(3)))
def test_the_order_of_the_raters_does_not_matter(
    level: Level, table: np.ndarray[tuple[int, int], np.dtype[np.float64]], order: list[int]
) -> None:
    assert alpha(table[order], level) == pytest.approx(alpha(table, level), nan_ok=True)


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(DataError, match="nominal, ordinal, interval"):
        alpha([[1], [1]], "ratio")  # type: ignore[arg-type]
