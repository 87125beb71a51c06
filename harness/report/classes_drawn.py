"""Scores by class of prompt: as rows of points, and as a radar."""

from collections.abc import Mapping, Sequence
from math import pi, sin
from pathlib import Path
from typing import Any, NamedTuple

from harness.report.canvas import bare, canvas, legend, look, tip
from harness.types import Score


class Group(NamedTuple):
    """Classes of one kind."""

    title: str
    classes: Mapping[str, Sequence[Score]]
    """By its name, for each class a score of each checkpoint, a fraction."""


def grouped(path: Path, groups: Sequence[Group], names: Sequence[str], title: str) -> None:
    """Draws a row for each class and on it a point with its interval for each checkpoint.

    Args:
        path: Of the SVG file.
        groups: The first on the left, the others below each other on the right.
        names: Of the checkpoints.
        title: Above all.

    Raises:
        ModelError: matplotlib is not installed.
        DataError: The file cannot be written.
    """
    rows = max(len(groups[0].classes), sum(len(g.classes) + 3 for g in groups[1:]))
    row = max(0.2, 0.07 * len(names) + 0.06)  # inches
    with canvas(path, (6 if len(groups) == 1 else 11, 1.6 + row * rows)) as figure:
        figure.suptitle(title)
        shares = [3, 2][: len(groups)]
        left, *right = figure.subfigures(1, len(shares), squeeze=False, width_ratios=shares)[0]
        places: list[Any] = [left.subplots()]
        if right:
            heights = [len(g.classes) + 1 for g in groups[1:]]
            places += [*right[0].subplots(len(heights), squeeze=False, height_ratios=heights).flat]
        for axes, group in zip(places, groups, strict=True):
            _rows(axes, group, names)
        legend(figure, places)


def radar(
    path: Path, classes: Sequence[str], values: Mapping[str, Sequence[float]], title: str
) -> None:
    """Draws a closed line around a centre of 0 for each checkpoint, a direction for each class.

    Args:
        path: Of the SVG file.
        classes: Names of the directions, at least three, clockwise from the top.
        values: By the name of the checkpoint, a rating for each class.
        title: Above all.

    Raises:
        ModelError: matplotlib is not installed.
        DataError: The file cannot be written.
    """
    angles = [2 * pi * n / len(classes) for n in range(len(classes))]
    with canvas(path, (5.6, 4.8)) as figure:
        axes: Any = figure.subplots(subplot_kw={"projection": "polar"})
        axes.set_theta_zero_location("N")
        axes.set_theta_direction(-1)
        for number, (name, around) in enumerate(values.items()):
            colour, marker, dash, face = look(number)
            shape = {"marker": marker, "markersize": 4, "markerfacecolor": face}
            closed = [*angles, angles[0]], [*around, around[0]]
            (line,) = axes.plot(*closed, color=colour, linestyle=dash, label=name, **shape)
            told = zip(classes, around, strict=True)
            tip(line, f"{name}: {', '.join(f'{one} {value:.2f}' for one, value in told)}")
        axes.set_xticks(angles, classes)
        for label, angle in zip(axes.get_xticklabels(), angles, strict=True):
            label.set_ha(_side(sin(angle)))
        axes.set_ylim(0, 10)
        axes.set_rlabel_position(180 / len(classes))
        axes.grid(alpha=0.4)
        axes.set_title(title, pad=14)
        legend(figure, [axes])


def _side(right: float) -> str:
    """How a label stands to its point, so that it does not reach into the circle."""
    if abs(right) < 0.1:
        return "center"
    return "left" if right > 0 else "right"


def _rows(axes: Any, group: Group, names: Sequence[str]) -> None:
    apart = 0.7 / max(1, len(names))
    for number, name in enumerate(names):
        found = {
            label: (row + apart * (number - (len(names) - 1) / 2), scores[number])
            for row, (label, scores) in enumerate(group.classes.items())
        }
        _marks(axes, found, name, number)
    axes.set_yticks(range(len(group.classes)), group.classes)
    axes.set_ylim(len(group.classes) - 0.5, -0.5)
    axes.set(title=group.title, xlabel="%")
    bare(axes)


def _marks(axes: Any, found: Mapping[str, tuple[float, Score]], name: str, number: int) -> None:
    """One checkpoint's points with their intervals, by class at a height."""
    colour, marker, _, face = look(number)
    shape: dict[str, Any] = {"marker": marker, "markersize": 3.5, "markerfacecolor": face}
    ends = [(height, *score.interval) for height, score in found.values() if score.interval]
    if ends:
        heights, lows, highs = zip(*ends, strict=True)
        axes.hlines(
            heights, *([100 * end for end in side] for side in (lows, highs)), colour, lw=0.8
        )
    axes.plot([], [], color=colour, linestyle="", label=name, **shape)
    for label, (height, score) in found.items():
        if score.value is not None:
            shown = 100 * score.value
            (dot,) = axes.plot([shown], [height], color=colour, linestyle="", **shape)
            tip(dot, f"{label}, {name}: {shown:.2f}, {score.n} read")
