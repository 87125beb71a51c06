"""What every figure is drawn on: the same file each time, told apart without colour."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote
from warnings import catch_warnings, filterwarnings

from harness.errors import DataError, ModelError
from harness.files import write_whole

INK = "#1a1a1a"
"""Of text and axes, which a dark page may turn light; what stands on a colour stays black."""

# Okabe and Ito's, without the yellow that white paper swallows and the black that a dark page does.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#7A7A7A")
_MARKERS = "osD^vP"
_DASHES: Sequence[Any] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)), (0, (9, 3)))
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "iterbench",
    "font.size": 9,
    "text.parse_math": False,
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor"), INK),
    **dict.fromkeys(("xtick.color", "ytick.color", "axes.titlecolor"), INK),
}
"""Text stays text, dollars and all, and the same figure is the same file."""

_TIP = "tip.{}"
"""Of an artist: `canvas` makes a title of it. Quoted, there is nothing in it to escape."""
_TIPS = re.compile(r'<g id="tip\.([^"]*)">')


class Look(NamedTuple):
    """How a line and its points look: no two of the first twelve alike, in grey neither."""

    color: str
    marker: str
    linestyle: Any
    face: str
    """Of its points; the second half dozen is hollow."""


def look(number: int) -> Look:
    """The look of the line with this number, from 0."""
    n = number % len(_COLOURS)
    dash = (number + number // len(_COLOURS)) % len(_DASHES)
    face = _COLOURS[n] if number // len(_COLOURS) % 2 == 0 else "none"
    return Look(_COLOURS[n], _MARKERS[n], _DASHES[dash], face)


@contextmanager
def canvas(path: Path, inches: tuple[float, float]) -> Iterator[Any]:
    """A figure to draw on, which is written as SVG when the context ends.

    Args:
        path: Of the SVG file.
        inches: Width and height.

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
        figure = Figure(figsize=inches, layout="constrained")
        yield figure
        content = BytesIO()
        with catch_warnings():
            # Text is written as text: whoever shows it may have the letters that are missing here.
            filterwarnings("ignore", "Glyph .* missing from font")
            filterwarnings("ignore", "Matplotlib currently does not support .* natively")
            figure.savefig(content, format="svg", metadata={"Date": None})
        drawn = _TIPS.sub(_titled, content.getvalue().decode())
    try:
        write_whole(path, drawn.encode())
    except OSError as error:
        raise DataError(f"expected to write {path}, but {error.strerror}; make room") from error


def tip(artist: Any, text: str) -> None:
    """Says what is shown when a pointer rests on the artist."""
    artist.set_gid(_TIP.format(quote(text)))


def _titled(found: re.Match[str]) -> str:
    return f"<g><title>{escape(unquote(found[1]))}</title>"


def bare(axes: Any) -> None:
    """Takes away the lines above and on the right, and adds a faint grid."""
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def legend(figure: Any, axes: Sequence[Any]) -> None:
    """One legend below all axes, each label once, as wide as the figure allows."""
    handles: dict[str, Any] = {}
    for place in axes:
        for handle, label in zip(*place.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    if handles:
        needed = _HANDLE + _LETTER * max(map(len, handles))
        ncols = max(1, min(len(handles), int(figure.get_figwidth() / needed)))
        figure.legend(handles.values(), handles, loc="outside lower center", ncols=ncols)


_HANDLE, _LETTER = 0.65, 0.085
"""Inches that a legend needs for the sample of a line and for each letter beside it."""
