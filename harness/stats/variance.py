"""Where the spread of a score comes from: the prompts, the sampled answers, or the judge.

A verdict on item i, answered with seed s and judged for the r-th time, is m + a_i + b_is + e_isr.
The variances of a, b and e are told apart by the mean squares of a nested analysis of variance.

Source: S. Searle, G. Casella and C. McCulloch, Variance Components (1992), section 3.3 for balanced
nested classes; negative estimates are 0, as there.

Letters that end a name or a shape: I items, S seeds, R repeats.
"""

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
    """Of judgments of one answer; None with one repeat, when seeds hold it too."""
    standard_error: float
    """Of the mean over everything, from the spread between items."""

    def error_with(self, items: int, seeds: int, repeats: int) -> float:
        """The standard error of the mean, had so many been asked and judged so often."""
        within = (self.judge or 0.0) / repeats
        return sqrt((self.items + ((self.seeds or 0.0) + within) / seeds) / items)


def components(values_I_S_R: Array) -> Components:
    """The variance of items, of seeds and of the judge.

    Args:
        values_I_S_R: Verdicts, all read; two items or more.

    Raises:
        DataError: The shape is another, or a verdict is unread.
    """
    values = np.asarray(values_I_S_R, np.float64)
    if values.ndim != 3 or len(values) < 2 or np.isnan(values).any():
        raise DataError(
            f"expected verdicts of items by seeds by repeats, all read, of two items or more, came "
            f"the shape {values.shape} with {int(np.isnan(values).sum())} unread"
        )
    n, seeds, repeats = values.shape
    by_seed, by_item = values.mean(2), values.mean((1, 2))
    within = _mean_square(values - by_seed[:, :, None], n * seeds * (repeats - 1))
    between_seeds = repeats * _mean_square(by_seed - by_item[:, None], n * (seeds - 1))
    between_items = seeds * repeats * _mean_square(by_item - by_item.mean(), n - 1)
    judge = within if repeats > 1 else None
    drawn = max(0.0, (between_seeds - within) / repeats) if seeds > 1 else None
    below = between_seeds if seeds > 1 else within
    spread = max(0.0, (between_items - below) / (seeds * repeats))
    return Components(spread, drawn, judge, sqrt(between_items / values.size))


def components_of(standard_error: float, noise: float, items: int, repeats: int) -> Components:
    """The variances behind the error of a mean, with one seed, when single verdicts were not kept.

    With as many repeats of every item they are those of `components`.

    Args:
        standard_error: Of the mean.
        noise: What it would be if the items were all there are, and only the judge were asked anew.
        items: How many.
        repeats: Of each.
    """
    spread = max(0.0, standard_error**2 - noise**2) * items
    return Components(spread, None, noise**2 * items * repeats, standard_error)


def _mean_square(residuals: Array, degrees: int) -> float:
    return float((residuals**2).sum() / degrees) if degrees else 0.0
