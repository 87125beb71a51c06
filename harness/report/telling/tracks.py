"""Which cells are comparable, and their items as columns over the same prompts.

Letters that end a name: N items of a track.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.errors import DataError
from harness.report.story import Entry, Track
from harness.report.telling.cells import Cell, Protocol
from harness.types import Score

Array = npt.NDArray[np.float64]

MEAN = "mean of items"
"""The metric of differences where no score of the benchmark is the mean of its items."""
_SAME = 1e-6


@dataclass(frozen=True)
class Row:
    """A track with all its cells, whose items are in one order."""

    track: Track
    protocol: Protocol
    cells: Mapping[str, Cell]
    """By checkpoint."""

    @cached_property
    def ids(self) -> list[str]:
        """Of every item of any cell, sorted: nothing depends on the order in which they come."""
        return sorted({item.id for cell in self.cells.values() for item in cell.items})

    @cached_property
    def clusters_N(self) -> list[str]:
        """What each item stands or falls with."""
        return [self.protocol.cluster(id_) for id_ in self.ids]

    @cached_property
    def values(self) -> dict[str, Array]:
        """The items of each checkpoint, shape [N]; NaN is unread or was not asked."""
        return {name: self.column(cell) for name, cell in self.cells.items()}

    @property
    def unit(self) -> str:
        """Of the main score."""
        return next(iter(self.cells.values())).scores[0].unit

    @cached_property
    def metric(self) -> str:
        """Name of the score that is the mean of the items for every checkpoint, if one is.

        Checkpoints whose score is withheld have no say: they are not compared.
        """
        told = [cell for cell in self.cells.values() if cell.scores[0].value is not None]
        fitting = [
            {
                score.metric: None
                for score in cell.scores
                if is_mean(score, cell) and score.metric != _redrawn_metric(cell)
            }
            for cell in told
        ]
        common = (name for name in (fitting or [{}])[0] if all(name in one for one in fitting))
        return next(common, MEAN)

    def asked(self, step: str) -> set[str]:
        """Ids of the items that a checkpoint has, read or unread."""
        return {item.id for item in self.cells[step].items}

    def column(self, cell: Cell) -> Array:
        """The items of a cell, shape [N]; NaN is unread or was not asked."""
        said = {item.id: item.value for item in cell.items}
        column = [said.get(id_) for id_ in self.ids]
        return np.array([np.nan if value is None else value for value in column])


def _redrawn_metric(cell: Cell) -> str | None:
    """The metric that is no mean of items, though it may be as large where all are equal."""
    return cell.redrawn and cell.redrawn.metric


def is_mean(score: Score, cell: Cell) -> bool:
    """Whether a score is the mean of the items that were read."""
    values = [item.value for item in cell.items if item.value is not None]
    if score.value is None or not values or score.unit == "characters":
        return False
    return abs(sum(values) / len(values) - score.value) <= _SAME * max(1.0, abs(score.value))


class Sorted(NamedTuple):
    """Cells by track."""

    rows: list[Row]
    entries: list[Entry]
    notes: list[str]


def sort(cells: Sequence[Cell], protocols: Mapping[str, Protocol]) -> Sorted:
    """The cells as rows of what is comparable, in the order in which they come.

    Raises:
        DataError: A checkpoint was scored twice on one track.
    """
    groups: dict[tuple[object, ...], dict[str, Cell]] = {}
    for cell in cells:
        group = groups.setdefault(cell.key, {})
        if group.setdefault(cell.checkpoint, cell) is not cell:
            raise DataError(
                f"expected one result of '{cell.checkpoint}' on {cell.benchmark} under "
                f"{cell.judge}, came two; name each run once, and no run that is part of another"
            )
    rows = [_row(group, protocols) for group in groups.values()]
    entries = [_entry(cell, place) for place, row in enumerate(rows) for cell in row.cells.values()]
    return Sorted(rows, entries, _unlike(rows))


def _row(group: Mapping[str, Cell], protocols: Mapping[str, Protocol]) -> Row:
    first = next(iter(group.values()))
    protocol = protocols[first.benchmark]
    main = first.scores[0].metric
    track = Track(first.benchmark, protocol.title, first.judge, main, first.shared)
    return Row(track, protocol, group)


def _entry(cell: Cell, track: int) -> Entry:
    doubts = dict.fromkeys(doubt for score in cell.scores for doubt in score.doubts)
    scores = [*cell.scores]
    if cell.length is not None and all(score.unit != "characters" for score in scores):
        length = Score("avg_length", cell.length, len(cell.items), unit="characters")
        scores.append(length)
    return Entry(cell.checkpoint, track, scores, cell.items, [*doubts])


def _unlike(rows: Sequence[Row]) -> list[str]:
    """Why results of one benchmark under one judge are yet not compared."""
    notes = []
    for place, row in enumerate(rows):
        for other in rows[:place]:
            if row.track[:3:2] == other.track[:3:2]:
                there, here = other.track.identity, row.track.identity
                keys = sorted(k for k in {*there, *here} if there.get(k) != here.get(k))
                names = f"{_names(other)} and {_names(row)}"
                notes.append(
                    f"{row.track.benchmark} under {row.track.judge}: {names} are not compared, "
                    f"they differ in {', '.join(keys)}"
                )
    return notes


def _names(row: Row) -> str:
    return ", ".join(row.cells)
