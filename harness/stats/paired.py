"""Is one checkpoint better than another: tests on the prompts that both answered.

Both answer the same prompts, so the differences are tested, cluster by cluster (turns of a
question, instances of a task), and what is common to both drops out.

Source: arXiv 2411.00640, section 3.2 (paired differences); E. Pitman, Supplement to the JRSS 4
(1937), and R. Fisher, The Design of Experiments (1935), for the flipped signs; S. Holm,
Scandinavian Journal of Statistics 6 (1979).

Letters that end a name or a shape: N prompts, G clusters, C pairs of checkpoints, b replicates.
"""

from collections.abc import Sequence
from math import ceil, inf, sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from harness.errors import DataError

Array = npt.NDArray[np.float64]

REPLICATES = 10_000
_EXACT = 13
"""Up to so many clusters every pattern of signs is tried: 2^13 patterns."""
_BLOCK = 1 << 22
"""Most random numbers that are held at once."""


class Difference(NamedTuple):
    """How much more one checkpoint scores than another on the same prompts."""

    value: float
    """Mean of the paired differences."""
    interval: tuple[float, float] | None
    """95 %, over resampled clusters, wider where they are few; None below two."""
    standard_error: float | None
    """Over clusters; None below two."""
    p_value: float
    """Of no difference, two-sided, by flipped signs; 1 when all differences are 0."""
    n: int
    """Prompts that both were scored on."""


class Pair(NamedTuple):
    """Two checkpoints' scores on the same prompts."""

    ours_N: Array
    """One score for each prompt; NaN is unread and takes its pair out."""
    theirs_N: Array
    """The other checkpoint's, in the order of the same prompts."""
    clusters_N: Sequence[object] | None = None
    """What each prompt belongs to; each is its own, unless it is said."""
    limits: tuple[float, float] = (-inf, inf)
    """The least and the greatest possible difference; the interval stays between them."""


