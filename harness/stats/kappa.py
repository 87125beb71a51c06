"""Cohen's kappa: how far two raters choose the same categories, beyond what chance would give.

Source: J. Cohen, Educational and Psychological Measurement 20 (1960); the weighted form,
Psychological Bulletin 70 (1968).

Letters that end a name: R rows, C categories.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def cohen_kappa(
    one_R: npt.ArrayLike,
    other_R: npt.ArrayLike,
    weight_R: Array | None = None,
    *,
    quadratic: bool = False,
) -> float:
    """1 - observed / expected disagreement: 1 is full agreement, 0 is chance.

    Args:
        one_R: A rater's categories, as numbers.
        other_R: The other's.
        weight_R: How often each row counts; once, unless it is said.
        quadratic: Whether a disagreement counts by the square of how far apart the two are, as for
            ratings, and not always as one.

    Returns:
        NaN when there is no row, or when both always choose the same one category.
    """
    values, codes = np.unique(np.concatenate([one_R, other_R]), return_inverse=True)
    n, n_categories = len(codes) // 2, len(values)
    weight_R = np.ones(n) if weight_R is None else weight_R
    cells = codes[:n] * n_categories + codes[n:]
    met = np.bincount(cells, weight_R, n_categories**2).reshape(n_categories, n_categories)
    apart = np.square(values[:, None] - values) if quadratic else values[:, None] != values
    chance = np.outer(met.sum(axis=1), met.sum(axis=0))
    expected = float((chance * apart).sum())
    return float(1 - met.sum() * (met * apart).sum() / expected) if expected > 0 else np.nan
