"""v2.0's differences in style."""

import numpy as np
import pytest

from benchmarks.arena_hard.v2.style import differences

MINE = np.array([[299.0, 3, 0, 0], [99.0, 0, 0, 0], [0.0, 0, 0, 0]])
THEIRS = np.array([[99.0, 1, 0, 0], [299.0, 3, 0, 0], [0.0, 0, 0, 0]])


def test_lengths_are_compared_by_their_sum_and_marks_by_their_density() -> None:
    """200 of 398 characters longer, then shorter; densities 3/300 and 1/100 are the same."""
    found = differences(MINE, THEIRS, np.ones(3))
    ratio = np.array([200 / 398, -200 / 398, 0])
    assert found[:, 0] == pytest.approx(ratio / ratio.std())
    assert found[0, 1] == 0
    assert found[1, 1] < 0


def test_exchanging_the_sides_turns_every_sign() -> None:
    there, back = differences(MINE, THEIRS, np.ones(3)), differences(THEIRS, MINE, np.ones(3))
    assert there == pytest.approx(-back)


def test_two_empty_answers_are_of_equal_style() -> None:
    assert differences(MINE, THEIRS, np.ones(3))[2].tolist() == [0, 0, 0, 0]
