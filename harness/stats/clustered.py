"""The mean of verdicts that come in clusters, such as the turns of one question.

Verdicts on one question are not independent, so the error of their mean is taken over questions.
With residuals e_i = x_i - m of the mean m of N values in G clusters,

    SE^2 = G / (G - 1) * sum_g (sum_{i in g} e_i)^2 / N^2,

and the 95 % interval is m ± t SE, with the quantile t of Student's distribution of G - 1 degrees.
With one value in each cluster that is the ordinary standard error (ddof 1).

Source: Liang and Zeger (Biometrika 73, 1986), the cluster-robust variance for a model of a constant
alone; arXiv 2411.00640, section 2.2, which leaves out G / (G - 1) and takes the normal quantile.
Both matter for a category of ten questions.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from math import fsum, sqrt
from typing import NamedTuple

from harness.errors import DataError


class Mean(NamedTuple):
    """A mean with its error over clusters."""

    value: float
    standard_error: float | None
    """None when all values are of one cluster, which says nothing of the others."""
    interval: tuple[float, float] | None
    """95 %, within the limits; None with the standard error."""


def clustered_mean(
    values: Sequence[float], clusters: Sequence[Hashable], limits: tuple[float, float]
) -> Mean:
    """The mean of all values, each counting the same, and its error over clusters.

    It does not depend on the order of the values, to the last bit.

    Args:
        values: At least one.
        clusters: Which cluster each value is of.
        limits: The least and the greatest possible mean; the interval stays between them.

    Raises:
        DataError: There is no value, or not one cluster for each.
    """
    if not values or len(values) != len(clusters):
        raise DataError(
            f"expected values with a cluster each, came {len(values)} values and "
            f"{len(clusters)} clusters"
        )
    mean = fsum(values) / len(values)
    residuals: defaultdict[Hashable, list[float]] = defaultdict(list)
    for value, cluster in zip(values, clusters, strict=True):
        residuals[cluster].append(value - mean)
    degrees = len(residuals) - 1
    if degrees < 1:
        return Mean(mean, None, None)
    squares = fsum(fsum(cluster) ** 2 for cluster in residuals.values())
    error = sqrt((degrees + 1) / degrees * squares) / len(values)
    reach = _student(degrees) * error
    return Mean(mean, error, (max(limits[0], mean - reach), min(limits[1], mean + reach)))


def _student(degrees: int) -> float:
    """The quantile of a two-sided 95 % interval."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.975))
