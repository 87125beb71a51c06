"""What the standard error of a score is made of: prompts, sampled answers, a repeated judge."""

import re
from collections.abc import Iterator, Sequence
from math import sqrt
from statistics import fmean, stdev

import numpy as np

from harness.report.story import Spread
from harness.report.telling.cells import Cell
from harness.report.telling.tracks import Row, is_mean
from harness.stats.variance import components, redrawn_variance
from harness.types import Score

_REPEATS = re.compile(r"repeats:(\d+):")
_NOISE = "judge_noise"


def spreads(rows: Sequence[Row], further: Sequence[Cell]) -> Iterator[Spread]:
    """Of every score that is the mean of its items, if it was answered or judged repeatedly.

    Args:
        rows: What is told.
        further: Samples beside the first, of any of its cells.
    """
    groups: dict[tuple[object, ...], list[Cell]] = {}
    for one in further:
        groups.setdefault((one.sample_of, *one.key), []).append(one)
    for place, row in enumerate(rows):
        for step, cell in row.cells.items():
            yield from _spread(place, row, [cell, *groups.get((step, *cell.key), [])])


def _spread(place: int, row: Row, samples: Sequence[Cell]) -> Iterator[Spread]:
    """Of one cell, the first of its samples; nothing where there is no more than one verdict."""
    told = [
        (cell, mean)
        for cell in samples
        for mean in [next((s for s in cell.scores if s.metric == row.metric), None)]
        if mean is not None and is_mean(mean, cell)
    ]
    if not told or told[0][0] is not samples[0]:
        return
    cell, mean = told[0]
    again = _REPEATS.match(row.track.judge)
    noises = [noise for one, its in told if (noise := _noise(one, its)) is not None]
    rejudged = sqrt(fmean(noise**2 for noise in noises)) if again and noises else None
    redrawn = _redrawn(row, [one for one, _ in told])
    if redrawn is None and rejudged is None:
        return
    repeats = int(again[1]) if again and rejudged is not None else 1
    error = _error(mean, cell)
    found = components(error, mean.n, redrawn=redrawn, rejudged=rejudged, repeats=repeats)
    values = [its.value for _, its in told if its.value is not None]
    yield Spread(
        cell.checkpoint, place, mean.metric, mean.n, len(values), repeats, fmean(values), found
    )


def _redrawn(row: Row, samples: Sequence[Cell]) -> float | None:
    """The variance by other answers to the prompts that were read in all samples."""
    values_N_S = np.stack([row.column(one) for one in samples], 1)
    (read,) = np.nonzero(~np.isnan(values_N_S).any(1))
    if len(samples) < 2 or not len(read):
        return None
    return redrawn_variance(values_N_S[read], [row.clusters_N[place] for place in read])


def _noise(cell: Cell, mean: Score) -> float | None:
    found = (s.value for s in cell.scores if s.metric == _NOISE and s.unit == mean.unit)
    return next(found, None)


def _error(mean: Score, cell: Cell) -> float:
    """The score's own standard error, else that of the mean of its items."""
    if mean.standard_error is not None:
        return mean.standard_error
    values = [item.value for item in cell.items if item.value is not None]
    return stdev(values) / sqrt(len(values)) if len(values) > 1 else 0.0
