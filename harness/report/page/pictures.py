"""Figures of ours, put into a page: rebuilt element by element, in the colours of the page.

Only what matplotlib draws with is taken over. Styles become attributes, since the page's policy
allows no style inside an element, and ids are made the figure's own.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

from harness.errors import DataError
from harness.report.canvas import INK
from harness.report.page.markup import Content, Markup, tagged

_ELEMENTS = frozenset({"svg", "g", "path", "rect", "circle", "line", "text", "tspan", "use"}) | {
    "defs",
    "clipPath",
    "image",
    "title",
}
_ATTRIBUTES = frozenset({"d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r"}) | {
    *("width", "height", "transform", "viewBox", "id", "href", "clip-path", "preserveAspectRatio"),
    *("fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity", "opacity"),
    *("stroke-linejoin", "stroke-linecap", "stroke-dasharray", "stroke-dashoffset"),
    *("stroke-miterlimit", "font-size", "font-style", "font-weight", "text-anchor"),
}
_SIZE = re.compile(r"(?:^|\s)([\d.]+)px")
_LOCAL = re.compile(r"url\(#([^)\s]+)\)")
_PICTURE = "data:image/png;base64,"


def picture(path: Path, title: str, number: int) -> Markup:
    """The figure in a file of ours, to be put into a page.

    Args:
        path: An SVG file that `canvas` wrote.
        title: What it is called where it cannot be seen.
        number: Of the figure; no two in a page have the same.

    Raises:
        DataError: It cannot be read.
    """
    try:
        root = ET.fromstring(path.read_bytes())  # noqa: S314  # written by us
    except (OSError, ET.ParseError) as error:
        raise DataError(f"expected a figure in {path}, but {error}; draw it again") from error
    built = _built(root, f"f{number}-")
    return Markup("") if built is None else _named(built, title)


def _named(built: Markup, title: str) -> Markup:
    start, rest = built.html.split(">", 1)
    label = tagged("svg", {"role": "img", "aria-label": title}).html.split(">", 1)[0]
    return Markup(f"{start}{label.removeprefix('<svg')}>{rest}")


def _built(node: ET.Element, prefix: str) -> Markup | None:
    name = _plain(node.tag)
    if name not in _ELEMENTS or _is_paper(node):
        return None
    return tagged(name, dict(_attributes(node, prefix)), *_content(node, prefix))


def _content(node: ET.Element, prefix: str) -> Iterator[Content]:
    if node.text and node.text.strip():
        yield node.text
    for child in node:
        built = _built(child, prefix)
        if built is not None:
            yield built


def _attributes(node: ET.Element, prefix: str) -> Iterator[tuple[str, str]]:
    size = _plain(node.tag) == "svg"
    for key, value in (*_styles(node.get("style", "")), *node.items()):
        name = _plain(key)
        if name not in _ATTRIBUTES or (size and name in {"width", "height"}):
            continue
        shown = _value(name, value, prefix)
        if shown is not None:
            yield name, shown


def _styles(style: str) -> Iterator[tuple[str, str]]:
    for declaration in style.split(";"):
        name, _, value = declaration.partition(":")
        if name.strip() == "font":
            size = _SIZE.search(value)
            yield "font-size", size[1] if size else "9"
        elif value:
            yield name.strip(), value.strip()


def _value(name: str, value: str, prefix: str) -> str | None:
    if name == "id":
        return prefix + value
    if name == "href":
        inside = value.startswith(_PICTURE)
        return f"#{prefix}{value[1:]}" if value.startswith("#") else value if inside else None
    if "url(" in value:
        local = _LOCAL.fullmatch(value)
        return f"url(#{prefix}{local[1]})" if local else None
    return "currentColor" if value == INK else value


def _is_paper(node: ET.Element) -> bool:
    """The white below a figure: the page has a colour of its own."""
    return node.get("style", "").startswith("fill: #ffffff") and _plain(node.tag) == "path"


def _plain(name: str) -> str:
    return name.rpartition("}")[2]
