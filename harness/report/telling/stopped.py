"""Differences of checkpoints that were judged no further than it took to decide.

Whoever stops when it is decided may not test as if the number of prompts had been fixed: what is
told of such checkpoints holds however often one looks.
"""

import hashlib
from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import fmean

import numpy as np
import numpy.typing as npt

from harness.stats.paired import Difference
from harness.stats.sequential import always_valid_p, confidence_sequence

Array = npt.NDArray[np.float64]

UNTIL = "until decided"
"""The entry of an identity that says so."""
ORDER = "prompts by the SHA-256 of their ids"
"""The order in which prompts are judged: one that does not depend on the answers."""


def in_order(prompts: Sequence[str]) -> list[str]:
    """Ids of prompts in the order in which they are judged."""
    return sorted(prompts, key=lambda id_: hashlib.sha256(id_.encode()).digest())


def gains(ours: Mapping[str, float], theirs: Mapping[str, float]) -> Array:
    """(1 + ours - theirs) / 2 of each prompt of both, in the order of judging: 1/2 is no gain.

    Args:
        ours: Values in [0, 1] by prompt.
        theirs: The other checkpoint's.
    """
    common = in_order([id_ for id_ in ours if id_ in theirs])
    return np.array([(1 + ours[id_] - theirs[id_]) / 2 for id_ in common])


def stopped_difference(
    plain: Difference, ours: Mapping[str, float], theirs: Mapping[str, float]
) -> Difference:
    """The difference with an interval and a p-value that hold whenever judging stopped.

    Its value is of the prompts that the interval is of: those that were read whole for both.
    """
    gains_N = gains(ours, theirs)
    if not len(gains_N):
        return plain._replace(interval=None, standard_error=None, p_value=1.0)
    n, (low, high) = len(gains_N), 2 * confidence_sequence(gains_N)[-1] - 1
    error = 2 * float(gains_N.std(ddof=1)) / sqrt(n) if n > 1 else None
    value = 2 * float(gains_N.mean()) - 1
    return Difference(value, (float(low), float(high)), error, always_valid_p(gains_N), n)


def by_prompt(values: Sequence[tuple[str, float | None]]) -> dict[str, float]:
    """The mean of each prompt's items; a prompt with an unread one is left out."""
    found: dict[str, list[float | None]] = {}
    for id_, value in values:
        found.setdefault(id_, []).append(value)
    return {
        id_: fmean(value for value in some if value is not None)
        for id_, some in found.items()
        if None not in some
    }
