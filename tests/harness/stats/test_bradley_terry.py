"""Bradley-Terry strengths: worked values, laws, and what has no finite strength."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.errors import DataError
from harness.stats.bradley_terry import (
    Array,
    Battles,
    bootstrap_battles,
    bootstrap_clusters,
    fit,
    tally,
    tally_by,
    win_rate,
)

positive = arrays(np.float64, (4, 4), elements=st.integers(1, 30).map(float))


def battles(*rows: tuple[int, int, float, float]) -> Battles:
    first, second, value, weight = zip(*rows, strict=True)
    return Battles(np.array(first), np.array(second), np.array(value), np.array(weight))


def slope(wins: Array, strengths: Array) -> Array:
    """What the likelihood's gradient is, model by model, in plain sums."""
    k = len(wins)
    return np.array(
        [
            sum(
                wins[i, j] - (wins[i, j] + wins[j, i]) / (1 + math.exp(strengths[j] - strengths[i]))
                for j in range(k)
                if j != i
            )
            for i in range(k)
        ]
    )


def test_a_battle_counts_by_its_weight_and_a_tie_is_half_a_win_for_both() -> None:
    wins = tally(battles((0, 1, 1.0, 3.0), (1, 0, 1.0, 1.0), (0, 1, 0.5, 1.0)), 2)
    assert wins.tolist() == [[0, 3.5], [1.5, 0]]


def test_tallies_by_cluster_add_up_to_the_tally() -> None:
    met = battles((0, 1, 1.0, 3.0), (1, 2, 0.5, 1.0), (2, 0, 0.0, 1.0))
    assert tally_by(met, np.array([1, 0, 1]), 3).sum(axis=0).tolist() == tally(met, 3).tolist()


def test_against_one_anchor_the_strength_is_the_log_odds_of_the_share_won() -> None:
    strengths = fit(np.array([[0.0, 1.0, 8.0], [3.0, 0.0, 0.0], [2.0, 0.0, 0.0]]))
    assert strengths == pytest.approx([0, math.log(3), math.log(2 / 8)])
    assert win_rate(strengths) == pytest.approx([0.5, 0.75, 0.2])


@given(arrays(np.float64, (2, 3), elements=st.integers(1, 400).map(float)))
def test_the_closed_form_is_where_the_full_fit_ends(shares: Array) -> None:
    wins = np.zeros((4, 4))
    wins[0, 1:], wins[1:, 0] = shares
    closed = fit(wins)
    wins[1, 2] = wins[2, 1] = 1e-13  # no longer against the anchor alone: Newton's steps
    assert fit(wins) == pytest.approx(closed, abs=1e-8)


@given(positive)
def test_the_likelihood_is_flat_at_the_fit(wins: Array) -> None:
    assert np.abs(slope(wins, fit(wins))).max() < 1e-8


@given(positive, st.integers(0, 3))
def test_another_anchor_moves_all_strengths_alike(wins: Array, anchor: int) -> None:
    here, there = fit(wins), fit(wins, anchor)
    assert there == pytest.approx(here - here[anchor], abs=1e-8)


@given(positive, st.permutations(range(4)))
def test_the_order_of_the_models_does_not_matter(wins: Array, order: list[int]) -> None:
    turned = fit(wins[np.ix_(order, order)], order.index(0))
    assert turned == pytest.approx(fit(wins)[order], abs=1e-8)


@given(positive)
def test_exchanging_wins_and_losses_turns_every_sign(wins: Array) -> None:
    assert fit(wins.T) == pytest.approx(-fit(wins), abs=1e-8)


def test_many_sets_at_once_are_fitted_as_each_alone() -> None:
    wins = np.random.default_rng(1).integers(1, 9, (5, 4, 4)).astype(float)
    assert fit(wins) == pytest.approx(np.stack([fit(one) for one in wins]), abs=1e-9)


def test_very_uneven_tallies_settle() -> None:
    wins = np.array([[0, 1e6, 1], [1, 0, 1e6], [1e-3, 1, 0]])
    assert np.abs(slope(wins, fit(wins))).max() < 1e-6


def test_a_side_that_wins_every_battle_is_infinitely_strong() -> None:
    strengths = fit(np.array([[0.0, 0.0, 5.0], [4.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    assert strengths.tolist() == [0, math.inf, -math.inf]
    assert win_rate(strengths).tolist() == [0.5, 1, 0]


def test_who_is_beaten_by_nobody_leaves_the_others_their_finite_fit() -> None:
    wins = np.array([[0, 2, 0, 1], [1, 0, 0, 3], [5, 1, 0, 1], [4, 1, 0, 0]], dtype=float)
    strengths = fit(wins)
    rest = [0, 1, 3]
    assert strengths[2] == math.inf
    assert strengths[rest] == pytest.approx(fit(wins[np.ix_(rest, rest)]), abs=1e-8)


def test_models_that_never_met_the_others_have_no_strength() -> None:
    wins = np.zeros((4, 4))
    wins[0, 1] = wins[1, 0] = wins[2, 3] = wins[3, 2] = 1
    assert np.isnan(fit(wins)).tolist() == [False, False, True, True]


def test_weights_that_are_not_finite_are_told() -> None:
    wins = np.full((3, 3), math.inf)
    with np.errstate(invalid="ignore"), pytest.raises(DataError, match="finite"):
        fit(wins)


def test_clusters_drawn_alike_leave_no_spread() -> None:
    wins = np.tile([[0.0, 1.0], [3.0, 0.0]], (9, 1, 1))
    drawn = bootstrap_clusters(wins, replicates=5)
    assert win_rate(drawn)[:, 1] == pytest.approx([0.75] * 5)


def test_battles_of_one_prompt_are_drawn_together() -> None:
    """Ten prompts with both games alike: twice the variance of twenty battles on their own."""
    prompts = np.repeat(np.arange(200), 2)
    value = (prompts % 2).astype(float)
    n = np.zeros(400, np.int64)
    met = Battles(n + 1, n, value, np.ones(400))
    together = win_rate(bootstrap_clusters(tally_by(met, prompts, 2), replicates=2000))[:, 1]
    alone = win_rate(bootstrap_battles(met, 2, replicates=2000))[:, 1]
    assert together.var() / alone.var() == pytest.approx(2, rel=0.15)


def test_the_same_seed_draws_the_same_battles() -> None:
    met = battles((1, 0, 1.0, 1.0), (1, 0, 0.0, 1.0), (1, 0, 0.5, 1.0), (1, 0, 1.0, 1.0))
    once, again = (bootstrap_battles(met, 2, replicates=3, seed=7) for _ in range(2))
    assert once.tolist() == again.tolist()
