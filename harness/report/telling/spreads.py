"""How much of a score's standard error is the noise of a judge that was asked repeatedly."""

import re
from collections.abc import Iterator, Sequence
from math import sqrt
from statistics import stdev

from harness.report.story import Spread
from harness.report.telling.cells import Cell
from harness.report.telling.tracks import Row, is_mean
from harness.stats.variance import components_of
from harness.types import Score

_REPEATS = re.compile(r"repeats:(\d+):")
_NOISE = "judge_noise"


def spreads(rows: Sequence[Row]) -> Iterator[Spread]:
    """Of every score that is the mean of its items, and whose judge told its noise in its unit."""
    for place, row in enumerate(rows):
        repeats = _REPEATS.match(row.track.judge)
        for step, cell in row.cells.items() if repeats else ():
            mean = next((s for s in cell.scores if s.metric == row.metric), None)
            noise = _noise(cell, mean)
            if repeats and mean is not None and noise is not None and is_mean(mean, cell):
                times, error = int(repeats[1]), _error(mean, cell)
                found = components_of(error, noise, mean.n, times)
                yield Spread(step, place, mean.metric, mean.n, times, found)


def _noise(cell: Cell, mean: Score | None) -> float | None:
    found = (s.value for s in cell.scores if s.metric == _NOISE and mean and s.unit == mean.unit)
    return next(found, None)


def _error(mean: Score, cell: Cell) -> float:
    """The score's own standard error, else that of the mean of its items."""
    if mean.standard_error is not None:
        return mean.standard_error
    values = [item.value for item in cell.items if item.value is not None]
    return stdev(values) / sqrt(len(values)) if len(values) > 1 else 0.0
