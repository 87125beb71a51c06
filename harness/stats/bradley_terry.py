"""Bradley-Terry strengths: how strongly each model is preferred, from battles between two.

The model i beats j with probability sigmoid(t_i - t_j); strengths t are natural log-odds, the
anchor's is 0. A battle of weight w and value v counts as w * v won and w * (1 - v) lost, so that a
tie is half a win for both. The likelihood depends on the battles only through how much each model
won against each other, a small matrix, and is maximised by Newton steps for all replicates of a
bootstrap at once.

A model that no chain of wins leads back from has no finite strength: it is +inf if a chain of wins
leads from it to the anchor and none back, -inf the other way round, and NaN if neither leads
anywhere. Its win rate is then 1, 0 or NaN. The strengths of the others are the limit that the
likelihood's maximum tends to: the fit among those who beat the anchor and are beaten by it, by
chains.

Source: R. Bradley and M. Terry, Biometrika 39 (1952); existence of the maximum: L. Ford, American
Mathematical Monthly 64 (1957). Agrees with the unpenalised logistic regression of
https://github.com/lmarena/arena-hard-auto/blob/a1d16de3a0395385a287a5ed7d3c7e379b6e0ba7/show_result.py
in which each battle is entered twice and a tie is once won and once lost.

Letters that end a name or a shape: N battles, k models, c clusters, b replicates. `...` are
separate sets of battles.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

ELO_SCALE = 400 / float(np.log(10))
"""Points of a chess rating for one unit of strength."""

_MOST_STEPS = 100  # a fit takes about eight
_SETTLED = 1e-10  # Newton's error is about the square of its last step
_SAFE_REACH = 1.79  # below the root of e^R = 1 + R + R^2, as in l1_logistic


class Battles(NamedTuple):
    """Who met whom, and who was preferred."""

    first_N: Whole
    """A model's number in 0..k-1."""
    second_N: Whole
    value_N: Array
    """Preference for the first in [0, 1]; 0.5 is a tie."""
    weight_N: Array

    def rows(self, chosen: Whole) -> "Battles":
        """The battles of the numbers chosen, in that order, each as often as it is chosen."""
        return Battles._make(column[chosen] for column in self)


def tally(battles: Battles, k: int) -> Array:
    """How much each of k models won against each other: entry i, j is won by i against j."""
    wins: Array = tally_by(battles, np.zeros(len(battles.first_N), np.int64), k)[0]
    return wins


def tally_by(battles: Battles, cluster_N: Whole, k: int) -> Array:
    """The tallies of every cluster, shape (c, k, k).

    Args:
        battles: Of all clusters.
        cluster_N: Which cluster each is of, in 0..c-1.
        k: How many models there are.
    """
    c = int(cluster_N.max()) + 1
    won = _cells(cluster_N, battles.first_N, battles.second_N, k)
    lost = _cells(cluster_N, battles.second_N, battles.first_N, k)
    wins = np.zeros(c * k * k)
    wins += np.bincount(won, battles.weight_N * battles.value_N, wins.size)
    wins += np.bincount(lost, battles.weight_N * (1 - battles.value_N), wins.size)
    return wins.reshape(c, k, k)


def _cells(cluster_N: Whole, row_N: Whole, column_N: Whole, k: int) -> Whole:
    return (cluster_N * k + row_N) * k + column_N


def fit(wins: Array, anchor: int = 0) -> Array:
    """Strengths of shape (..., k), the anchor's 0, infinite where battles leave no bound.

    Where every battle is against the anchor a strength is the log-odds of the share won.

    Args:
        wins: Tallies of shape (..., k, k); what a model won against itself is ignored.
        anchor: The number of the model whose strength is 0.

    Raises:
        DataError: The fit did not settle, which takes weights that are not finite.
    """
    k = wins.shape[-1]
    wins = np.where(np.eye(k, dtype=bool), 0.0, wins)
    others = np.delete(np.delete(wins, anchor, -1), anchor, -2)
    return _against_one(wins, anchor) if not others.any() else _newton(wins, anchor)


def win_rate(strengths: Array, anchor: int = 0) -> Array:
    """Probability of beating the anchor, in [0, 1]; 0.5 for the anchor itself."""
    with np.errstate(over="ignore"):
        odds: Array = np.exp(strengths[..., anchor, None] - strengths)
    rate: Array = 1 / (1 + odds)
    return rate


