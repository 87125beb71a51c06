"""The story of a series, from its results and its matches."""

from collections.abc import Iterator, Mapping, Sequence

from harness.errors import DataError
from harness.report.story import Step, Story
from harness.report.telling.cells import Cell, Protocol, steps
from harness.report.telling.changes import Duel, changes, duels, refused, unfitted
from harness.report.telling.games import play
from harness.report.telling.gaps import gaps, labelled
from harness.report.telling.lines import stalls
from harness.report.telling.parts import fallen, parts
from harness.report.telling.saved import Faced
from harness.report.telling.spreads import spreads
from harness.report.telling.tracks import Row, sort
from harness.stats.paired import REPLICATES


def tell(
    name: str,
    cells: Sequence[Cell],
    protocols: Mapping[str, Protocol],
    matches: Sequence[Faced] = (),
    *,
    replicates: int = REPLICATES,
) -> Story:
    """What a series came to. It does not depend on the order of items.

    Args:
        name: Of the series.
        cells: Every checkpoint on every benchmark under every judge, in the order of the series.
            Further samples of a checkpoint tell its spread, and nothing else.
        protocols: Of every benchmark, by its label.
        matches: Checkpoints head to head.
        replicates: Of each bootstrap and each test.

    Raises:
        DataError: There is nothing to tell, or a checkpoint was scored twice on one track.
    """
    if not (cells or matches):
        raise DataError("expected results or matches to report, came none; score a series first")
    further = [cell for cell in cells if cell.sample_of is not None]
    own = [cell for cell in cells if cell.sample_of is None]
    known = steps(own)
    rows, entries, notes = sort(own, protocols)
    pairs = [*duels(known, rows)]
    found = [pair for pair in pairs if refused(pair) is None]
    following = [pair for pair in found if pair.is_next]
    changed = changes(found, replicates)
    notes += [*stalls(known, rows, changed), *_refusals(pairs), *_coverage(rows)]
    titles = {label: protocol.title for label, protocol in protocols.items()}
    played = play(matches, [row.track for row in rows], titles, [step.name for step in known])
    notes += played.notes
    return Story(
        name,
        known,
        [*(row.track for row in rows), *played.tracks],
        entries,
        changed,
        fallen(following),
        parts([pair for pair in following if not pair.is_stopped], replicates),
        played.games,
        [*_alone(known), *_marked(known, rows), *notes],
        gaps(known, rows, replicates),
        spreads=[*spreads(rows, further)],
    )


def _alone(known: Sequence[Step]) -> Iterator[str]:
    if len(known) == 1:
        yield f"{known[0].name} is the only checkpoint, so there is nothing to compare it with"


def _marked(known: Sequence[Step], rows: Sequence[Row]) -> Iterator[str]:
    """Judges that also labelled training data."""
    for judge in dict.fromkeys(row.track.judge for row in rows):
        trained = labelled(known, judge)
        if trained:
            yield (
                f"{judge} also labelled the training data of {', '.join(trained)}: its scores of "
                f"them may flatter; look at judges that took no part"
            )


def _refusals(pairs: Sequence[Duel]) -> list[str]:
    return [why for pair in pairs if (why := refused(pair) or unfitted(pair)) is not None]


def _coverage(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        for step, cell in row.cells.items():
            main = cell.scores[0]
            if main.n_unread:
                yield (
                    f"{step} on {row.track.benchmark} under {row.track.judge}: {main.n_unread} of "
                    f"{main.n + main.n_unread} verdicts are unread"
                )
