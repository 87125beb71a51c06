"""Over-optimisation: a benchmark under the judge that labelled training data and under others."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.report.curves import Curve, Plot, curves
from harness.report.naming import short
from harness.report.plotted import axis, entries, score_curves, unit_of
from harness.report.scores import metric_title
from harness.report.story import Story
from harness.report.telling.gaps import labelled

_LENGTH = "avg_length"
_CORRECTED = "gold_"
"""How a score begins that a gold judge's word on a few prompts corrects."""
_LABELLED, _GOLD, _HELD_OUT = "labelled training data", "gold", "held out"


def parts_of(story: Story) -> list[str]:
    """What part the judge of each track has in the series."""

    def part(judge: str) -> str:
        if judge == story.gold:
            return _GOLD
        return _LABELLED if labelled(story.steps, judge) else _HELD_OUT

    return [part(track.judge) for track in story.tracks]


def judges(folder: Path, story: Story, benchmark: str, parts: Sequence[str]) -> Path | None:
    """Draws a benchmark's score under each judge, and its length.

    Args:
        folder: Where the figure is written.
        story: Whose names may be short.
        benchmark: Its label.
        parts: From `parts_of`, of the story with its whole names.

    Returns:
        The figure; None where neither a judge that labelled training data stands beside another,
        nor a gold one beside any.

    Raises:
        ModelError: matplotlib is not installed.
        DataError: The file cannot be written.
    """
    units = {p: unit_of(story, p) for p, t in enumerate(story.tracks) if t.benchmark == benchmark}
    unit = next(filter(None, units.values()), "")
    places = [p for p in units if unit and units[p] == unit]
    if not _has_two_sides(story, places, parts):
        return None
    shown = {p: _metric(story, p, places) for p in places}
    found = [c for p in places for c in _curves(story, p, shown[p], parts[p])]
    if not found:
        return None
    title = story.tracks[places[0]].title
    metrics = short(" or ".join(dict.fromkeys(map(metric_title, shown.values()))), 28)
    lengths = [*score_curves(story, places[0], {_LENGTH: "length"})]
    plots = [Plot(f"{title}: {metrics}", unit, found)]
    plots += [Plot("mean length", "characters", lengths)] if lengths else []
    path = folder / f"judges-{min(places)}.svg"
    curves(path, plots, *axis(story))
    return path


def _has_two_sides(story: Story, places: Sequence[int], parts: Sequence[str]) -> bool:
    beside = any(gap.training in places for gap in story.gaps)
    named = len(places) > 1 and any(parts[p] == _GOLD for p in places)
    return beside or named or any(_corrected(story, p) for p in places)


def _metric(story: Story, place: int, places: Sequence[int]) -> str:
    """The score that gold corrects, where any is and this track has it: else the main one."""
    known = _metrics(story, place)
    found = (m for p in places for m in _corrected(story, p).values() if m in known)
    return next(found, story.tracks[place].main)


def _corrected(story: Story, place: int) -> dict[str, str]:
    """Corrected scores, each with what it corrects."""
    metrics = _metrics(story, place)
    return {m: m.removeprefix(_CORRECTED) for m in metrics if m.startswith(_CORRECTED)}


def _metrics(story: Story, place: int) -> dict[str, None]:
    return {score.metric: None for e in entries(story, place) for score in e.scores}


def _curves(story: Story, place: int, metric: str, part: str) -> Iterator[Curve]:
    judge = story.tracks[place].judge
    corrected = dict.fromkeys(_corrected(story, place), f"{judge}, corrected by gold")
    return score_curves(story, place, {metric: f"{judge} ({part})", **corrected})
