"""A judge's ratings beside what is known of the responses: agreement, length, ties, saturation.

Intervals and unread verdicts are as in `harness.stats.rulings`.

Letters that end a name: R ratings, P pairs of responses to one prompt.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.stats.agreement import Rated, agreement
from harness.stats.kappa import cohen_kappa
from harness.stats.krippendorff import alpha
from harness.stats.measuring import Measure, length_scores, mean
from harness.stats.prompt_bootstrap import DRAWS, Draws
from harness.types import Score

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


class Marks(NamedTuple):
    """Ratings of responses as columns, each of length R; those of a prompt stand together."""

    prompt: Places
    """Which prompt it answers, from 0."""
    system: Places
    """Who answers, from 0."""
    gold: Array
    """The known rating, or a known standing among the responses to the prompt: the highest is the
    best."""
    value: Array
    """The judge's rating; NaN is unread."""
    length: Array
    """Of the response, in characters."""
    own: Array
    """1 where the response is of the judge's own model, else 0."""


def marks_scores(marks: Marks, *, top: float, rated: bool, draws: Draws = DRAWS) -> list[Score]:
    """All that can be said of the ratings.

    * exact, cohen_kappa (quadratic weights), krippendorff_alpha (ordinal), rating_difference (mean
      of the judge's less the known one), system_* and self_preference (rating_difference on its own
      model's responses, less that on others'): only beside known ratings.
    * pairwise_accuracy and what follows: see `harness.stats.agreement`.
    * longer_wins, length_slope: of neighbours at a prompt, the higher rating wins.
    * ties: share of neighbours with equal ratings. saturation: share of the highest rating.
      commonest: share of the judge's commonest rating.

    Args:
        marks: At least two at each prompt.
        top: The highest rating of the judge's scale.
        rated: Whether the known values are ratings on the judge's scale, not only standings.
        draws: How prompts are drawn for the intervals.
    """
    measure = Measure(marks.prompt, draws)
    beside = _beside_ratings(measure, marks) if rated else []
    return [*beside, *_ranking(marks, top, draws), *_shape(measure, marks, top)]


def gold_marks_scores(marks: Marks, *, top: float, draws: Draws = DRAWS) -> list[Score]:
    """What of the above can be said of known ratings themselves, by the same names."""
    return _shape(Measure(marks.prompt, draws), marks._replace(value=marks.gold), top)


def _beside_ratings(measure: Measure, marks: Marks) -> list[Score]:
    pair = [marks.gold, marks.value]
    return [
        measure.score("exact", pair, _same),
        measure.score("cohen_kappa", pair, _kappa, unit="correlation"),
        measure.score("krippendorff_alpha", pair, _alpha, unit="correlation"),
        measure.score("rating_difference", [marks.value - marks.gold], mean, unit="rating"),
        *measure.systems(marks.system, *pair, unit="rating"),
        *_own(measure, marks),
    ]


def _own(measure: Measure, marks: Marks) -> list[Score]:
    if not 0 < marks.own.sum() < len(marks.own):
        return []

    def preference(difference_R: Array, own_R: Array, weight_R: Array) -> float:
        return mean(difference_R, weight_R * own_R) - mean(difference_R, weight_R * (1 - own_R))

    columns = [marks.value - marks.gold, marks.own]
    return [measure.score("self_preference", columns, preference, unit="rating")]


def _ranking(marks: Marks, top: float, draws: Draws) -> list[Score]:
    groups = [
        Rated([-gold for gold in marks.gold[rows]], _ratings(marks.value[rows]))
        for rows in _by_prompt(marks.prompt)
    ]
    return agreement([group for group in groups if len(group.ranks) > 1], seed=draws.seed, best=top)


def _shape(measure: Measure, marks: Marks, top: float) -> list[Score]:
    """Ties, saturation and length."""
    first_P, second_P = _neighbours(marks.prompt)
    apart_P = marks.value[first_P] - marks.value[second_P]
    pairs = Measure(marks.prompt[first_P], measure.draws)
    lead_P = marks.length[first_P] - marks.length[second_P]
    read = marks.value[~np.isnan(marks.value)]
    values, counts = np.unique(read, return_counts=True)
    commonest = values[counts.argmax()] if len(values) else top
    return [
        *length_scores(pairs, lead_P, (np.sign(apart_P) + 1) / 2),
        pairs.score("ties", [_flag(apart_P, apart_P == 0)], mean),
        measure.score("saturation", [_flag(marks.value, marks.value == top)], mean),
        measure.score("commonest", [_flag(marks.value, marks.value == commonest)], mean),
    ]


def _neighbours(prompt: Places) -> tuple[Places, Places]:
    """Each rating beside the next one of its prompt."""
    first_P = np.flatnonzero(prompt[:-1] == prompt[1:])
    return first_P, first_P + 1


def _by_prompt(prompt: Places) -> Sequence[Places]:
    return np.split(np.arange(len(prompt)), np.flatnonzero(np.diff(prompt)) + 1)


def _ratings(values: Array) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]


def _flag(column: Array, flags: npt.NDArray[np.bool_]) -> Array:
    return np.where(np.isnan(column), np.nan, flags)


def _same(one_R: Array, other_R: Array, weight_R: Array) -> float:
    return mean((one_R == other_R).astype(np.float64), weight_R)


def _kappa(one_R: Array, other_R: Array, weight_R: Array) -> float:
    return cohen_kappa(one_R, other_R, weight_R, quadratic=True)


def _alpha(one_R: Array, other_R: Array, weight_R: Array) -> float:
    return alpha([one_R, other_R], "ordinal", weight_R)
