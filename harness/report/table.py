"""A table as data, and its forms: for a terminal, as Markdown, as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rich import box
from rich.table import Table as RichTable
from rich.text import Text


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as they are shown, with a title above and notes below."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    words: int = 1
    """How many columns from the left hold words; the others hold figures."""


def to_rich(table: Table) -> RichTable:
    """The table for a terminal. Cells are plain text: model output cannot style it."""
    shown = RichTable(title=_text(table.title), title_justify="left", box=box.SIMPLE_HEAD)
    for number, column in enumerate(table.columns):
        side: Literal["left", "right"] = "left" if number < table.words else "right"
        shown.add_column(_text(column), justify=side, overflow="fold")
    for row in table.rows:
        shown.add_row(*map(_text, row))
    return shown


def to_markdown(table: Table) -> str:
    """The table as Markdown, aligned, for files and pipes."""
    rows = [list(map(_escape, row)) for row in (table.columns, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_line(row, widths, table.words) for row in rows]
    rule = "|".join(
        "-" * (width + 2) if number < table.words else "-" * (width + 1) + ":"
        for number, width in enumerate(widths)
    )
    body = "\n".join((lines[0], f"|{rule}|", *lines[1:]))
    notes = "\n".join(f"- {_escape(note)}" for note in table.notes)
    return "\n\n".join(filter(None, (f"**{_escape(table.title)}**", body, notes))) + "\n"


def to_data(table: Table) -> list[Mapping[str, str]]:
    """One mapping from column to cell for each row."""
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def _line(cells: Sequence[str], widths: Sequence[int], words: int) -> str:
    padded = [
        cell.ljust(width) if number < words else cell.rjust(width)
        for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return f"| {' | '.join(padded)} |"


def plain(text: str) -> str:
    """The text on one line, with what cannot be seen, and could steer a terminal, spelled out."""
    line = " ".join(text.split())
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def _text(text: str) -> Text:
    return Text(plain(text))


def _escape(text: str) -> str:
    return plain(text).replace("|", "\\|")