def paired_difference(
    ours_N: Array,
    theirs_N: Array,
    clusters_N: Sequence[object] | None = None,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Difference:
    """The mean difference with a bootstrap interval and a sign-flip test.

    Args:
        ours_N: As in `Pair`, like the next two.
        theirs_N: As there.
        clusters_N: As there.
        replicates: Of the bootstrap, and of the signs where there are too many to try all.
        seed: The same seed draws the same.

    Raises:
        DataError: The scores are not pairs, or no pair was read.
    """
    pair = Pair(ours_N, theirs_N, clusters_N)
    return paired_differences([pair], replicates=replicates, seed=seed)[0]


def paired_differences(
    pairs: Sequence[Pair], *, replicates: int = REPLICATES, seed: int = 0
) -> list[Difference]:
    """What `paired_difference` says of each pair; pairs of as many clusters share their draws.

    Raises:
        DataError: As there.
    """
    columns = [_clustered(*pair[:3]) for pair in pairs]
    found: dict[int, Difference] = {}
    for groups in {len(sums_G) for sums_G, _ in columns}:
        places = [place for place, (sums_G, _) in enumerate(columns) if len(sums_G) == groups]
        sums_G_C = np.column_stack([columns[place][0] for place in places])
        counts_G_C = np.column_stack([columns[place][1] for place in places])
        tested = _differences(sums_G_C, counts_G_C, replicates, seed)
        for place, one in zip(places, tested, strict=True):
            found[place] = _within(one, pairs[place].limits)
    return [found[place] for place in range(len(pairs))]


def _differences(
    sums_G_C: Array, counts_G_C: Array, replicates: int, seed: int
) -> list[Difference]:
    """Of pairs with as many clusters, a column each."""
    means_b_C = _bootstrap(sums_G_C, counts_G_C, replicates, seed)
    # A draw of nothing but unread pairs has no mean.
    ends_2_C = np.nanpercentile(means_b_C, [2.5, 97.5], axis=0)
    p_values_C = _sign_flip(sums_G_C, replicates, seed)
    found = []
    for place, p_value in enumerate(p_values_C):
        sums_G, counts_G = sums_G_C[:, place], counts_G_C[:, place]
        n, several = int(counts_G.sum()), np.count_nonzero(counts_G) > 1
        value = float(sums_G.sum() / n)
        interval = _stretched(value, ends_2_C[:, place], counts_G) if several else None
        error = _standard_error(sums_G, counts_G) if several else None
        found.append(Difference(value, interval, error, p_value, n))
    return found


def _within(difference: Difference, limits: tuple[float, float]) -> Difference:
    if difference.interval is None:
        return difference
    low, high = np.clip(difference.interval, *limits)
    return difference._replace(interval=(float(low), float(high)))


def _stretched(value: float, ends_2: Array, counts_G: Array) -> tuple[float, float]:
    """Percentiles moved away from the value by what they fall short of with few clusters.

    They are of a spread without G / (G - 1) and of normal tails where Student's are due, so that
    of ten clusters they would leave out the truth 9 % of the time.

    Source: T. Hesterberg, The American Statistician 69 (2015), section 3.2.
    """
    groups = np.count_nonzero(counts_G)
    factor = sqrt(groups / (groups - 1)) * float(stdtrit(groups - 1, 0.975) / ndtri(0.975))
    low, high = value + factor * (ends_2 - value)
    return float(low), float(high)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values made larger, so that at any level hardly a single one is small by chance.

    The k-th smallest of m is multiplied by m - k + 1, and none is smaller than one before it.
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def detectable(standard_error: float, *, level: float = 0.05, power: float = 0.8) -> float:
    """The least true difference that a two-sided test at this level finds with this power.

    (z_{1 - level/2} + z_power) SE, in the unit of the standard error.
    """
    return float((ndtri(1 - level / 2) + ndtri(power)) * standard_error)


def prompts_needed(
    difference: Difference, *, level: float = 0.05, power: float = 0.8
) -> int | None:
    """How many prompts, as alike as these, would decide a difference as large as was measured.

    Returns:
        None when nothing was measured that more prompts could confirm.
    """
    if not difference.value or difference.standard_error is None:
        return None
    ratio = detectable(difference.standard_error, level=level, power=power) / difference.value
    return ceil(difference.n * ratio**2)


def _clustered(
    ours_N: Array, theirs_N: Array, clusters_N: Sequence[object] | None
) -> tuple[Array, Array]:
    """Sums of differences and numbers of pairs that were read, by cluster."""
    lengths = {len(ours_N), len(theirs_N), len(ours_N if clusters_N is None else clusters_N)}
    if len(lengths) > 1:
        raise DataError(f"expected scores in pairs, came columns of {sorted(lengths)} rows")
    difference_N = np.asarray(ours_N, np.float64) - np.asarray(theirs_N, np.float64)
    read_N = ~np.isnan(difference_N)
    if not read_N.any():
        raise DataError(
            "expected prompts that both checkpoints were scored on, came none; score both on the "
            "same prompts"
        )
    difference_N = np.where(read_N, difference_N, 0.0)
    if clusters_N is None:
        return difference_N, read_N.astype(np.float64)
    places = {cluster: place for place, cluster in enumerate(dict.fromkeys(clusters_N))}
    place_N = np.array([places[cluster] for cluster in clusters_N])
    counts_G = np.bincount(place_N, read_N).astype(np.float64)
    return np.bincount(place_N, difference_N).astype(np.float64), counts_G


def _bootstrap(sums_G_C: Array, counts_G_C: Array, replicates: int, seed: int) -> Array:
    """Means over clusters drawn with replacement, shape [b, C]."""
    random, groups = np.random.default_rng(seed), len(sums_G_C)
    parts = []
    for rows in _blocks(replicates, groups):
        times_b_G = random.multinomial(groups, np.full(groups, 1 / groups), rows)
        times_b_G = times_b_G.astype(np.float64)
        with np.errstate(invalid="ignore"):
            parts.append((times_b_G @ sums_G_C) / (times_b_G @ counts_G_C))
    return np.concatenate(parts)


def _sign_flip(sums_G_C: Array, replicates: int, seed: int) -> list[float]:
    """How often a mean is as far from 0 when every cluster's sign is a coin's, pair by pair."""
    # Sums in another order may differ in the last bits, which must not decide what is as far.
    far_C = np.abs(sums_G_C.sum(0)) - 1e-9 * np.abs(sums_G_C).sum(0)
    moved_C = np.count_nonzero(sums_G_C, axis=0)
    random, hits_C = np.random.default_rng(seed), np.zeros(len(far_C))
    for rows in _blocks(replicates, len(sums_G_C)) if moved_C.max() > _EXACT else ():
        signs_b_G = 2.0 * random.integers(0, 2, (rows, len(sums_G_C)), np.int8) - 1
        hits_C += (np.abs(signs_b_G @ sums_G_C) >= far_C).sum(0)
    # The measured pattern is one of those that may come up, so that p is never 0.
    drawn_C = (hits_C + 1) / (replicates + 1)
    return [
        float(drawn_C[place]) if moved > _EXACT else _exact(sums_G_C[:, place], far_C[place])
        for place, moved in enumerate(moved_C)
    ]


def _exact(sums_G: Array, far: float) -> float:
    """The same over every pattern of signs."""
    moved_G = sums_G[sums_G != 0]
    patterns = np.arange(1 << len(moved_G))[:, None] >> np.arange(len(moved_G)) & 1
    return float(np.mean(np.abs((2 * patterns - 1) @ moved_G) >= far))


def _standard_error(sums_G: Array, counts_G: Array) -> float:
    """Of a ratio of sums over the clusters that were read: sqrt(G / (G - 1) sum_g e_g^2) / n."""
    n, groups = counts_G.sum(), np.count_nonzero(counts_G)
    residual_G = sums_G - counts_G * (sums_G.sum() / n)
    return float(np.sqrt(groups / (groups - 1) * (residual_G**2).sum()) / n)


def _blocks(replicates: int, width: int) -> list[int]:
    """Sizes of parts that together are all replicates."""
    most = max(1, _BLOCK // width)
    return [min(most, replicates - start) for start in range(0, replicates, most)]
