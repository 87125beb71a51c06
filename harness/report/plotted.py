"""A story's scores as points: by iteration, or by name where checkpoints have no iteration."""

from collections.abc import Iterator, Mapping, Sequence

from harness.report.curves import Curve, Point
from harness.report.story import Entry, Step, Story
from harness.types import Score

_UNITS = {"fraction": "%", "rating": "rating"}


def score_curves(story: Story, place: int, shown: Mapping[str, str]) -> Iterator[Curve]:
    """A curve for each line of checkpoints and each of some scores of a track.

    Args:
        story: Whose checkpoints these are.
        place: Of the track.
        shown: What the scores are called, by metric.
    """
    lines = _lines(story)
    for line, steps in lines.items():
        for metric, name in shown.items():
            drawn = [*points(story, place, metric, steps)]
            if drawn:
                yield Curve(f"{line}, {name}" if len(lines) > 1 else name, drawn)


def axis(story: Story) -> tuple[str, list[str] | None]:
    """What the x axis shows, and its names where checkpoints have no iterations to stand at."""
    if all(_has_order(line) for line in _lineages(story).values()):
        return "iteration", None
    return "", [step.name for step in story.steps]


def _lines(story: Story) -> dict[str, list[Step]]:
    return _lineages(story) if axis(story)[1] is None else {"": [*story.steps]}


def _lineages(story: Story) -> dict[str, list[Step]]:
    """From its base to each checkpoint that none was trained from, by method or else by name."""
    known = {step.name: step for step in story.steps}
    parents = {step.parent for step in story.steps if step.parent in known}
    leaves = [step for step in story.steps if step.name not in parents]
    if not parents or len(leaves) == 1:
        return {"": [*story.steps]}
    methods = {step.method for step in leaves}
    by_method = None not in methods and len(methods) == len(leaves)
    return {
        (leaf.method or leaf.name) if by_method else leaf.name: _line(known, leaf)
        for leaf in leaves
    }


def _line(known: Mapping[str, Step], leaf: Step) -> list[Step]:
    line = [leaf]
    while (parent := known.get(line[0].parent or "")) is not None and parent not in line:
        line.insert(0, parent)
    return line


def _has_order(line: Sequence[Step]) -> bool:
    """Whether every checkpoint has an iteration, and no two the same."""
    return None not in (places := {step.iteration for step in line}) and len(places) == len(line)


def points(story: Story, place: int, metric: str, steps: Sequence[Step]) -> Iterator[Point]:
    """A point for each of these checkpoints that has the score."""
    found = {e.step: e for e in entries(story, place)}
    named = axis(story)[1] is not None
    for number, step in enumerate(steps):
        entry = found.get(step.name)
        score = next((s for s in entry.scores if s.metric == metric), None) if entry else None
        if score is not None and score.value is not None:
            x = number if named or step.iteration is None else step.iteration
            yield point(x, score, step.name)


def point(x: float, score: Score, name: str) -> Point:
    """A score as it is drawn, fractions in percent."""
    times = 100 if score.unit == "fraction" else 1
    ends = score.interval and (times * score.interval[0], times * score.interval[1])
    return Point(x, times * (score.value or 0.0), ends, name)


def value(entry: Entry, metric: str) -> float | None:
    """Of a score; None where it is withheld or there is none."""
    return next((s.value for s in entry.scores if s.metric == metric), None)


def entries(story: Story, place: int) -> list[Entry]:
    """Those of one track, in the order of the story."""
    return [entry for entry in story.entries if entry.track == place]


def unit_of(story: Story, place: int) -> str:
    """What the y axis of a track shows; empty where its unit is not drawn."""
    return next((_UNITS.get(e.scores[0].unit, "") for e in entries(story, place)), "")
