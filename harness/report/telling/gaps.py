"""Over-optimisation: does the judge that labelled the training data like it more than others do?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.names import takes_part
from harness.report.story import Gap, Step
from harness.report.telling.cells import opponents
from harness.report.telling.changes import LEAST_COMMON, LEVEL
from harness.report.telling.stopped import UNTIL
from harness.report.telling.tracks import Array, Row
from harness.stats.paired import Difference, Pair, holm, paired_differences


@dataclass(frozen=True, slots=True)
class _Beside:
    """A checkpoint under two judges of one benchmark."""

    step: str
    training: int
    held_out: int
    rows: tuple[Row, Row]
    against: str | None

    @property
    def gap_N(self) -> Array:
        """The first judge's verdict less the second's, item by item of the first."""
        return self._gap(self.step)

    @property
    def growth(self) -> Pair | None:
        """The gap and that of the checkpoint before; None for the first."""
        if self.against is None:
            return None
        pair = Pair(self.gap_N, self._gap(self.against), self.rows[0].clusters_N)
        read = ~np.isnan(pair.ours_N - pair.theirs_N)
        return pair if read.any() and read.mean() >= LEAST_COMMON else None

    def _gap(self, step: str) -> Array:
        first, second = self.rows
        said = dict(zip(second.ids, second.values[step].tolist(), strict=True))
        other_N = np.array([said.get(id_, np.nan) for id_ in first.ids])
        return np.asarray(first.values[step] - other_N)


def labelled(known: Sequence[Step], judge: str) -> list[str]:
    """The checkpoints whose training data the judge labelled."""
    return [s.name for s in known if s.trained_by_judge and takes_part(s.trained_by_judge, judge)]


def gaps(known: Sequence[Step], rows: Sequence[Row], replicates: int) -> list[Gap]:
    """Every checkpoint under every two judges of which one labelled training data, Holm over all.

    Judges are only set side by side where their verdicts have one unit, and where judging did not
    stop when it was decided; a withheld score has no gap, and growth is told where most prompts
    were read for both checkpoints under both judges.
    """
    found = [one for one in _beside(known, rows) if not np.isnan(one.gap_N).all()]
    pairs = [pair for one in found if (pair := one.growth) is not None]
    tested = paired_differences(pairs, replicates=replicates)
    adjusted = holm([difference.p_value for difference in tested])
    growths = iter(zip(tested, adjusted, strict=True))
    return [_gap(one, None if one.growth is None else next(growths)) for one in found]


def _gap(one: _Beside, growth: tuple[Difference, float] | None) -> Gap:
    places = one.step, one.training, one.held_out
    value = float(np.nanmean(one.gap_N))
    if growth is None:
        return Gap(*places, value, one.against, None, grown=False)
    difference, p = growth
    return Gap(*places, value, one.against, difference, p <= LEVEL and difference.value > 0)


def _beside(known: Sequence[Step], rows: Sequence[Row]) -> Iterator[_Beside]:
    for first, training in enumerate(rows):
        for second, held_out in enumerate(rows):
            if _are_beside(known, training, held_out):
                both = _told(training) & _told(held_out)
                for step in known:
                    before = next(iter(opponents(known, step)), None)
                    against = before if before in both else None
                    if step.name in both:
                        yield _Beside(step.name, first, second, (training, held_out), against)


def _are_beside(known: Sequence[Step], training: Row, held_out: Row) -> bool:
    return (
        training.track.benchmark == held_out.track.benchmark
        and bool(labelled(known, training.track.judge))
        and not labelled(known, held_out.track.judge)
        and training.metric == held_out.metric
        and UNTIL not in {**training.track.identity, **held_out.track.identity}
        and training.unit == held_out.unit
    )


def _told(row: Row) -> set[str]:
    """The checkpoints whose score is not withheld."""
    return {name for name, cell in row.cells.items() if cell.scores[0].value is not None}
