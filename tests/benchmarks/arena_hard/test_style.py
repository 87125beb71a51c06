"""Counts of style, and their differences."""

import numpy as np
import pytest

from benchmarks.arena_hard.style import counts, differences


@pytest.mark.parametrize(
    ("text", "headers", "lists", "bold"),
    [
        ("# one\n###### six\n####### seven", 2, 0, 0),
        ("#no space", 0, 0, 0),
        ("1. a\n  22. b\n- c\n* d\n + e", 0, 5, 0),
        ("**a** and __b__ but ** c\n**", 0, 0, 2),
        ("```\n# code\n- code\n```\n# prose", 1, 0, 0),
    ],
)
def test_marks_outside_code_are_counted(text: str, headers: int, lists: int, bold: int) -> None:
    assert counts(text) == (len(text), headers, lists, bold)


def test_differences_are_of_deviation_1_over_weighted_battles_and_0_at_equal_style() -> None:
    one, other = np.array([[9.0], [4.0], [0.0]]), np.array([[5.0], [4.0], [7.0]])
    found = differences(one, other, np.array([3.0, 1.0, 1.0]))
    assert np.std(found[[0, 0, 0, 1, 2]], axis=0) == pytest.approx([1])
    assert found[1] == 0


def test_a_feature_that_differs_alike_in_all_battles_is_0() -> None:
    alike = np.ones((4, 2))
    assert differences(alike, 3 * alike, np.ones(4)).tolist() == [[0, 0]] * 4


def test_exchanging_the_sides_turns_every_sign() -> None:
    one, other = np.array([[9.0], [4.0], [0.0]]), np.array([[5.0], [4.0], [7.0]])
    there, back = differences(one, other, np.ones(3)), differences(other, one, np.ones(3))
    assert there == pytest.approx(-back)


def test_a_difference_is_divided_by_the_sum_of_both_counts_plus_one() -> None:
    """4 of 9 + 5 + 1, and -7 of 0 + 7 + 1, on one scale."""
    one, other = np.array([[9.0], [4.0], [0.0]]), np.array([[5.0], [4.0], [7.0]])
    found = differences(one, other, np.ones(3))
    assert found[0] / found[2] == pytest.approx((4 / 15) / (-7 / 8))
