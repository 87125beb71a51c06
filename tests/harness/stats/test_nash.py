"""The game of preferences among checkpoints."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DataError
from harness.stats.nash import exploitability, transitivity, von_neumann_winner

ROCK = np.array([[0.5, 0.9, 0.1], [0.1, 0.5, 0.9], [0.9, 0.1, 0.5]])
WEIGHTED = np.array([[0.5, 0.7, 0.2], [0.3, 0.5, 0.9], [0.8, 0.1, 0.5]])
ORDER = np.array([[0.5, 0.6, 0.8], [0.4, 0.5, 0.7], [0.2, 0.3, 0.5]])


@st.composite
def games(draw: st.DrawFn) -> np.ndarray:
    k = draw(st.integers(1, 5))
    upper = np.array(draw(st.lists(st.floats(0, 1), min_size=k * k, max_size=k * k))).reshape(k, k)
    above = np.triu(upper, 1)
    game: np.ndarray = above + np.tril(1 - above.T, -1) + np.eye(k) / 2
    return game


def test_nobody_wins_rock_paper_scissors() -> None:
    assert von_neumann_winner(ROCK) == pytest.approx([1 / 3] * 3)


def test_a_weighted_game_has_the_mixture_worked_by_hand() -> None:
    # 0.2 (1, 2), -0.3 (1, 3), 0.4 (2, 3): shares 0.4, 0.3, 0.2 of 0.9
    assert von_neumann_winner(WEIGHTED) == pytest.approx([4 / 9, 3 / 9, 2 / 9])


def test_in_an_order_the_first_wins_alone() -> None:
    assert von_neumann_winner(ORDER) == pytest.approx([1, 0, 0])


@given(games())
def test_the_winner_is_exploited_by_nobody(game: np.ndarray) -> None:
    shares = von_neumann_winner(game)
    assert shares.sum() == pytest.approx(1)
    assert exploitability(shares, game) == pytest.approx(0, abs=1e-7)


def test_a_pure_strategy_is_exploited_by_what_beats_it() -> None:
    assert exploitability(np.array([1.0, 0, 0]), ROCK) == pytest.approx(0.8)
    assert exploitability(np.array([1.0, 0, 0]), ORDER) == pytest.approx(0)


def test_a_cycle_is_counted_and_not_explained_by_strengths() -> None:
    found = transitivity(ROCK)
    assert (found.cycles, found.triads) == (1, 1)
    assert found.residual == pytest.approx(0.4)


def test_an_order_has_no_cycle() -> None:
    found = transitivity(ORDER)
    assert (found.cycles, found.triads) == (0, 1)
    assert found.residual < 0.05


def test_strengths_explain_what_they_made() -> None:
    strengths = np.array([0.0, 0.7, -1.1, 2.0])
    game = 1 / (1 + np.exp(strengths[None] - strengths[:, None]))
    assert transitivity(game).residual < 1e-8


def test_a_tied_pair_decides_no_triad() -> None:
    assert transitivity(np.full((3, 3), 0.5)).triads == 0


def test_who_wins_every_time_is_no_fault() -> None:
    assert transitivity(np.array([[0.5, 1.0], [0.0, 0.5]])).residual == pytest.approx(0)


@pytest.mark.parametrize("game", [np.full((2, 2), 0.6), np.zeros((2, 3)), np.zeros(3)])
def test_what_is_no_game_is_refused(game: np.ndarray) -> None:
    with pytest.raises(DataError, match="expected a square matrix of preferences"):
        von_neumann_winner(game)
