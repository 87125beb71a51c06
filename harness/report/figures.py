"""Figures, drawn to SVG: colours that the colour-blind tell apart, and a marker for each line."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from harness.report.canvas import bare, canvas, legend, look, tip

_SIDES = ("#56B4E9", "#E4E4E4", "#D55E00")
"""Of win, tie and lose: light enough for black on them, and in grey three greys."""
_LEGIBLE = 4.0
"""Percent of a bar in which a number finds room."""
_EVEN = 50.0


class Bar(NamedTuple):
    """Shares of a whole, side by side."""

    label: str
    shares: Mapping[str, float]
    """In percent, by name; the same names in all bars, from left to right."""


class Square(NamedTuple):
    """One cell of a heat map."""

    value: float | None
    """In percent, or None where there is none."""
    below: str
    """What stands below the value, small."""


class Panel(NamedTuple):
    """One set of axes."""

    title: str
    lines: Mapping[str, Sequence[tuple[float, float]]]
    """Points (x, y) by the name of their line, which has one colour and marker in all panels."""


def panels(path: Path, drawn: Sequence[Panel], across: str) -> None:
    """Draws lines in panels side by side, each with a scale of its own, and one legend.

    Args:
        path: Of the SVG file.
        drawn: From left to right.
        across: What the x axes of all panels show, in whole numbers.

    Raises:
        ModelError: matplotlib is not installed.
        DataError: The file cannot be written.
    """
    with canvas(path, (3 * len(drawn), 3)) as figure:
        axes: Any = figure.subplots(1, len(drawn), squeeze=False)[0]
        names = list(dict.fromkeys(name for panel in drawn for name in panel.lines))
        for place, panel in zip(axes, drawn, strict=True):
            _draw(place, panel, names, across)
        legend(figure, axes)


def bars(path: Path, drawn: Sequence[Bar], title: str) -> None:
    """Draws three shares of each bar beside each other, bar below bar, and one legend.

    Numbers stand in the shares, those that are too narrow behind the bar.

    Args:
        path: Of the SVG file.
        drawn: From top to bottom; each bar's shares add up to 100.
        title: Above all bars.

    Raises:
        ModelError: matplotlib is not installed.
        DataError: The file cannot be written.
    """
    with canvas(path, (7, 1.2 + 0.4 * len(drawn))) as figure:
        axes: Any = figure.subplots()
        heights = range(len(drawn))[::-1]
        ends = [0.0] * len(drawn)
        for name, colour in zip(drawn[0].shares, _SIDES, strict=True):
            widths = [bar.shares[name] for bar in drawn]
            shown = axes.barh(heights, widths, left=ends, color=colour, label=name, height=0.7)
            axes.bar_label(
                shown,
                [f"{width:.1f}" if width >= _LEGIBLE else "" for width in widths],
                label_type="center",
                color="black",
            )
            for patch, bar, width in zip(shown, drawn, widths, strict=True):
                tip(patch, f"{bar.label}: {name} {width:.1f} %")
            ends = [end + width for end, width in zip(ends, widths, strict=True)]
        for height, bar in zip(heights, drawn, strict=True):
            axes.text(101, height, _narrow(bar), va="center", fontsize="small")
        axes.set_yticks(heights, [bar.label for bar in drawn])
        axes.set(xlim=(0, 100), xlabel="%", title=title)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        figure.legend(loc="outside lower center", ncols=len(_SIDES))


def _narrow(bar: Bar) -> str:
    """The shares of a bar that have no room for a number."""
    narrow = {name: share for name, share in bar.shares.items() if 0 < share < _LEGIBLE}
    return ", ".join(f"{name} {share:.1f}" for name, share in narrow.items())


def heat_map(
    path: Path, names: Sequence[str], squares: Sequence[Sequence[Square]], title: str
) -> None:
    """Draws a square table of percentages, 50 white, above it blue and bold, below it red.

    Args:
        path: Of the SVG file.
        names: Of the rows, and of the columns.
        squares: Row by row.
        title: Above the table.

    Raises:
        ModelError: matplotlib is not installed.
        DataError: The file cannot be written.
    """
    k = len(names)
    with canvas(path, (2 + k, 1.2 + 0.8 * k)) as figure:
        axes: Any = figure.subplots()
        values = [[float("nan") if s.value is None else s.value for s in row] for row in squares]
        image = axes.imshow(values, cmap="RdBu", vmin=0, vmax=100, aspect="auto")
        for row, column in product(range(k), range(k)):
            value, below = squares[row][column]
            if value is not None:
                ink = "#fefefe" if abs(value - _EVEN) > 30 else "black"
                height = row - 0.08 if below else row
                weight = "bold" if value > _EVEN else "normal"  # tells both sides apart in grey
                shown = f"{value:.1f}"
                axes.text(column, height, shown, ha="center", va="center", color=ink, weight=weight)
                axes.text(
                    column, row + 0.22, below, ha="center", va="center", color=ink, fontsize=6
                )
        axes.set_xticks(range(k), names, rotation=30, ha="right")
        axes.set_yticks(range(k), names)
        axes.set_title(title)
        figure.colorbar(image, ax=axes)


def _draw(axes: Any, panel: Panel, names: Sequence[str], across: str) -> None:
    for name, points in panel.lines.items():
        colour, marker, _, _ = look(names.index(name))
        x, y = zip(*points, strict=True)
        axes.plot(x, y, color=colour, marker=marker, markersize=4, label=name)
    axes.set_title(panel.title)
    axes.set_xlabel(across)
    axes.xaxis.get_major_locator().set_params(integer=True)
    bare(axes)
