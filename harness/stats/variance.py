"""Where the spread of a score comes from: the prompts, the sampled answers, or the judge.

A verdict on item i, answered with seed s and judged for the r-th time, is m + a_i + b_is + e_isr.
The variances of a, b and e are told apart by drawing again what can be drawn again: answers with
other seeds, and verdicts on the same answers.

Source: S. Searle, G. Casella and C. McCulloch, Variance Components (1992), section 3.3 for balanced
nested classes; negative estimates are 0, as there. Items of one cluster share their draws, as the
turns of one conversation do, so their deviations are added up first.

Letters that end a name or a shape: I items, S seeds, C clusters.
"""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.errors import DataError

Array = npt.NDArray[np.float64]


class Components(NamedTuple):
    """Variances of single verdicts, in the squared unit of the verdict."""

    items: float
    seeds: float | None
    """Of answers to one prompt; None with one seed, when items hold it too."""
    judge: float | None
    """Of judgments of one answer; None with one repeat, when seeds hold it too, else items."""
    standard_error: float
    """Of the mean of items that were answered once."""

    def error_with(self, items: int, seeds: int, repeats: int) -> float:
        """The standard error of the mean, had so many been asked and judged so often."""
        within = (self.judge or 0.0) / repeats
        return sqrt((self.items + ((self.seeds or 0.0) + within) / seeds) / items)


def components(
    standard_error: float,
    items: int,
    *,
    redrawn: float | None = None,
    rejudged: float | None = None,
    repeats: int = 1,
) -> Components:
    """The variances behind the standard error of a mean.

    Args:
        standard_error: Of the mean of items that were answered once.
        items: How many.
        redrawn: The variance of an item's verdict when it is answered and judged anew, from
            `redrawn_variance`; None where that was not tried.
        rejudged: What the standard error would be if only the judge were asked anew; None where
            that was not tried.
        repeats: Verdicts behind each item.
    """
    noise = None if rejudged is None else rejudged**2 * items
    drawn = None if redrawn is None else max(0.0, redrawn - (noise or 0.0))
    judge = None if noise is None else noise * repeats
    prompts = max(0.0, standard_error**2 * items - max(redrawn or 0.0, noise or 0.0))
    return Components(prompts, drawn, judge, standard_error)


def redrawn_variance(values_I_S: Array, clusters_I: Sequence[str]) -> float:
    """The variance of an item's verdict when only its answer is drawn and judged anew.

    Divided by the number of items it is the variance of their mean. Where items share their draws,
    it is larger than that of an item by itself.

    Args:
        values_I_S: Verdicts by item and seed, all read; two seeds or more.
        clusters_I: What each item stands or falls with.

    Raises:
        DataError: There is no item or a single seed, or a verdict is unread.
    """
    values = np.asarray(values_I_S, np.float64)
    if values.ndim != 2 or not len(values) or values.shape[1] < 2 or np.isnan(values).any():
        raise DataError(
            f"expected verdicts of items by two seeds or more, all read, came the shape "
            f"{values.shape} with {int(np.isnan(values).sum())} unread"
        )
    _, cluster_I = np.unique(clusters_I, return_inverse=True)
    sums_C_S = np.zeros((int(cluster_I.max()) + 1, values.shape[1]))
    np.add.at(sums_C_S, cluster_I, values - values.mean(1, keepdims=True))
    return float((sums_C_S**2).sum() / (values.shape[1] - 1) / len(values))
