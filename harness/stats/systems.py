"""Whether two judges put systems into the same order, and how far apart they put them.

Letters that end a name: R verdicts, S systems.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

Compare = Callable[[Array, Array], float]
"""Of the mean of each system under the one judge and under the other, shape [S]."""


class Standing(NamedTuple):
    """Which system each verdict is about."""

    system: Array
    """Its number, from 0, shape [R]."""
    n_systems: int

    def measure(self, compare: Compare) -> Callable[[Array, Array, Array, Array], float]:
        """A statistic of system, one judge's values, the other's, and weights, each [R].

        A system that has no weight takes no part.
        """

        def of(system_R: Array, one_R: Array, other_R: Array, weight_R: Array) -> float:
            numbers = system_R.astype(np.int64)
            sums = [
                np.bincount(numbers, weight_R * column, self.n_systems)
                for column in (np.ones_like(weight_R), one_R, other_R)
            ]
            there = sums[0] > 0
            return compare(sums[1][there] / sums[0][there], sums[2][there] / sums[0][there])

        return of


def spearman(one_S: Array, other_S: Array) -> float:
    """Spearman's rho; NaN when either is constant or there are fewer than two."""
    from scipy.stats import rankdata

    return _pearson(rankdata(one_S), rankdata(other_S))


def kendall(one_S: Array, other_S: Array) -> float:
    """Kendall's tau-b; NaN when either is constant or there are fewer than two."""
    ups = [np.sign(values[:, None] - values) for values in (one_S, other_S)]
    spread = np.abs(ups[0]).sum() * np.abs(ups[1]).sum()
    return float((ups[0] * ups[1]).sum() / np.sqrt(spread)) if spread else np.nan


def difference(one_S: Array, other_S: Array) -> float:
    """Mean absolute difference between a system's two means."""
    return float(np.abs(one_S - other_S).mean()) if len(one_S) else np.nan


SYSTEM_METRICS: tuple[tuple[str, Compare, str], ...] = (
    ("system_spearman", spearman, "correlation"),
    ("system_kendall", kendall, "correlation"),
    ("system_difference", difference, "fraction"),
)
"""Name, function and unit."""


def _pearson(one_S: Array, other_S: Array) -> float:
    one, other = one_S - one_S.mean(), other_S - other_S.mean()
    spread = np.sqrt((one @ one) * (other @ other))
    return float(one @ other / spread) if spread else np.nan
