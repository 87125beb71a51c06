"""How far a judge that rates responses one by one agrees with people who ranked them.

Source: arXiv 2401.10020, section 3.2 ("Evaluation: reward modeling"). What the paper leaves open is
settled so:

* Pairwise accuracy skips pairs that people ranked equal and counts equal ratings as wrong; with
  equal ratings skipped too, it is reported as `pairwise_accuracy_untied`.
* Of the responses rated 5 (the mean of several judgments, so each of them 5), the 5-best are those
  that people ranked first, ties included.
* The order of a prompt is matched exactly when every response has the same rank by rating as by
  people, ties included.
* Rank correlations are means over prompts, of those whose ratings and ranks both differ: a constant
  has no correlation. Kendall's tau is tau-b.

A response without a rating enters no value. It takes with it the pairs that it is in and, where a
prompt counts as a whole, its prompt; both are counted as unread. Every value is a ratio of sums
over prompts, and its interval the 2.5th to 97.5th percentile over prompts drawn with replacement.

Letters that end a name or a shape: N prompts, b replicates.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from harness.errors import DataError
from harness.types import Score

Array = npt.NDArray[np.float64]

REPLICATES = 1000
BEST = 5.0
"""The highest rating of the additive rubric."""


class Rated(NamedTuple):
    """Responses to one prompt, as people ranked them and as a judge rated them."""

    ranks: Sequence[float]
    """People's: the lowest is the best; equal is a tie."""
    ratings: Sequence[float | None]
    """The judge's, in the order of the ranks: the highest is the best; None is unread."""


class _Part(NamedTuple):
    """What one prompt adds to a ratio."""

    above: float
    below: float
    unread: int = 0


def agreement(groups: Sequence[Rated], *, seed: int = 0, best: float = BEST) -> list[Score]:
    """Pairwise accuracy in both readings, 5-best, exact match, Spearman's rho and Kendall's tau-b.

    All are fractions but the last two, which are in [-1, 1].

    Args:
        groups: One for each prompt, each of at least two responses.
        seed: The same seed draws the same prompts.
        best: The highest rating of the judge's scale; where it is not 5, the 5-best are `top_best`.

    Raises:
        DataError: There is no prompt, or one whose ranks and ratings are not as many, or below two.
    """
    _check(groups)
    pairs = [_pairs(group) for group in groups]
    read = [group for group in groups if None not in group.ratings]
    whole = [_Part(0, 0, 1)] * (len(groups) - len(read))
    varied = [group for group in read if _varies(group.ranks) and _varies(group.ratings)]
    correlations = {
        metric: [*whole, *(_Part(value, 1) for value in values)]
        for metric, values in _correlations(varied).items()
    }
    constant = len(read) - len(varied)
    doubts = (f"{constant} of {len(read)} prompts left out: all ranked or rated equal",)
    return [
        _score("pairwise_accuracy", [part for part, _ in pairs], seed),
        _score("pairwise_accuracy_untied", [part for _, part in pairs], seed),
        _score(top_name(best), [_top_best(group, best) for group in groups], seed),
        _score("exact_match", [*whole, *(_Part(same_order(group), 1) for group in read)], seed),
        *(
            _score(metric, parts, seed, unit="correlation", doubts=doubts if constant else ())
            for metric, parts in correlations.items()
        ),
    ]


def same_order(group: Rated) -> bool:
    """Whether the ratings rank the responses exactly as people do, ties included.

    Unread ratings rank nothing: with one, the order is not the same.
    """
    ratings = [rating for rating in group.ratings if rating is not None]
    if len(ratings) < len(group.ranks):
        return False
    return _places([-rating for rating in ratings]) == _places(group.ranks)


def _places(values: Sequence[float]) -> list[int]:
    """How many distinct values are below each."""
    distinct = sorted(set(values))
    return [distinct.index(value) for value in values]


def _pairs(group: Rated) -> tuple[_Part, _Part]:
    """Right pairs of all pairs: with equal ratings as wrong, and without them."""
    signs = [
        None if one is None or other is None else np.sign((one - other) * (below - above))
        for (above, one), (below, other) in combinations(zip(*group, strict=True), 2)
        if above != below
    ]
    right, wrong, equal = (signs.count(sign) for sign in (1, -1, 0))
    unread = signs.count(None)
    return _Part(right, right + wrong + equal, unread), _Part(right, right + wrong, unread)


def top_name(best: float) -> str:
    """What the share of people's firsts among the best rated is called on a scale."""
    return "five_best" if best == BEST else "top_best"


def _top_best(group: Rated, best: float) -> _Part:
    """People's firsts among the responses with the highest rating there is."""
    ranks = [rank for rank, rating in zip(*group, strict=True) if rating == best]
    return _Part(ranks.count(min(group.ranks)), len(ranks), list(group.ratings).count(None))


def _correlations(groups: Sequence[Rated]) -> dict[str, list[float]]:
    from scipy.stats import kendalltau, spearmanr

    measures: dict[str, Any] = {"spearman_rho": spearmanr, "kendall_tau_b": kendalltau}
    return {
        metric: [
            float(measure(group.ratings, np.negative(group.ranks)).statistic) for group in groups
        ]
        for metric, measure in measures.items()
    }


def _varies(values: Iterable[float | None]) -> bool:
    return len(set(values)) > 1


def _score(
    metric: str,
    parts: Sequence[_Part],
    seed: int,
    *,
    unit: str = "fraction",
    doubts: tuple[str, ...] = (),
) -> Score:
    above_N, below_N, unread_N = np.array(parts, dtype=np.float64).reshape(-1, 3).T
    n = int(below_N.sum())
    return Score(
        metric,
        float(above_N.sum() / n) if n else None,
        n,
        int(unread_N.sum()),
        _interval(above_N, below_N, seed),
        unit=unit,
        doubts=doubts,
    )


def _interval(above_N: Array, below_N: Array, seed: int) -> tuple[float, float] | None:
    """Percentiles of the ratio over resampled prompts; None below two prompts that count."""
    counted = below_N > 0
    n = int(counted.sum())
    if n < 2:
        return None
    draws_b_N = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), REPLICATES)
    ratios_b = draws_b_N @ above_N[counted] / (draws_b_N @ below_N[counted])
    low, high = np.percentile(ratios_b, [2.5, 97.5])
    return float(low), float(high)


def _check(groups: Sequence[Rated]) -> None:
    if not groups:
        raise DataError("expected prompts with ranked responses, came none")
    for number, group in enumerate(groups):
        if len(group.ranks) != len(group.ratings) or len(group.ranks) < 2:
            raise DataError(
                f"expected at least two responses with a rank and a rating each at prompt {number},"
                f" came {len(group.ranks)} ranks and {len(group.ratings)} ratings"
            )
