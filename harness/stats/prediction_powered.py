"""What an expensive judge would say of everything, from a cheap judge and a few of its verdicts.

The cheap judge rates all prompts; where the expensive one spoke too, it shows how far the cheap
one is off, and the difference corrects the mean over all. The interval holds whatever the cheap
judge is worth: a bad one only makes it wide.

Source: A. Angelopoulos and others, arXiv 2301.09633 (the mean, algorithm 1) and arXiv 2311.01453
(PPI++, eq. 3 and proposition 2: how much the cheap judge is trusted). Near the end of the scale a
few verdicts may all be alike, and a normal interval of them has no length; so one more verdict at
either end may be counted in the interval, as A. Agresti and B. Caffo do for two proportions (The
American Statistician 54, 2000), there with yes and no, here with any value between the limits.

Letters that end a name or a shape: N prompts.
"""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.errors import DataError

Array = npt.NDArray[np.float64]

FEWEST = 10
"""Below so many verdicts of the expensive judge no interval is given."""


class Powered(NamedTuple):
    """The expensive judge's mean over all prompts."""

    value: float
    interval: tuple[float, float]
    """95 %."""
    alone: tuple[float, float]
    """The 95 % interval of the expensive verdicts without the cheap judge."""
    trust: float
    """How much of the cheap judge's word is used, in [0, 1]."""
    n_gold: int


def powered_mean(cheap_N: Array, gold_N: Array, ends: Sequence[float] = ()) -> Powered:
    """The mean of the expensive verdicts over all prompts.

    mean = trust * mean(cheap of the others) + mean(gold - trust * cheap of those with gold).

    Args:
        cheap_N: The cheap judge's verdict on each prompt.
        gold_N: The expensive judge's, NaN where it was not asked. Whom it was asked about must not
            depend on the answers: draw the prompts at random.
        ends: Of the scale, if the mean is so near to one that a verdict at each is to be counted.

    Raises:
        DataError: The columns differ in length, a cheap verdict is missing, or there are fewer than
            FEWEST expensive ones.
    """
    if len(cheap_N) != len(gold_N) or np.isnan(cheap_N).any():
        raise DataError(
            f"expected the cheap judge's verdict on every prompt, came {len(cheap_N)} verdicts, "
            f"{int(np.isnan(cheap_N).sum())} of them unread, for {len(gold_N)} prompts"
        )
    known_N = ~np.isnan(gold_N)
    gold, seen, rest = gold_N[known_N], cheap_N[known_N], cheap_N[~known_N]
    n, others = len(gold), len(rest)
    if n < FEWEST:
        raise DataError(
            f"expected {FEWEST} verdicts of the expensive judge or more, came {n}; ask it about "
            f"more prompts"
        )
    trust = _trust(gold, seen, others)
    corrected = gold - trust * seen + trust * (rest.mean() if others else 0.0)
    of_others = trust**2 * float(rest.var(ddof=1)) / others if others > 1 else 0.0
    interval = _interval(corrected, of_others, ends)
    return Powered(float(corrected.mean()), interval, _interval(gold, 0.0, ends), trust, n)


def _trust(gold: Array, seen: Array, others: int) -> float:
    """The weight of the cheap judge that makes the interval shortest, from 0 to 1."""
    spread = float(seen.var(ddof=1))
    if others < 2 or spread == 0:
        return 0.0
    together = float(np.cov(gold, seen, ddof=1)[0, 1])
    return min(1.0, max(0.0, together / ((1 + len(gold) / others) * spread)))


def _interval(values: Array, variance: float, ends: Sequence[float]) -> tuple[float, float]:
    """Of the mean of values and ends, to whose variance another is added."""
    from scipy.special import stdtrit

    counted = np.append(values, ends)
    # Two degrees are spent: on the mean, and on the weight of the cheap judge.
    quantile = float(stdtrit(len(counted) - 2, 0.975))
    reach = quantile * sqrt(float(counted.var(ddof=1)) / len(counted) + variance)
    return float(counted.mean()) - reach, float(counted.mean()) + reach
