"""Scores by iteration with their intervals, and points of length against score."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

from harness.report.canvas import bare, canvas, legend, look, tip

_WIDE = 3
"""Most panels in one row."""
_APART = 0.05
"""Lines stand so far beside each other that no interval hides another."""


class Point(NamedTuple):
    """A value with its 95 % interval."""

    x: float
    y: float
    interval: tuple[float, float] | None
    name: str
    """What it is called when a pointer rests on it."""


class Curve(NamedTuple):
    """One line, which has one look in all plots."""

    label: str
    points: Sequence[Point]


class Plot(NamedTuple):
    """One set of axes."""

    title: str
    unit: str
    """What the y axis shows."""
    curves: Sequence[Curve]


def curves(
    path: Path, plots: Sequence[Plot], across: str, ticks: Sequence[str] | None = None
) -> None:
    """Draws lines with intervals in panels, three in a row, and one legend.

    Args:
        path: Of the SVG file.
        plots: From left to right, row by row.
        across: What the x axes show.
        ticks: Names of x = 0, 1, 2 …; without them x are whole numbers.

    Raises:
        ModelError: matplotlib is not installed.
        DataError: The file cannot be written.
    """
    across_n = min(_WIDE, len(plots))
    rows = ceil(len(plots) / across_n)
    labels = list(dict.fromkeys(c.label for plot in plots for c in plot.curves))
    with canvas(path, (max(6.0, 0.6 + 3.1 * across_n), 1.1 + 2.6 * rows)) as figure:
        axes: Any = figure.subplots(rows, across_n, squeeze=False).ravel()
        for place, plot in zip(axes, plots, strict=False):
            _curves(place, plot, labels, ticks)
            place.set(title=plot.title, ylabel=plot.unit, xlabel=across)
            bare(place)
        for place in axes[len(plots) :]:
            place.set_axis_off()
        legend(figure, axes)


def frontier(path: Path, points: Sequence[Point], axes_names: tuple[str, str], title: str) -> None:
    """Draws a point for each checkpoint, and the front of those that none beats in both ways.

    Args:
        path: Of the SVG file.
        points: x is a cost (the shorter the better), y a gain.
        axes_names: What x and y show.
        title: Above all.

    Raises:
        ModelError: matplotlib is not installed.
        DataError: The file cannot be written.
    """
    with canvas(path, (6.5, 4.2)) as figure:
        axes: Any = figure.subplots()
        front = pareto(points)
        axes.step(
            *zip(*((p.x, p.y) for p in front), strict=True),
            where="post",
            color="#999999",
            linestyle=":",
            zorder=1,
            label="Pareto front",
        )
        for number, point in enumerate(points):
            _dot(axes, point, number, point.name, size=7)
        axes.set(xlabel=axes_names[0], ylabel=axes_names[1], title=title)
        bare(axes)
        legend(figure, [axes])


def pareto(points: Sequence[Point]) -> list[Point]:
    """The points of which none other has both x at most as large and y larger, by x."""
    front: list[Point] = []
    for point in sorted(points, key=lambda p: (p.x, -p.y)):
        if not front or point.y > front[-1].y:
            front.append(point)
    return front


def _curves(axes: Any, plot: Plot, labels: Sequence[str], ticks: Sequence[str] | None) -> None:
    middle = (len(plot.curves) - 1) / 2
    for place, (label, points) in enumerate(plot.curves):
        number = labels.index(label)
        moved = [p._replace(x=p.x + _APART * (place - middle)) for p in points]
        colour, marker, dash, face = look(number)
        shape = {"marker": marker, "markersize": 5, "markerfacecolor": face}
        xs, ys = zip(*((p.x, p.y) for p in moved), strict=True)
        axes.plot(xs, ys, color=colour, linestyle=dash, label=label, **shape)
        for point in moved:
            _dot(axes, point, number, None)
    if ticks is None:
        axes.xaxis.get_major_locator().set_params(integer=True)
    else:
        axes.set_xticks(range(len(ticks)), ticks, rotation=30, ha="right")


def _dot(axes: Any, point: Point, number: int, label: str | None, size: float = 5) -> None:
    colour, marker, _, face = look(number)
    shown = f"{point.name}: {point.y:.4g}"
    if point.interval is not None:
        axes.plot([point.x, point.x], point.interval, color=colour, linewidth=1, marker="_")
        shown += f" [{point.interval[0]:.4g}, {point.interval[1]:.4g}]"
    shape = {"marker": marker, "markersize": size, "markerfacecolor": face}
    (drawn,) = axes.plot(
        [point.x], [point.y], color=colour, linestyle="", label=label or "_", **shape
    )
    tip(drawn, shown)
