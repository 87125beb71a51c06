"""Logistic regression with an L2 penalty of each coefficient, on many weightings of the same rows.

    minimise   1/2 * sum_f ridge_f * w_f^2 + sum_N s_N * (softplus(x_N . w) - p_N * x_N . w)

Labels p are in [0, 1], rows have weights s, and there is no intercept but a feature that is 1. The
penalty keeps coefficients finite where rows are separable. Solved by Newton steps for all
weightings at once; the step is shortened where the quadratic model cannot be trusted that far.

Source of the damping: F. Bach, arXiv 0910.4627, as in `l1_logistic`.

Letters that end a name or a shape: N rows, f features, b weightings.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError

Array = NDArray[np.float64]

_MOST_STEPS = 200
_SETTLED = 1e-10
_SAFE_REACH = 1.79


class Rows(NamedTuple):
    """What is fitted."""

    features_N_f: Array
    preference_N: Array
    """In [0, 1]."""


def fit(rows: Rows, weight_b_N: Array, ridge_f: Array) -> Array:
    """Coefficients of shape (b, f), to machine precision.

    Args:
        rows: The labelled rows.
        weight_b_N: Of each row in each weighting, at least 0.
        ridge_f: The penalty of each coefficient, above 0.

    Raises:
        DataError: A fit did not settle, which takes features that are not finite.
    """
    x_N_f, p_N = rows
    w_b_f = np.zeros((len(weight_b_N), x_N_f.shape[1]))
    outer_N_ff = (x_N_f[:, :, None] * x_N_f[:, None, :]).reshape(len(x_N_f), -1)
    for _ in range(_MOST_STEPS):
        chance_b_N = (1 + np.tanh(w_b_f @ x_N_f.T / 2)) / 2
        slope_b_f = (weight_b_N * (chance_b_N - p_N)) @ x_N_f + ridge_f * w_b_f
        bend_b_N = weight_b_N * chance_b_N * (1 - chance_b_N)
        hessian = (bend_b_N @ outer_N_ff).reshape(-1, *2 * (len(ridge_f),)) + np.diag(ridge_f)
        step_b_f = -np.linalg.solve(hessian, slope_b_f[..., None])[..., 0]
        reach_b = np.abs(step_b_f @ x_N_f.T).max(axis=-1)
        far_b = np.maximum(reach_b, _SAFE_REACH)
        w_b_f += np.where(reach_b <= _SAFE_REACH, 1.0, np.log1p(far_b) / far_b)[:, None] * step_b_f
        if reach_b.max() < _SETTLED:
            return w_b_f
    raise DataError(f"a logistic fit did not settle in {_MOST_STEPS} steps; are features finite?")
