"""Tables of a page: cells that know by what they are sorted."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from harness.report.page.markup import Content, Markup, element, joined, tagged
from harness.report.table import Table

_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?")


class Column(NamedTuple):
    """The head of a column."""

    title: str
    below: str = ""
    """What stands below it, small."""
    words: bool = False
    """Whether it holds words; else figures."""


class Cell(NamedTuple):
    """One cell."""

    shown: Content
    order: float | None = None
    """By what it is sorted; None is by its words, and behind all figures."""
    kind: str = ""
    """Class for the style, of our own words."""
    told: str = ""
    """What is shown when a pointer rests on it."""


def table(caption: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> Markup:
    """A table whose columns sort when their heads are pressed; the first cell names its row."""
    heads = [_head(column) for column in columns]
    body = [element("tr", *map(_cell, row, columns, range(len(row)))) for row in rows]
    whole = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *heads)),
        element("tbody", *body),
        class_="sortable",
    )
    # It scrolls by itself where it is too wide, by keyboard too.
    return element("div", whole, class_="wide", tabindex="0", role="region", aria_label=caption)


def tables(told: Sequence[Table]) -> Markup:
    """Tables that are told in words and figures, each with its notes in a list that opens."""
    return joined(*(part for one in told for part in (_told(one), _notes(one))))


def _told(one: Table) -> Markup:
    columns = [Column(name, words=place < one.words) for place, name in enumerate(one.columns)]
    rows = [
        [
            Cell(text, None if column.words else _leading(text))
            for text, column in zip(row, columns, strict=True)
        ]
        for row in one.rows
    ]
    return table(one.title, columns, rows)


def _notes(one: Table) -> Markup:
    if not one.notes:
        return joined()
    return element("details", element("summary", "Notes"), bullets([*one.notes]))


def _leading(text: str) -> float | None:
    """The number that a cell begins with, if it does."""
    found = _NUMBER.match(text)
    return float(found[0]) if found else None


def facts(pairs: Sequence[tuple[str, str]]) -> Markup:
    """A list of names with what they are."""
    rows = [joined(element("dt", name), element("dd", said)) for name, said in pairs]
    return element("dl", *rows)


def bullets(lines: Sequence[Content], **attributes: str) -> Markup:
    """A list."""
    return element("ul", *(element("li", line) for line in lines), **attributes)


def small(text: str) -> Markup:
    """Text that matters less."""
    return element("small", text)


def _head(column: Column) -> Markup:
    below = [small(column.below)] if column.below else []
    button = element("button", column.title, *below, type="button")
    kind = {"class": "words"} if column.words else {}
    return tagged("th", {"scope": "col", "aria-sort": "none", **kind}, button)


def _cell(cell: Cell, column: Column, place: int) -> Markup:
    classes = " ".join(filter(None, ("words" if column.words else "", cell.kind)))
    attributes = {
        "class": classes,
        "data-order": "" if cell.order is None else _order(cell.order),
        "title": cell.told,
        "scope": "" if place else "row",
    }
    filled = {key: value for key, value in attributes.items() if value}
    return tagged("td" if place else "th", filled, cell.shown)


def _order(value: float) -> str:
    """A number as the page's script reads it."""
    return repr(float(value)).replace("inf", "Infinity")
