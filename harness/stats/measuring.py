"""Scores made of statistics over verdicts, with intervals over prompts.

Letters that end a name: R verdicts, N prompts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.stats.length_bias import length_slope, longer_wins
from harness.stats.prompt_bootstrap import DRAWS, Draws, interval
from harness.stats.systems import SYSTEM_METRICS, Standing
from harness.types import Score

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Measure:
    """Makes scores of statistics over verdicts."""

    prompt_R: Places
    """Which prompt each verdict is about, from 0."""
    draws: Draws = DRAWS
    """How prompts are drawn for the intervals."""

    def score(
        self,
        metric: str,
        columns: Sequence[Array],
        statistic: Callable[..., float],
        asked_R: Flags | None = None,
        *,
        unit: str = "fraction",
    ) -> Score:
        """A statistic of columns and weights, over the rows that were asked and are read.

        Args:
            metric: Its name.
            columns: Each of length R; NaN is unread.
            statistic: Of the columns and how often each row counts; NaN when they give no value.
            asked_R: Which rows it is about; all, unless it is said.
            unit: Of the value.
        """
        read_R = np.all([~np.isnan(column) for column in columns], axis=0)
        asked_R = np.ones_like(read_R) if asked_R is None else asked_R
        used_R = read_R & asked_R
        kept = [column[used_R] for column in columns]
        _, prompt_R = np.unique(self.prompt_R[used_R], return_inverse=True)
        value = statistic(*kept, np.ones(len(prompt_R))) if len(prompt_R) else np.nan
        unread = int((asked_R & ~read_R).sum())
        if np.isnan(value):
            return Score(metric, None, len(prompt_R), unread, unit=unit)
        n_prompts = int(prompt_R.max()) + 1
        between = interval(lambda n_N: statistic(*kept, n_N[prompt_R]), n_prompts, self.draws)
        return Score(metric, value, len(prompt_R), unread, between, unit=unit)

    def systems(
        self, system_R: Places, one_R: Array, other_R: Array, *, unit: str = "fraction"
    ) -> list[Score]:
        """Whether both put the systems into the same order; nothing below three systems."""
        n_systems = len(np.unique(system_R))
        if n_systems < 3:
            return []
        standing = Standing(system_R.astype(np.float64), int(system_R.max()) + 1)
        return [
            self.score(
                metric,
                [standing.system, one_R, other_R],
                standing.measure(compare),
                unit=unit if kind == "fraction" else kind,
            )
            for metric, compare, kind in SYSTEM_METRICS
        ]


def mean(value_R: Array, weight_R: Array) -> float:
    """The weighted mean; NaN of nothing."""
    return float(weight_R @ value_R / weight_R.sum()) if weight_R.sum() else np.nan


def length_scores(measure: Measure, lead_R: Array, preference_R: Array) -> list[Score]:
    """`longer_wins` and `length_slope` by a standard deviation; nothing when all lengths agree."""
    spread = float(lead_R.std()) if len(lead_R) else 0.0
    if not spread:
        return []

    def slope(lead_R: Array, preference_R: Array, weight_R: Array) -> float:
        return length_slope(lead_R, preference_R, weight_R, spread)

    columns = [lead_R, preference_R]
    return [
        measure.score("longer_wins", columns, longer_wins, lead_R != 0),
        measure.score("length_slope", columns, slope, unit="log-odds"),
    ]
