"""Where a line of checkpoints, each from the one before, stops getting better."""

from collections.abc import Iterator, Sequence

from harness.report.story import Change, Step
from harness.report.telling.cells import opponents
from harness.report.telling.tracks import Row

_SHORTEST = 3
"""Below so many checkpoints a line has one step, which its ruling tells."""


def lines(known: Sequence[Step]) -> list[list[str]]:
    """Every line from a base to a checkpoint that none comes from, the base first."""
    before = {step.name: next(iter(opponents(known, step)), None) for step in known}
    ends = [name for name in before if name not in before.values()]
    return [[*_back(end, before)][::-1] for end in ends]


def stalls(known: Sequence[Step], rows: Sequence[Row], changes: Sequence[Change]) -> Iterator[str]:
    """Of every long line on every track, the first checkpoint that is not better than before."""
    for place, row in enumerate(rows):
        ruled = _ruled(place, row, changes)
        for line in lines(known):
            pairs = [*zip(line[1:], line, strict=False)]
            if len(line) >= _SHORTEST and all(pair in ruled for pair in pairs):
                where = f"{row.track.benchmark} under {row.track.judge}"
                yield f"{where}: {_told([(*pair, ruled[pair]) for pair in pairs])}"


def _told(steps: Sequence[tuple[str, str, str]]) -> str:
    for step, before, ruling in steps:
        if ruling != "better":
            return f"{step} is the first that is not better than {before} before it ({ruling})"
    return f"every checkpoint up to {steps[-1][0]} is better than the one before"


def _ruled(place: int, row: Row, changes: Sequence[Change]) -> dict[tuple[str, str], str]:
    """The rulings on one track, of the main metric where that was tested."""
    ruled: dict[tuple[str, str], str] = {}
    for change in changes:
        if change.track == place:
            pair = change.step, change.against
            if change.metric == row.track.main or pair not in ruled:
                ruled[pair] = change.ruling
    return ruled


def _back(name: str, before: dict[str, str | None]) -> Iterator[str]:
    seen: set[str] = set()
    at: str | None = name
    while at is not None and at not in seen:
        seen.add(at)
        yield at
        at = before[at]
