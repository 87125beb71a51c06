"""Which figures a story has, each drawn by a function of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from harness.classes import KINDS
from harness.report.breakdown import by_class
from harness.report.classes_drawn import Group, grouped, radar
from harness.report.clouds import Cloud, clouds
from harness.report.curves import Plot, curves, frontier
from harness.report.figures import Bar, Square, bars, heat_map
from harness.report.judges_drawn import judges, parts_of
from harness.report.naming import short, short_names
from harness.report.plotted import axis, entries, point, score_curves, unit_of, value
from harness.report.scores import metric_title
from harness.report.story import Entry, Game, Story, Track

_LENGTH = "avg_length"
_MOST_ROWS = 6
"""Checkpoints beside each other in one class, above which none can be made out."""
_FEWEST = 3
"""Directions without which a radar has no shape."""


class Drawing(NamedTuple):
    """A figure that was drawn."""

    path: Path
    title: str
    told: str
    """What it shows, in a sentence."""
    broad: bool = False
    """Whether it is too wide to stand beside another."""


def draw_story(folder: Path, story: Story) -> list[Drawing]:
    """Draws every figure that the story has something for, as SVG into the folder.

    What changes along a series is drawn of two checkpoints or more.

    Args:
        folder: Is made if it is not there.
        story: What is drawn.

    Raises:
        ModelError: matplotlib is not installed.
        DataError: A file cannot be written.
    """
    parts, story = parts_of(story), _short(story)
    drawn = [
        _progress(folder, story),
        *(_radar(folder, story, place) for place in range(len(story.tracks))),
        *(_shares(folder, story, place) for place in range(len(story.tracks))),
        *(_game(folder, story, place, game) for place, game in enumerate(story.games)),
        *(_frontier(folder, story, place) for place in range(len(story.tracks))),
        *(
            _judges(folder, story, one, parts)
            for one in dict.fromkeys(t.benchmark for t in story.tracks)
        ),
        *(_classes(folder, story, place) for place in range(len(story.tracks))),
        *_clouds(folder, story),
    ]
    return [drawing for drawing in drawn if drawing is not None]


def _short(story: Story) -> Story:
    """The story with names that leave room for a figure."""
    known = dict.fromkeys([s.name for s in story.steps] + [n for g in story.games for n in g.steps])
    known |= dict.fromkeys(step.parent for step in story.steps if step.parent is not None)
    names = dict(zip(known, short_names(known), strict=True))
    return replace(
        story,
        steps=[
            s._replace(
                name=names[s.name],
                parent=None if s.parent is None else names[s.parent],
                method=None if s.method is None else short(s.method, 20),
            )
            for s in story.steps
        ],
        tracks=[
            t._replace(title=short(t.title, 28), judge=short(t.judge, 28)) for t in story.tracks
        ],
        entries=[replace(e, step=names[e.step]) for e in story.entries],
        games=[replace(g, steps=[names[n] for n in g.steps]) for g in story.games],
        vectors=[
            v._replace(
                title=short(v.title, 28), answered={names[n]: a for n, a in v.answered.items()}
            )
            for v in story.vectors
        ],
    )


def _progress(folder: Path, story: Story) -> Drawing | None:
    """Scores by iteration, after arXiv 2405.00675, figure 1."""
    plots = []
    for place, track in enumerate(story.tracks):
        shown = {m: short(metric_title(m), 28) for m in (track.main, "win_rate")}
        found = [*score_curves(story, place, shown)]
        unit = unit_of(story, place)
        if found and unit:
            plots.append(Plot(f"{track.title}\n{track.judge}", unit, found))
    if not plots or len(story.steps) < 2:
        return None
    path = folder / "progress.svg"
    curves(path, plots, *axis(story))
    told = "Each score with its 95 % interval, by iteration."
    return Drawing(path, "Scores by iteration", told, broad=len(plots) > 1)


def _shares(folder: Path, story: Story, place: int) -> Drawing | None:
    """Win, tie and loss, after arXiv 2401.10020, figures 3 and 8."""
    track = story.tracks[place]
    drawn = [b for e in entries(story, place) if (b := _bar(e)) is not None]
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
    rated = {e.step: r for e in entries(story, place) if (r := _ratings(e))}
    every = dict.fromkeys(name for ratings in rated.values() for name in ratings)
    names = [name for name in every if all(name in ratings for ratings in rated.values())]
    if len(names) < _FEWEST:
        return None
    left_out = [name.replace("_", " ") for name in every if name not in names]
    title = f"By category: {_label(story.tracks[place])}"
    path = folder / f"radar-{place}.svg"
    around = {step: [ratings[name] for name in names] for step, ratings in rated.items()}
    radar(path, [name.replace("_", " ") for name in names], around, title)
    told = "Mean rating in each category, from 0 at the centre to 10."
    lacking = f" Not drawn, for a checkpoint has no rating there: {', '.join(left_out)}."
    return Drawing(path, title, told + (lacking if left_out else ""))


def _ratings(entry: Entry) -> dict[str, float]:
    """By category: whatever is rated beside the whole and its turns."""
    return {
        short(s.metric, 20): s.value
        for s in entry.scores[1:]
        if s.unit == "rating" and s.value is not None and not s.metric.startswith("turn_")
    }


def _frontier(folder: Path, story: Story, place: int) -> Drawing | None:
    """Length against the main score; no other checkpoint beats those on the front in both."""
    track, found = story.tracks[place], []
    for entry in entries(story, place):
        length = value(entry, _LENGTH)
        if length is not None and entry.scores[0].value is not None:
            found.append(point(length, entry.scores[0], entry.step))
    if len(found) < 2:
        return None
    title = f"Length against score: {_label(track)}"
    path = folder / f"length-{place}.svg"
    gain = ", ".join(filter(None, (short(metric_title(track.main), 28), unit_of(story, place))))
    frontier(path, found, ("mean length in characters", gain), title)
    return Drawing(
        path, title, "No other checkpoint is both shorter and better than one on the front."
    )


def _judges(folder: Path, story: Story, benchmark: str, parts: Sequence[str]) -> Drawing | None:
    """One benchmark under the judge that labelled the training data, others, and a gold one."""
    path = judges(folder, story, benchmark, parts) if len(story.steps) > 1 else None
    if path is None:
        return None
    told = "If the training judge's curve leaves the others', the checkpoint learns its taste."
    title = next(track.title for track in story.tracks if track.benchmark == benchmark)
    return Drawing(path, f"Training judge and held-out judges: {title}", told)


def _classes(folder: Path, story: Story, place: int) -> Drawing | None:
    """Scores by category, complexity and expected length, after arXiv 2401.10020, figure 11."""
    every = [(e.step, e) for e in entries(story, place) if e.scores[0].unit == "fraction"]
    scored = every if len(every) <= _MOST_ROWS else [every[0], *every[1 - _MOST_ROWS :]]
    if not any(item.id in story.classes for _, e in scored for item in e.items):
        return None
    found = by_class(scored, story.classes)
    groups = [
        Group(kind.replace("_", " "), {name: s for one, name, s in found if one == kind})
        for kind in KINDS
    ]
    title = f"By class of prompt: {_label(story.tracks[place])}"
    path = folder / f"classes-{place}.svg"
    grouped(path, groups, [name for name, _ in scored], title)
    told = "Mean verdict in each class with its 95 % interval."
    if scored != every:
        told += f" Of {len(every)} checkpoints the first and the last {_MOST_ROWS - 1}."
    return Drawing(path, title, told, broad=True)


def _clouds(folder: Path, story: Story) -> Iterator[Drawing]:
    """Prompts and responses on planes, after arXiv 2401.10020, fig. 6, and 2309.11235, fig. 4."""
    if not story.vectors:
        return
    told = f"Near each other where {story.vectors[0].model} makes vectors alike."
    asked = {one.title: one.asked_N_D for one in story.vectors}
    answered = [Cloud(one.title, one.answered) for one in story.vectors]
    for name, title, drawn in (
        ("asked", "Prompts by benchmark", [Cloud("", asked)]),
        ("answered", "Responses by checkpoint", answered),
    ):
        clouds(folder / f"{name}.svg", drawn, title)
        yield Drawing(folder / f"{name}.svg", title, told, broad=len(drawn) > 1)


def _label(track: Track) -> str:
    return f"{track.title}, {track.judge}"
