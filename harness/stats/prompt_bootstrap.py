"""Intervals by drawing prompts with replacement: answers to one prompt stand or fall together.

Letters that end a name: N prompts, b replicates.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class Draws(NamedTuple):
    """How prompts are drawn."""

    seed: int = 0
    """The same seed draws the same prompts."""
    replicates: int = 1000
    """How often."""


DRAWS = Draws()
"""Enough of them for two digits of an end."""

Statistic = Callable[[Array], float]
"""A value from how often each prompt was drawn, shape [N]; NaN where these prompts give none."""


def interval(
    statistic: Statistic, n_prompts: int, draws: Draws = DRAWS
) -> tuple[float, float] | None:
    """The 2.5th to 97.5th percentile of a statistic over resampled prompts.

    Returns:
        None below two prompts, and when over half of the replicates have no value.
    """
    if n_prompts < 2:
        return None
    draws_b_N = np.random.default_rng(draws.seed).multinomial(
        n_prompts, np.full(n_prompts, 1 / n_prompts), draws.replicates
    )
    values = [statistic(draw_N) for draw_N in draws_b_N.astype(np.float64)]
    defined = [value for value in values if not math.isnan(value)]
    if 2 * len(defined) < draws.replicates:
        return None
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)
