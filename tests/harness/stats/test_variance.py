"""Where a score's spread comes from."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DataError
from harness.stats.variance import Components, components, redrawn_variance


def drawn(items: float, seeds: float, judge: float, shape: tuple[int, int, int]) -> np.ndarray:
    random, (n, s, r) = np.random.default_rng(0), shape
    values = random.normal(0, items, (n, 1, 1)) + random.normal(0, seeds, (n, s, 1))
    return np.asarray(values + random.normal(0, judge, (n, s, r)))


def apart(n: int) -> list[str]:
    """So many items, none of which stands or falls with another."""
    return [str(place) for place in range(n)]


def found_in(values_I_S_R: np.ndarray) -> Components:
    """As a report finds them: the first seed's error, all seeds, and the spread of the repeats."""
    n, _, repeats = values_I_S_R.shape
    means_I_S = values_I_S_R.mean(2)
    error = means_I_S[:, 0].std(ddof=1) / sqrt(n)
    rejudged = sqrt((values_I_S_R[:, 0].var(1, ddof=1) / repeats).sum()) / n
    redrawn = redrawn_variance(means_I_S, apart(n))
    return components(error, n, redrawn=redrawn, rejudged=rejudged, repeats=repeats)


def test_the_components_are_those_that_were_put_in() -> None:
    found = found_in(drawn(1.0, 0.5, 0.25, (4000, 3, 3)))
    assert found.items == pytest.approx(1.0, rel=0.1)
    assert found.seeds == pytest.approx(0.25, rel=0.1)
    assert found.judge == pytest.approx(0.0625, rel=0.05)


def test_two_items_are_worked_by_hand() -> None:
    # Answers deviate by -1, 1 and by 0, 0; the sum of squares over S - 1 = 1 is 2, of 2 items
    assert redrawn_variance(np.array([[0.0, 2.0], [3.0, 3.0]]), ["a", "b"]) == pytest.approx(1.0)
    found = components(1.0, 2, redrawn=0.5, rejudged=0.3, repeats=4)
    assert found == pytest.approx(Components(1.5, 0.32, 0.72, 1.0))


def test_it_is_the_mean_square_of_nested_classes() -> None:
    values = drawn(1.0, 0.5, 0.0, (50, 4, 1))[:, :, 0]
    assert redrawn_variance(values, apart(50)) == pytest.approx(values.var(1, ddof=1).mean())


def test_it_is_the_spread_of_the_means_of_seeds() -> None:
    """Means over the same items, answered anew, differ by as much as is foretold."""
    random = np.random.default_rng(1)
    items = random.normal(0, 1, (400, 1))
    means = (items + random.normal(0, 0.5, (400, 2000))).mean(0)
    told = redrawn_variance(items + random.normal(0, 0.5, (400, 4)), apart(400))
    assert sqrt(told / 400) == pytest.approx(means.std(ddof=1), rel=0.08)


def test_turns_of_one_conversation_are_drawn_together() -> None:
    answers = drawn(1.0, 0.5, 0.0, (500, 4, 1))[:, :, 0]
    twice = np.repeat(answers, 2, 0)
    turns = [str(place // 2) for place in range(1000)]
    alone = redrawn_variance(answers, apart(500))
    assert redrawn_variance(twice, turns) / 1000 == pytest.approx(alone / 500)
    assert redrawn_variance(twice, apart(1000)) == pytest.approx(alone)


@given(st.permutations(range(6)), st.permutations(range(3)))
def test_neither_the_order_of_items_nor_of_seeds_matters(
    items: list[int], seeds: list[int]
) -> None:
    values, clusters = drawn(1.0, 0.5, 0.0, (6, 3, 1))[:, :, 0], [*"aabbcd"]
    moved = redrawn_variance(values[np.ix_(items, seeds)], [clusters[place] for place in items])
    assert moved == pytest.approx(redrawn_variance(values, clusters))


def test_what_was_not_tried_is_not_told() -> None:
    assert components(0.1, 100) == pytest.approx(Components(1.0, None, None, 0.1))
    assert components(0.1, 100, redrawn=0.6).judge is None
    assert components(0.1, 100, rejudged=0.06).seeds is None


def test_other_numbers_have_another_error() -> None:
    # sqrt((1 + (0.5 + 0.4 / 2) / 5) / 100)
    assert Components(1.0, 0.5, 0.4, 0.0).error_with(100, 5, 2) == pytest.approx(sqrt(1.14) / 10)


def test_what_is_measured_is_foretold() -> None:
    """One answer, and the mean of all of them."""
    values = drawn(1.0, 0.5, 0.25, (4000, 3, 2))
    found = found_in(values)
    assert found.error_with(4000, 1, 2) == pytest.approx(found.standard_error)
    means = values.mean((1, 2))
    assert found.error_with(4000, 3, 2) == pytest.approx(means.std(ddof=1) / sqrt(4000), rel=0.03)


def test_more_noise_than_error_leaves_nothing_to_the_items() -> None:
    assert components(0.1, 10, rejudged=0.2, repeats=2).items == 0.0
    assert components(0.3, 10, redrawn=0.1, rejudged=0.2).seeds == 0.0
    assert components(0.3, 10, redrawn=0.1, rejudged=0.2).items == pytest.approx(0.5)


@pytest.mark.parametrize("values", [np.zeros((3, 1)), np.zeros((0, 2)), np.full((2, 2), np.nan)])
def test_what_is_no_full_table_is_refused(values: np.ndarray) -> None:
    with pytest.raises(DataError, match="of items by two seeds or more, all read"):
        redrawn_variance(values, apart(len(values)))
