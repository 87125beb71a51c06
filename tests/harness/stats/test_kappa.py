import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.kappa import cohen_kappa

rows = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=20)


def test_the_textbook_example_of_two_readers_comes_out() -> None:
    # Of 50: 20 both yes, 15 both no, 5 and 10 apart: p_o 0.7, p_e 0.5, kappa 0.4.
    one = [1] * 25 + [0] * 25
    other = [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    assert cohen_kappa(one, other) == pytest.approx(0.4)


def test_quadratic_weights_by_hand() -> None:
    # Observed squares: 1 of 3; of each of 0 1 2 with each of 0 2 2: (0+4+4+1+1+1+4+0+0) / 9.
    assert cohen_kappa([0, 1, 2], [0, 2, 2], quadratic=True) == pytest.approx(
        1 - (1 / 3) / (15 / 9)
    )


def test_raters_who_know_one_category_only_have_no_kappa() -> None:
    assert math.isnan(cohen_kappa([1, 1], [1, 1]))


@given(rows, st.booleans())
def test_the_raters_may_change_places(pairs: list[tuple[int, int]], quadratic: bool) -> None:
    one, other = zip(*pairs, strict=True)
    there = cohen_kappa(one, other, quadratic=quadratic)
    assert cohen_kappa(other, one, quadratic=quadratic) == pytest.approx(there, nan_ok=True)


@given(rows, st.data())
def test_a_weight_counts_a_row_so_often(pairs: list[tuple[int, int]], data: st.DataObject) -> None:
    weight = data.draw(st.lists(st.integers(1, 3), min_size=len(pairs), max_size=len(pairs)))
    one, other = zip(*pairs, strict=True)
    written_out = cohen_kappa(np.repeat(one, weight), np.repeat(other, weight))
    weighed = cohen_kappa(one, other, np.array(weight, np.float64))
    assert weighed == pytest.approx(written_out, nan_ok=True)
