"""What the standard error of a score is made of: prompts, sampled answers, a repeated judge."""

from collections.abc import Iterator, Sequence
from math import inf, sqrt
from statistics import fmean

import numpy as np

from harness.names import repeats as repeats_of
from harness.report.story import Spread
from harness.report.telling.cells import Cell
from harness.report.telling.tracks import Row, is_mean
from harness.stats.clustered import clustered_mean
from harness.stats.variance import components, redrawn_variance
from harness.types import Score

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
    error = _error(row, cell, mean)
    noises = [noise for one, its in told if (noise := _noise(row, one, its)) is not None]
    rejudged = sqrt(fmean(noise**2 for noise in noises)) if noises else None
    redrawn = _redrawn(row, [one for one, _ in told])
    if error is None or (redrawn is None and rejudged is None):
        return
    repeats = repeats_of(row.track.judge) if rejudged is not None else 1
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


def _noise(row: Row, cell: Cell, mean: Score) -> float | None:
    """The noise of the mean verdict, where that is the mean of the items."""
    if not row.protocol.averages or not repeats_of(row.track.judge):
        return None
    found = (s.value for s in cell.scores if s.metric == _NOISE and s.unit == mean.unit)
    return next(found, None)


def _error(row: Row, cell: Cell, mean: Score) -> float | None:
    """The score's own standard error, else that of the mean of its items; None of one cluster."""
    if mean.standard_error is not None:
        return mean.standard_error
    read = [(item.value, row.protocol.cluster(item.id)) for item in cell.items]
    values, clusters = zip(*((v, c) for v, c in read if v is not None), strict=True)
    return clustered_mean(values, clusters, (-inf, inf)).standard_error
