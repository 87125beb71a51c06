"""A story's scores as points: by iteration, or by name where checkpoints have no iteration."""

from collections.abc import Iterator, Sequence

from harness.report.curves import Curve, Point
from harness.report.naming import short
from harness.report.scores import metric_title
from harness.report.story import Entry, Step, Story
from harness.types import Score


def score_curves(story: Story, place: int) -> Iterator[Curve]:
    """A curve for each line of checkpoints and each score that stands for the whole benchmark."""
    track, lines = story.tracks[place], _lines(story)
    metrics = dict.fromkeys(s.metric for e in entries(story, place) for s in e.scores)
    shown = [m for m in metrics if m == track.main or m.endswith("win_rate")]
    for name, steps in lines.items():
        for metric in shown:
            drawn = [*points(story, place, metric, steps)]
            label = short(metric_title(metric), 28)
            if drawn:
                yield Curve(f"{name}, {label}" if len(lines) > 1 else label, drawn)


def judge_curve(story: Story, place: int, *, labels: bool) -> Curve:
    """The main score under one judge."""
    track = story.tracks[place]
    name = f"{track.judge} ({'labelled training data' if labels else 'held out'})"
    return Curve(name, [*points(story, place, track.main, story.steps)])


def axis(story: Story) -> tuple[str, list[str] | None]:
    """What the x axis shows, and its names where checkpoints have no iteration."""
    if all(step.iteration is not None for step in story.steps):
        return "iteration", None
    return "", [step.name for step in story.steps]


def _lines(story: Story) -> dict[str, list[Step]]:
    """Checkpoints by method, those of no method in every line."""
    methods = dict.fromkeys(s.method for s in story.steps if s.method is not None)
    if not methods or axis(story)[1] is not None:
        return {"": [*story.steps]}
    return {m: [s for s in story.steps if s.method in {m, None}] for m in methods}


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
