"""Which figures a story has, each drawn by a function of its own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from harness.classes import KINDS, Classes
from harness.report.breakdown import by_class
from harness.report.classes_drawn import Group, grouped, radar
from harness.report.curves import Curve, Plot, Point, curves, frontier
from harness.report.figures import Bar, Square, bars, heat_map
from harness.report.naming import short, short_names
from harness.report.scores import metric_title
from harness.report.story import Entry, Game, Step, Story, Track
from harness.types import Score

_LENGTH = "avg_length"
_UNITS = {"fraction": "%", "rating": "rating"}


class Drawing(NamedTuple):
    """A figure that was drawn."""

    path: Path
    title: str
    told: str
    """What it shows, in a sentence."""
    broad: bool = False
    """Whether it is too wide to stand beside another."""


def draw_story(
    folder: Path, story: Story, classes: Mapping[str, Classes] | None = None
) -> list[Drawing]:
    """Draws every figure that the story has something for, as SVG into the folder.

    Args:
        folder: Is made if it is not there.
        story: What is drawn.
        classes: Of prompts by their ids, for scores by category, complexity and length.

    Raises:
        ModelError: matplotlib is not installed.
        DataError: A file cannot be written.
    """
    story = _short(story)
    drawn = [
        _progress(folder, story),
        *(_radar(folder, story, place) for place in range(len(story.tracks))),
        *(_shares(folder, story, place) for place in range(len(story.tracks))),
        *(_game(folder, story, place, game) for place, game in enumerate(story.games)),
        *(_frontier(folder, story, place) for place in range(len(story.tracks))),
        *(
            _optimised(folder, story, one)
            for one in dict.fromkeys(t.benchmark for t in story.tracks)
        ),
        *(_classes(folder, story, place, classes or {}) for place in range(len(story.tracks))),
    ]
    return [drawing for drawing in drawn if drawing is not None]


def _short(story: Story) -> Story:
    """The story with names that leave room for a figure."""
    known = dict.fromkeys([s.name for s in story.steps] + [n for g in story.games for n in g.steps])
    names = dict(zip(known, short_names(known), strict=True))
    return replace(
        story,
        steps=[
            s._replace(name=names[s.name], method=None if s.method is None else short(s.method, 20))
            for s in story.steps
        ],
        tracks=[
            t._replace(title=short(t.title, 28), judge=short(t.judge, 28)) for t in story.tracks
        ],
        entries=[replace(e, step=names[e.step]) for e in story.entries],
        games=[replace(g, steps=[names[n] for n in g.steps]) for g in story.games],
    )


def _progress(folder: Path, story: Story) -> Drawing | None:
    """Scores by iteration, after arXiv 2405.00675, figure 1."""
    plots = []
    for place, track in enumerate(story.tracks):
        main = [e.scores[0] for e in story.entries if e.track == place]
        found = [*_curves(story, place)]
        if found and main[0].unit in _UNITS:
            plots.append(Plot(f"{track.title}\n{track.judge}", _UNITS[main[0].unit], found))
    if not plots:
        return None
    path = folder / "progress.svg"
    curves(path, plots, *_axis(story))
    told = "Each score with its 95 % interval, by iteration."
    return Drawing(path, "Scores by iteration", told, broad=len(plots) > 1)


def _curves(story: Story, place: int) -> Iterator[Curve]:
    """A curve for each line of checkpoints and each score that stands for the whole benchmark."""
    track, lines = story.tracks[place], _lines(story)
    metrics = dict.fromkeys(s.metric for e in _entries(story, place) for s in e.scores)
    shown = [m for m in metrics if m == track.main or m.endswith("win_rate")]
    for name, steps in lines.items():
        for metric in shown:
            points = [*_points(story, place, metric, steps)]
            label = short(metric_title(metric), 28)
            if points:
                yield Curve(f"{name}, {label}" if len(lines) > 1 else label, points)


def _shares(folder: Path, story: Story, place: int) -> Drawing | None:
    """Win, tie and loss, after arXiv 2401.10020, figures 3 and 8."""
    track = story.tracks[place]
    drawn = [b for e in _entries(story, place) if (b := _bar(e)) is not None]
    if not drawn or track.judge == "exact":
        return None
    path = folder / f"shares-{place}.svg"
    bars(path, drawn, f"{_label(track)}: against the baseline")
    told = (
        "Share of prompts whose verdict is above, at and below one half; unread ones are left out."
    )
    return Drawing(path, f"Win, tie and loss: {_label(track)}", told)


def _bar(entry: Entry) -> Bar | None:
    values = [item.value for item in entry.items if item.value is not None]
    if not values or entry.scores[0].unit != "fraction":
        return None
    win, lose = sum(v > 0.5 for v in values), sum(v < 0.5 for v in values)
    shares = {"win": win, "tie": len(values) - win - lose, "lose": lose}
    return Bar(entry.step, {name: 100 * n / len(values) for name, n in shares.items()})


def _game(folder: Path, story: Story, number: int, game: Game) -> Drawing:
    """The head-to-head matrix, after arXiv 2405.00675, figure 3."""
    title = f"Head to head: {_label(story.tracks[game.track])}"
    squares = [
        [Square(None if row == column else 100 * value, "") for column, value in enumerate(values)]
        for row, values in enumerate(game.preference)
    ]
    path = folder / f"game-{number}.svg"
    heat_map(path, game.steps, squares, f"{title}\nwin rate of the row over the column")
    return Drawing(path, title, "How often the row is preferred to the column, in percent.")


def _radar(folder: Path, story: Story, place: int) -> Drawing | None:
    """Ratings by category, one line for each checkpoint."""
    found = {e.step: _ratings(e) for e in _entries(story, place)}
    names = [*next((r for r in found.values() if len(r) >= 3), {})]
    complete = {step: [r[n] for n in names] for step, r in found.items() if [*r] == names}
    if not names:
        return None
    title = f"By category: {_label(story.tracks[place])}"
    path = folder / f"radar-{place}.svg"
    radar(path, [n.replace("_", " ") for n in names], complete, title)
    return Drawing(path, title, "Mean rating in each category, from 0 at the centre to 10.")


def _ratings(entry: Entry) -> dict[str, float]:
    """By category: whatever is rated beside the whole and its turns."""
    return {
        short(s.metric, 20): s.value
        for s in entry.scores[1:]
        if s.unit == "rating" and s.value is not None and not s.metric.startswith("turn_")
    }


def _frontier(folder: Path, story: Story, place: int) -> Drawing | None:
    """Length against the main score; no other checkpoint beats those on the front in both."""
    track, points = story.tracks[place], []
    for entry in _entries(story, place):
        length = _value(entry, _LENGTH)
        if length is not None and entry.scores[0].value is not None:
            points.append(_point(length, entry.scores[0], entry.step))
    if len(points) < 2:
        return None
    title = f"Length against score: {_label(track)}"
    path = folder / f"length-{place}.svg"
    frontier(
        path, points, ("mean length in characters", short(metric_title(track.main), 28)), title
    )
    return Drawing(
        path, title, "No other checkpoint is both shorter and better than one on the front."
    )


def _optimised(folder: Path, story: Story, benchmark: str) -> Drawing | None:
    """One benchmark under the judge that labelled the training data and under others."""
    places = [p for p, t in enumerate(story.tracks) if t.benchmark == benchmark]
    training = {gap.training for gap in story.gaps} & {*places}
    found = [_under(story, place, labels=place in training) for place in places if training]
    if not any(curve.points for curve in found):
        return None
    lengths = [Curve("length", [*_points(story, places[0], _LENGTH, story.steps)])]
    title = story.tracks[places[0]].title
    plots = [Plot(f"{title}: main score", "%", [c for c in found if c.points])]
    plots += [Plot("mean length", "characters", lengths)] if lengths[0].points else []
    path = folder / f"judges-{min(places)}.svg"
    curves(path, plots, *_axis(story))
    told = "If the training judge's curve leaves the others', the checkpoint learns its taste."
    return Drawing(path, f"Training judge and held-out judges: {title}", told)


def _under(story: Story, place: int, *, labels: bool) -> Curve:
    """The main score under one judge."""
    track = story.tracks[place]
    name = f"{track.judge} ({'labelled training data' if labels else 'held out'})"
    return Curve(name, [*_points(story, place, track.main, story.steps)])


def _classes(
    folder: Path, story: Story, place: int, classes: Mapping[str, Classes]
) -> Drawing | None:
    """Scores by category, complexity and expected length, after arXiv 2401.10020, figure 11."""
    entries = [(e.step, e) for e in _entries(story, place) if e.scores[0].unit == "fraction"]
    if not entries or not any(item.id in classes for _, e in entries for item in e.items):
        return None
    found = by_class(entries, classes)
    groups = [
        Group(kind.replace("_", " "), {name: s for one, name, s in found if one == kind})
        for kind in KINDS
    ]
    title = f"By class of prompt: {_label(story.tracks[place])}"
    path = folder / f"classes-{place}.svg"
    grouped(path, groups, [name for name, _ in entries], title)
    told = "Mean verdict in each class with its 95 % interval."
    return Drawing(path, title, told, broad=True)


def _axis(story: Story) -> tuple[str, list[str] | None]:
    """What the x axis shows, and its names where checkpoints have no iteration."""
    if all(step.iteration is not None for step in story.steps):
        return "iteration", None
    return "", [step.name for step in story.steps]


def _lines(story: Story) -> dict[str, list[Step]]:
    """Checkpoints by method, those of no method in every line."""
    methods = dict.fromkeys(s.method for s in story.steps if s.method is not None)
    if not methods or _axis(story)[1] is not None:
        return {"": [*story.steps]}
    return {m: [s for s in story.steps if s.method in {m, None}] for m in methods}


def _points(story: Story, place: int, metric: str, steps: Sequence[Step]) -> Iterator[Point]:
    entries = {e.step: e for e in _entries(story, place)}
    named = _axis(story)[1] is not None
    for number, step in enumerate(steps):
        entry = entries.get(step.name)
        score = next((s for s in entry.scores if s.metric == metric), None) if entry else None
        if score is not None and score.value is not None:
            x = number if named or step.iteration is None else step.iteration
            yield _point(x, score, step.name)


def _point(x: float, score: Score, name: str) -> Point:
    times = 100 if score.unit == "fraction" else 1
    ends = score.interval and (times * score.interval[0], times * score.interval[1])
    return Point(x, times * (score.value or 0.0), ends, name)


def _value(entry: Entry, metric: str) -> float | None:
    return next((s.value for s in entry.scores if s.metric == metric), None)


def _entries(story: Story, place: int) -> list[Entry]:
    return [entry for entry in story.entries if entry.track == place]


def _label(track: Track) -> str:
    return f"{track.title}, {track.judge}"