def bootstrap_clusters(
    wins_ckk: Array, anchor: int = 0, *, replicates: int = 1000, seed: int = 0
) -> Array:
    """Strengths of shape (b, k), refitted on clusters that are drawn with replacement.

    Battles on one prompt are not independent, so prompts are drawn and not battles.

    Args:
        wins_ckk: Tallies by cluster.
        anchor: As in `fit`.
        replicates: How many refits, b.
        seed: The same seed draws the same clusters.
    """
    c, k, _ = wins_ckk.shape
    times_b_c = np.random.default_rng(seed).multinomial(c, np.full(c, 1 / c), replicates)
    return fit((times_b_c @ wins_ckk.reshape(c, -1)).reshape(-1, k, k), anchor)


def bootstrap_battles(
    battles: Battles, k: int, anchor: int = 0, *, replicates: int = 100, seed: int = 42
) -> Array:
    """Strengths of shape (b, k), refitted on battles that are drawn one by one, as published.

    The draws are those of the published procedure: with its seed and its order of battles, a
    battle of weight 3 entered as three, the replicates are its own.
    """
    state, n = np.random.RandomState(seed), len(battles.first_N)  # as `DataFrame.sample` draws
    pair_N = battles.first_N * k + battles.second_N
    won_N, lost_N = battles.weight_N * battles.value_N, battles.weight_N * (1 - battles.value_N)
    wins = np.empty((replicates, k, k))
    for number in range(replicates):
        times_N = np.bincount(state.choice(n, n), minlength=n)
        won = np.bincount(pair_N, won_N * times_N, k * k).reshape(k, k)
        lost = np.bincount(pair_N, lost_N * times_N, k * k).reshape(k, k)
        wins[number] = won + lost.T
    return fit(wins, anchor)


def _against_one(wins: Array, anchor: int) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        strengths: Array = np.log(wins[..., anchor]) - np.log(wins[..., anchor, :])
    strengths[..., anchor] = 0.0
    return strengths


def _newton(wins: Array, anchor: int) -> Array:
    beats = _chains(wins > 0)
    above, below = beats[..., anchor], beats[..., anchor, :]
    bounded = above & below
    among = np.where(bounded[..., :, None] & bounded[..., None, :], wins, 0.0)
    strengths = _bounded(among, bounded, anchor)
    unbounded = np.where(above, np.inf, np.where(below, -np.inf, np.nan))
    return np.where(bounded, strengths, unbounded)


def _chains(beats: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Who beats whom by a chain of wins; everyone beats himself."""
    k = beats.shape[-1]
    reached: NDArray[np.bool_] = beats | np.eye(k, dtype=bool)
    for _ in range(max(1, (k - 1).bit_length())):  # chains grow twice as long each time
        reached = (reached.astype(np.float32) @ reached.astype(np.float32)) > 0
    return reached


def _bounded(wins: Array, bounded: NDArray[np.bool_], anchor: int) -> Array:
    """The maximum of the likelihood, over the models that have one; 0 for the others."""
    strengths = np.zeros(bounded.shape)
    fixed = ~bounded | (np.arange(bounded.shape[-1]) == anchor)
    for _ in range(_MOST_STEPS):
        step = _step(wins, strengths, fixed)
        reach = step.max(axis=-1) - step.min(axis=-1)
        far = np.maximum(reach, _SAFE_REACH)
        strengths += np.where(reach <= _SAFE_REACH, 1.0, np.log1p(far) / far)[..., None] * step
        if reach.max(initial=0.0) < _SETTLED:
            return strengths
    raise DataError(
        f"a Bradley-Terry fit did not settle in {_MOST_STEPS} steps; are the weights finite?"
    )


def _step(wins: Array, strengths: Array, fixed: NDArray[np.bool_]) -> Array:
    """Newton's step; those that are fixed stay where they are."""
    k = fixed.shape[-1]
    met = wins + wins.swapaxes(-1, -2)
    share = (1 + np.tanh((strengths[..., :, None] - strengths[..., None, :]) / 2)) / 2
    slope = np.where(fixed, 0.0, (wins - met * share).sum(axis=-1))
    bend = met * share * (1 - share)
    hessian = np.where(fixed[..., :, None] | fixed[..., None, :], 0.0, -bend)
    hessian[..., np.arange(k), np.arange(k)] = np.where(fixed, 1.0, bend.sum(axis=-1))
    step: Array = np.linalg.solve(hessian, slope[..., None])[..., 0]
    return step
