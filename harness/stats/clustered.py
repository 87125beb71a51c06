"""Means, and ratios of sums, of verdicts that come in clusters: the turns of one question, say.

Verdicts on one question are not independent, so the error is taken over questions. A ratio r of
sum_i a_i to sum_i b_i over G clusters has residuals e_i = a_i - r b_i, and

    SE^2 = G / (G - 1) * sum_g (sum_{i in g} e_i)^2 / (sum_i b_i)^2;

the 95 % interval is r ± t SE, with the quantile t of Student's distribution of G - 1 degrees. A
mean is the ratio with b_i = 1; with one value in each cluster its error is the ordinary one
(ddof 1).

Source: Liang and Zeger (Biometrika 73, 1986), the cluster-robust variance, and its linearised form
for a ratio (Cochran, Sampling Techniques, section 6.3). arXiv 2411.00640, section 2.2, leaves out
G / (G - 1) and takes the normal quantile; both matter for a category of ten questions.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from math import fsum, sqrt
from typing import NamedTuple

from harness.errors import DataError


class Estimate(NamedTuple):
    """A mean or a ratio with its error over clusters."""

    value: float
    standard_error: float | None
    """None when all values are of one cluster, which says nothing of the others."""
    interval: tuple[float, float] | None
    """95 %, within the limits; None with the standard error, and where all clusters are alike: that
    they differ by nothing here does not say that they never do."""


def clustered_mean(
    values: Sequence[float], clusters: Sequence[Hashable], limits: tuple[float, float]
) -> Estimate:
    """The mean of all values, each counting the same.

    Args:
        values: At least one.
        clusters: Which cluster each value is of.
        limits: The least and the greatest possible mean; the interval stays between them.

    Raises:
        DataError: There is no value, or not one cluster for each.
    """
    return clustered_ratio(values, [1.0] * len(values), clusters, limits)


def clustered_ratio(
    above: Sequence[float],
    below: Sequence[float],
    clusters: Sequence[Hashable],
    limits: tuple[float, float],
) -> Estimate:
    """The sum of the values above by the sum of those below.

    It does not depend on the order of the values, to the last bit.

    Args:
        above: At least one.
        below: As many, of a positive sum.
        clusters: Which cluster each pair of values is of.
        limits: The least and the greatest possible ratio; the interval stays between them.

    Raises:
        DataError: There is no value, or not one cluster for each.
    """
    if not above or len(above) != len(clusters):
        raise DataError(
            f"expected values with a cluster each, came {len(above)} values and "
            f"{len(clusters)} clusters"
        )
    total = fsum(below)
    ratio = fsum(above) / total
    residuals: defaultdict[Hashable, list[float]] = defaultdict(list)
    for high, low, cluster in zip(above, below, clusters, strict=True):
        residuals[cluster].append(high - ratio * low)
    degrees = len(residuals) - 1
    if degrees < 1:
        return Estimate(ratio, None, None)
    squares = fsum(fsum(cluster) ** 2 for cluster in residuals.values())
    error = sqrt((degrees + 1) / degrees * squares) / total
    if not error:
        return Estimate(ratio, error, None)
    reach = _student(degrees) * error
    return Estimate(ratio, error, (max(limits[0], ratio - reach), min(limits[1], ratio + reach)))


def _student(degrees: int) -> float:
    """The quantile of a two-sided 95 % interval."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.975))
