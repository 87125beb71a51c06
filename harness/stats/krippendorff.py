"""Krippendorff's alpha: how far several raters agree, beyond what chance would give.

Source: K. Krippendorff, Content Analysis (2004), chapter 11; "Computing Krippendorff's
Alpha-Reliability" (2011), https://repository.upenn.edu/asc_papers/43, section E.

Letters that end a name: M raters, N units, V distinct values.
"""

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from harness.errors import DataError

Array = npt.NDArray[np.float64]

Level = Literal["nominal", "ordinal", "interval"]


def alpha(ratings_M_N: npt.ArrayLike, level: Level, weight_N: Array | None = None) -> float:
    """1 - D_o / D_e: 1 is full agreement, 0 is chance, below 0 is worse than chance.

    Args:
        ratings_M_N: One row for each rater, NaN where one did not rate. Units with fewer than two
            ratings say nothing and are left out.
        level: How far apart two values are: equal or not, by rank, or by squared difference.
        weight_N: How often each unit counts; once, unless it is said.

    Returns:
        NaN when no unit has two ratings, or when all values are the same, so that there is nothing
        to agree about.

    Raises:
        DataError: The level is none of the three, or the ratings are not a table.
    """
    table_M_N = np.asarray(ratings_M_N, dtype=np.float64)
    if table_M_N.ndim != 2 or level not in get_args(Level):
        raise DataError(
            f"expected ratings of raters by units at the level {', '.join(get_args(Level))}, came "
            f"the shape {table_M_N.shape} at '{level}'"
        )
    rated_N = (~np.isnan(table_M_N)).sum(axis=0)
    weight_N = np.ones(len(rated_N)) if weight_N is None else weight_N
    pairable_N = (rated_N > 1) & (weight_N > 0)
    kept_M_N, weight_N = table_M_N[:, pairable_N], weight_N[pairable_N]
    if not kept_M_N.size:
        return np.nan
    if level == "interval":
        return _by_moments(kept_M_N, weight_N)
    return _by_values(kept_M_N, weight_N, _nominal if level == "nominal" else _ordinal)


def _by_moments(table_M_N: Array, weight_N: Array) -> float:
    """Squared differences from sums and sums of squares, whatever the number of values."""
    centred_M_N = table_M_N - np.nanmean(table_M_N)  # or rounding would pass for a difference
    rated_N = (~np.isnan(centred_M_N)).sum(axis=0)
    sum_N, square_N = np.nansum(centred_M_N, axis=0), np.nansum(centred_M_N**2, axis=0)
    within = weight_N @ ((rated_N * square_N - sum_N**2) / (rated_N - 1))
    n = weight_N @ rated_N
    total = n * (weight_N @ square_N) - (weight_N @ sum_N) ** 2
    return _ratio(within, total, n)


def _by_values(
    table_M_N: Array, weight_N: Array, squared_distance: Callable[[Array], Array]
) -> float:
    """From the coincidences of values, o_ck, and their sums, n_c."""
    values_V = np.unique(table_M_N[~np.isnan(table_M_N)])
    count_N_V = (table_M_N[:, :, None] == values_V).sum(axis=0).astype(np.float64)
    each_N = weight_N / (count_N_V.sum(axis=1) - 1)
    met_V_V = (count_N_V * each_N[:, None]).T @ count_N_V - np.diag(each_N @ count_N_V)
    n_V = met_V_V.sum(axis=1)
    distance_V_V = squared_distance(n_V)
    return _ratio((met_V_V * distance_V_V).sum(), n_V @ distance_V_V @ n_V, n_V.sum())


def _ratio(observed: float, expected: float, n: float) -> float:
    return float(1 - (n - 1) * observed / expected) if expected > 0 else np.nan


def _nominal(n_V: Array) -> Array:
    return 1 - np.eye(len(n_V))


def _ordinal(n_V: Array) -> Array:
    """Between c and k lie the values from the one to the other, of each end the half."""
    middle_V = n_V.cumsum() - n_V / 2
    return np.square(middle_V[:, None] - middle_V)
