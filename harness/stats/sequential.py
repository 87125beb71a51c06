"""When judging may stop: an interval that stays valid however often one looks.

An ordinary interval holds for one look. A confidence sequence holds at all times at once, so that
judging may stop as soon as it leaves out 1/2, and still errs in no more than 5 % of runs.

Source: I. Waudby-Smith and A. Ramdas, arXiv 2010.09686: the hedged capital process of theorem 3
(eq. 24) with the predictable plug-in bets of eq. 26, cut at c = 1/2.

Letters that end a name or a shape: N values in the order in which they came, m candidate means.
"""

import numpy as np
import numpy.typing as npt

from harness.errors import DataError

Array = npt.NDArray[np.float64]

GRID = 1001
"""Candidate means in [0, 1]; an end is found to within one step."""
_CUT = 0.5


def confidence_sequence(values_N: Array, *, level: float = 0.05) -> Array:
    """The interval after each value; they only ever shrink.

    Args:
        values_N: In [0, 1], in an order that does not depend on them.
        level: The chance that the true mean is ever outside, at most.

    Returns:
        Shape (N, 2): low and high.

    Raises:
        DataError: A value is outside [0, 1].
    """
    values_N = _checked(values_N)
    mean_m, bets_N = np.linspace(0, 1, GRID), _bets(values_N, level)
    rising_m, falling_m = np.zeros(GRID), np.zeros(GRID)
    inside_m, ends = np.ones(GRID, bool), np.empty((len(values_N), 2))
    with np.errstate(divide="ignore"):
        up_m, down_m = _CUT / mean_m, _CUT / (1 - mean_m)
    # Half of the stake bets that the mean is larger, half that it is smaller.
    most = np.log(2 / level)
    for place, (value, bet) in enumerate(zip(values_N, bets_N, strict=True)):
        rising_m += np.log1p(np.minimum(bet, up_m) * (value - mean_m))
        falling_m += np.log1p(-np.minimum(bet, down_m) * (value - mean_m))
        inside_m &= np.maximum(rising_m, falling_m) < most
        ends[place] = _ends(mean_m, inside_m, ends[place - 1] if place else (0.0, 1.0))
    return ends


def decided_after(values_N: Array, *, level: float = 0.05) -> int | None:
    """After how many values it is decided whether their mean is above or below 1/2.

    Returns:
        None when they do not decide it.
    """
    ends = confidence_sequence(values_N, level=level)
    apart = np.flatnonzero((ends[:, 0] > 0.5) | (ends[:, 1] < 0.5))
    return int(apart[0]) + 1 if len(apart) else None


def always_valid_p(values_N: Array, *, level: float = 0.05) -> float:
    """How unlikely it is, whenever one looks, that the mean of the values is 1/2.

    One over the largest capital that the bets against 1/2 ever came to; at the level of the bets
    it agrees with `confidence_sequence`.

    Args:
        values_N: As there.
        level: That the bets are made for; the p-value holds at every other too.

    Raises:
        DataError: A value is outside [0, 1].
    """
    values_N = _checked(values_N)
    stakes_N = np.minimum(_bets(values_N, level), 1.0) * (values_N - 0.5)
    rising_N, falling_N = np.cumsum(np.log1p(stakes_N)), np.cumsum(np.log1p(-stakes_N))
    largest = max(rising_N.max(initial=0.0), falling_N.max(initial=0.0))
    return float(min(1.0, np.exp(np.log(2) - largest)))


def _checked(values_N: Array) -> Array:
    values_N = np.asarray(values_N, np.float64)
    if not ((values_N >= 0) & (values_N <= 1)).all():
        raise DataError("expected values in [0, 1] for a confidence sequence, came others")
    return values_N


def _bets(values_N: Array, level: float) -> Array:
    """How much is staked on each value, from those before it alone."""
    n = np.arange(1, len(values_N) + 1)
    mean_N = (0.5 + np.cumsum(values_N)) / (n + 1)
    variance_N = (0.25 + np.cumsum((values_N - mean_N) ** 2)) / (n + 1)
    before_N = np.concatenate([[0.25], variance_N[:-1]])
    bets_N: Array = np.sqrt(2 * np.log(2 / level) / (before_N * n * np.log(n + 1)))
    return bets_N


def _ends(
    mean_m: Array, inside_m: npt.NDArray[np.bool_], last: "Array | tuple[float, float]"
) -> tuple[float, float]:
    """From the first candidate that is inside to the last, a step further on both sides."""
    (places,) = np.nonzero(inside_m)
    if not len(places):  # the true mean lies between two candidates
        return float(last[0]), float(last[1])
    low, high = max(places[0] - 1, 0), min(places[-1] + 1, GRID - 1)
    return float(mean_m[low]), float(mean_m[high])
