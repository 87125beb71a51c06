"""Who wins a game of preferences: the mixture of checkpoints that none beats, and how far each is.

A preference matrix need not put checkpoints into an order: each may lose to another. The von
Neumann winner is the mixture that wins at least half against everyone, which always exists; how
much a checkpoint loses to its best answer is its exploitability.

Source: M. Dudík and others, arXiv 1502.06362, section 3; arXiv 2405.00675v5, section 3 (the game
that SPPO plays).

Letters that end a name or a shape: K checkpoints; rows win against columns.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.errors import DataError, ModelError
from harness.stats.bradley_terry import fit

Array = npt.NDArray[np.float64]

_APART = 1e-9


class Transitivity(NamedTuple):
    """How far a preference matrix is from an order by strength."""

    cycles: int
    """Triads in which each beats the next one round."""
    triads: int
    """All triads whose three pairs are decided."""
    residual: float
    """Largest distance of a preference from the best fit by strengths, in [0, 1]."""


def von_neumann_winner(preference_K_K: Array) -> Array:
    """The mixture of checkpoints that wins at least half against every one of them.

    By linear programming: the largest v for which sum_i p_i P_ij >= v for all j.

    Args:
        preference_K_K: How likely i is preferred to j; P_ij + P_ji = 1.

    Returns:
        Shares of shape [K]. There may be several such mixtures; this is one.

    Raises:
        DataError: It is no preference matrix.
        ModelError: The programme was not solved.
    """
    from scipy.optimize import linprog

    k = len(_checked(preference_K_K))
    cost = np.append(np.zeros(k), -1.0)
    below = np.column_stack([-preference_K_K.T, np.ones(k)])
    one = np.append(np.ones(k), 0.0)[None]
    bounds = [(0, 1)] * k + [(None, None)]
    solved = linprog(cost, below, np.zeros(k), one, [1.0], bounds, method="highs")
    if solved.x is None:
        raise ModelError(f"expected a von Neumann winner, the programme ended so: {solved.message}")
    shares_K: Array = np.clip(solved.x[:k], 0.0, None)
    whole_K: Array = shares_K / shares_K.sum()
    return whole_K


def exploitability(shares_K: Array, preference_K_K: Array) -> float:
    """How much more than half the best answer wins against a mixture, twice: in [0, 1].

    2 (max_i sum_j P_ij p_j - 1/2); 0 for the von Neumann winner.
    """
    return float(2 * ((_checked(preference_K_K) @ shares_K).max() - 0.5))


def transitivity(preference_K_K: Array) -> Transitivity:
    """Whether one strength for each checkpoint explains all pairs."""
    k = len(_checked(preference_K_K))
    lead_K_K = preference_K_K - 0.5
    found = [
        (lead_K_K[a, b], lead_K_K[b, c], lead_K_K[c, a]) for a, b, c in combinations(range(k), 3)
    ]
    decided = [triad for triad in found if min(map(abs, triad)) > _APART]
    cycles = sum(min(triad) > 0 or max(triad) < 0 for triad in decided)
    return Transitivity(cycles, len(decided), _residual(preference_K_K))


def _residual(preference_K_K: Array) -> float:
    off = ~np.eye(len(preference_K_K), dtype=bool)
    strengths_K = fit(np.where(off, preference_K_K, 0.0))
    with np.errstate(over="ignore", invalid="ignore"):
        fitted_K_K = 1 / (1 + np.exp(strengths_K[None] - strengths_K[:, None]))
    apart = np.abs(fitted_K_K - preference_K_K)[off]
    # Two strengths that are infinite the same way say nothing of their pair.
    return float(np.nanmax(apart, initial=0.0))


def _checked(preference_K_K: Array) -> Array:
    square = preference_K_K.ndim == 2 and preference_K_K.shape[0] == preference_K_K.shape[1]
    if not (square and np.allclose(preference_K_K + preference_K_K.T, 1, atol=1e-6)):
        raise DataError(
            "expected a square matrix of preferences with P_ij + P_ji = 1 and 1/2 on its diagonal, "
            "came another; compare every pair of checkpoints in both orders"
        )
    return preference_K_K
