"""Whether a judge prefers what is longer.

Letters that end a name: R rows, one for each verdict on two answers. `lead_R` is by how many
characters the candidate is longer, `preference_R` the preference for it in [0, 1], `weight_R` how
often each row counts.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_STEPS = 25


class Bin(NamedTuple):
    """Verdicts on pairs of a like difference in length."""

    lead: float
    """Mean of how many characters longer the candidate is."""
    win_rate: float
    """Mean preference for it."""
    n: int


def longer_wins(lead_R: Array, preference_R: Array, weight_R: Array) -> float:
    """Mean preference for the longer answer, in [0, 1]; NaN when none is longer."""
    longer_R = np.where(lead_R > 0, preference_R, 1 - preference_R)
    counted_R = weight_R * (lead_R != 0)
    return float(counted_R @ longer_R / counted_R.sum()) if counted_R.sum() else np.nan


def length_slope(lead_R: Array, preference_R: Array, weight_R: Array, unit: float) -> float:
    """By how much the log-odds of the candidate grow when it is longer by `unit` characters.

    A logistic regression of the preference on the lead and a constant. Half the square of the slope
    is added to the loss, as a standard normal prior does, so that a judge that always takes the
    longer answer has a finite slope too.

    Args:
        lead_R: In characters.
        preference_R: In [0, 1]; a preference between counts as that much of either outcome.
        weight_R: How often each row counts.
        unit: Characters, above 0.

    Returns:
        NaN when there is no row.
    """
    if not weight_R.sum():
        return np.nan
    features = np.stack([np.ones_like(lead_R), lead_R / unit])
    prior = np.array([1e-6, 1.0])  # the constant is all but free
    coefficients = np.zeros(2)
    for _ in range(_STEPS):
        mean_R = 1 / (1 + np.exp(-np.clip(coefficients @ features, -30, 30)))
        slope = features @ (weight_R * (preference_R - mean_R)) - prior * coefficients
        curvature = (features * (weight_R * mean_R * (1 - mean_R))) @ features.T + np.diag(prior)
        step = np.linalg.solve(curvature, slope)
        coefficients += np.clip(step, -2, 2)  # far from the optimum Newton's steps are too long
        if np.abs(step).max() < 1e-9:
            break
    return float(coefficients[1])


def length_curve(lead_R: Array, preference_R: Array, n_bins: int = 10) -> list[Bin]:
    """Win rate by difference in length, in bins of about as many verdicts each."""
    order = np.argsort(lead_R, kind="stable")
    return [
        Bin(float(lead_R[rows].mean()), float(preference_R[rows].mean()), len(rows))
        for rows in np.array_split(order, n_bins)
        if len(rows)
    ]
