"""Logistic regression of three coefficients with an L1 penalty, many problems at once.

    minimise   penalty * |w|_1 + sum_i s_i * (softplus(x_i . w) - p_i * x_i . w)

Labels p are probabilities, rows have weights s, and there is no intercept. Solved to machine
precision by proximal Newton steps whose subproblem is exact: with three coefficients there are
only 27 faces on which its minimum can lie.

Letters that end a shape: r rows, m problems on the same rows. `...` are separate sets of rows.
"""

from itertools import combinations_with_replacement, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError

Array = NDArray[np.float64]

_MOST_STEPS = 1000  # a fit of AlpacaEval takes about ten
_SAFE_REACH = 1.79  # below the root of e^R = 1 + R + R^2
_UNIT = np.eye(3)
_FACES = np.array(list(product((-1.0, 0.0, 1.0), repeat=3)))
_SIX = list(combinations_with_replacement(range(3), 2))  # the pairs of features
_PAIRS = np.array([[0, 1, 2], [1, 3, 4], [2, 4, 5]])  # which of the six each pair is


class Rows(NamedTuple):
    """What is fitted; leading dimensions are separate sets of rows."""

    features: Array
    """(..., 3, r)"""
    preference: Array
    """(r,), in [0, 1]"""
    weight: Array
    """(..., r)"""


def minimise(rows: Rows, penalty: Array, start: Array, settled: float = 1e-6) -> Array:
    """Coefficients (..., m, 3) of m problems on each set of rows: least loss + penalty * |w|_1.

    Proximal Newton: each step goes to the exact minimum of the quadratic model plus the penalty,
    and is shortened where the model cannot be trusted that far. The objective never rises, so
    separable rows do not make it diverge.

    Args:
        rows: The labelled rows.
        penalty: Of each problem, shape (m,).
        start: Where to begin, shape (..., m, 3).
        settled: The last step moves no margin by more; the error left is about its square.

    Raises:
        DataError: It did not settle, which takes rows of a kind that no benchmark has.
    """
    w, penalty = start, np.broadcast_to(penalty, start.shape[:-1])
    features, half = rows.features, rows.weight[..., None, :] / 2
    weighted = features * half
    products = np.empty((*weighted.shape[:-2], len(_SIX), weighted.shape[-1]))
    for place, (one, other) in enumerate(_SIX):
        np.multiply(weighted[..., one, :], features[..., other, :], out=products[..., place, :])
    products, weighted = products.swapaxes(-1, -2), weighted.swapaxes(-1, -2)
    observed = (2 * rows.preference - 1) @ weighted
    steepest = products.sum(axis=-2)
    slope = np.empty((*w.shape[:-1], features.shape[-1]))
    for _ in range(_MOST_STEPS):
        # tanh(margin / 2) = 2 * sigmoid(margin) - 1. One array is used three times over, because
        # an array of this size costs more to allocate than to fill.
        np.tanh(np.matmul(w / 2, features, out=slope), out=slope)
        gradient = slope @ weighted - observed[..., None, :]
        hessian = (steepest[..., None, :] - np.square(slope, out=slope) @ products) / 2
        step = _newton_point(hessian[..., _PAIRS], gradient, w, penalty) - w
        reach = np.abs(np.matmul(step, features, out=slope), out=slope).max(axis=-1)
        w = w + _damping(reach)[..., None] * step
        if reach.max() < settled:
            return w
    raise DataError(f"a logistic fit did not settle in {_MOST_STEPS} steps; lower C")


def _damping(reach: Array) -> Array:
    """Share of a step that surely lowers the objective, if it moves some margin by `reach`.

    Source: the logistic loss's third derivative is at most its second (F. Bach, arXiv 0910.4627),
    so the objective falls at least by the step's curvature times t - (e^(tR) - tR - 1) / R^2. That
    is largest at t = log(1 + R) / R, and still positive at t = 1 for R up to _SAFE_REACH.
    """
    far = np.maximum(reach, _SAFE_REACH)
    return np.where(reach <= _SAFE_REACH, 1.0, np.log1p(far) / far)


def _newton_point(hessian: Array, gradient: Array, w: Array, penalty: Array) -> Array:
    """Minimum of the quadratic model around w plus the penalty.

    Signs rarely change, so the face that w lies on is tried before all others.
    """
    # The ridge makes flat directions solvable; it alters the way, not the minimum.
    ridge = 1e-10 * (1 + np.trace(hessian, axis1=-2, axis2=-1))
    hessian = hessian + ridge[..., None, None] * _UNIT
    linear = _times(hessian, w) - gradient
    face = np.sign(w)
    point = _stationary(hessian, linear, penalty, face)
    inside = np.abs(_times(hessian, point) - linear) <= penalty[..., None]
    lost = ~((np.sign(point) == face) & ((face != 0) | inside)).all(axis=-1)
    if lost.any():
        point[lost] = _best_point(hessian[lost], linear[lost], penalty[lost])
    return point


def _times(matrix: Array, vector: Array) -> Array:
    product: Array = (matrix @ vector[..., None])[..., 0]
    return product


def _best_point(hessian: Array, linear: Array, penalty: Array) -> Array:
    """The stationary point, of those on all 27 faces, that is nearest to being the minimum."""
    hessian, linear, penalty = hessian[:, None], linear[:, None], penalty[:, None]
    points = _stationary(hessian, linear, penalty, _FACES)
    pull, limit = linear - _times(hessian, points), penalty[..., None]
    excess = np.where(
        points == 0, np.maximum(np.abs(pull) - limit, 0), np.abs(pull - limit * np.sign(points))
    )
    best: Array = points[np.arange(len(points)), excess.max(axis=-1).argmin(axis=-1)]
    return best


def _stationary(hessian: Array, linear: Array, penalty: Array, face: Array) -> Array:
    """Where the model's slope vanishes if the coefficients have the signs of `face`."""
    free = face != 0
    matrix = np.where(free[..., :, None] & free[..., None, :], hessian, _UNIT)
    right = np.where(free, linear - penalty[..., None] * face, 0.0)
    solved: Array = np.linalg.solve(matrix, right[..., None])[..., 0]
    return solved
