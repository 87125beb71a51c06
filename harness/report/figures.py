"""Figures, drawn to SVG: colours that the colour-blind tell apart, and a marker for each line."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import DataError, ModelError
from harness.files import write_whole

# Okabe and Ito's, without the yellow that white paper swallows.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#000000")
_MARKERS = "osD^vP"
_STYLE = {"svg.fonttype": "none", "svg.hashsalt": "iterbench", "font.size": 9}
"""Text stays text, and the same figure is the same file."""


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
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ModelError(
            "expected matplotlib to draw figures, it is not installed; "
            "pip install 'iterbench[figures]'"
        ) from error
    with rc_context(_STYLE):
        figure = Figure(figsize=(3 * len(drawn), 3), layout="constrained")
        axes: Any = figure.subplots(1, len(drawn), squeeze=False)[0]
        names = list(dict.fromkeys(name for panel in drawn for name in panel.lines))
        for place, panel in zip(axes, drawn, strict=True):
            _draw(place, panel, names, across)
        handles = {h.get_label(): h for place in axes for h in place.get_lines()}
        figure.legend(handles.values(), handles, loc="outside lower center", ncols=len(names))
        content = BytesIO()
        figure.savefig(content, format="svg", metadata={"Date": None})
    try:
        write_whole(path, content.getvalue())
    except OSError as error:
        raise DataError(f"expected to write {path}, but {error.strerror}; make room") from error


def _draw(axes: Any, panel: Panel, names: Sequence[str], across: str) -> None:
    for name, points in panel.lines.items():
        number = names.index(name) % len(_COLOURS)
        x, y = zip(*points, strict=True)
        axes.plot(x, y, color=_COLOURS[number], marker=_MARKERS[number], markersize=4, label=name)
    axes.set_title(panel.title)
    axes.set_xlabel(across)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
