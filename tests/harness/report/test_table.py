"""Tables keep hostile text as text, in every form."""

from io import StringIO

import pytest
from rich.console import Console

from harness.report.table import Table, plain, to_data, to_markdown, to_rich

HOSTILE = {
    "a pipe": "x | y",
    "line ends": "x\ny\r\nz",
    "markup": "[red]x[/red] [/]",
    "colour": "\x1b[31mx",
    "bell and backspace": "x\a\by",
    "C1 control": "x\x9b31my",
    "right to left": "x\u202ey",
    "half a character": "x\ud83dy",
}


def drawn(table: Table) -> str:
    """The table as a terminal shows it, styles and all."""
    console = Console(file=StringIO(), force_terminal=True, width=200)
    console.print(to_rich(table))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def two_columns(cell: str) -> Table:
    return Table("Title", ["name", "n"], [["first", "1"], [cell, "20"]])


def test_markdown_is_aligned_words_to_the_left_and_figures_to_the_right() -> None:
    assert to_markdown(two_columns("a")) == (
        "**Title**\n\n| name  |  n |\n|-------|---:|\n| first |  1 |\n| a     | 20 |\n"
    )


def test_several_columns_may_hold_words() -> None:
    table = Table("T", ["a", "b"], [["x", "y"]], words=2)
    assert "|---|---|" in to_markdown(table)


def test_notes_stand_below_as_a_list() -> None:
    table = Table("T", ["a"], [["x"]], ["first", "second"])
    assert to_markdown(table).endswith("| x |\n\n- first\n- second\n")


def test_a_table_without_rows_shows_its_columns() -> None:
    assert to_markdown(Table("T", ["a", "b"], [])) == "**T**\n\n| a | b |\n|---|--:|\n"


def test_data_are_a_mapping_for_each_row_with_the_cells_as_they_came() -> None:
    assert to_data(two_columns("x | y")) == [
        {"name": "first", "n": "1"},
        {"name": "x | y", "n": "20"},
    ]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_makes_no_more_cells_and_no_more_lines(text: str) -> None:
    markdown = to_markdown(Table(text, [text], [[text]], [text]))
    assert len(markdown.splitlines()) == 7
    assert markdown.splitlines()[4].replace("\\|", "").count("|") == 2


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_sends_nothing_to_the_terminal_but_what_can_be_seen(text: str) -> None:
    markdown = to_markdown(Table(text, [text], [[text]], [text]))
    assert all(line.isprintable() for line in markdown.split("\n"))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_drawn_table_is_styled_by_us_alone(text: str) -> None:
    hostile = drawn(Table(text, [text], [[text]]))
    tame = drawn(Table(plain(text), [plain(text)], [[plain(text)]]))
    assert hostile == tame


def test_markup_in_a_drawn_cell_is_read_as_it_was_written() -> None:
    assert "[red]x[/red] [/]" in drawn(two_columns("[red]x[/red] [/]"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one  two\n three ", "one two three"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\u202eabc", "\\u202eabc"),
        ("\ud83d", "\\ud83d"),
        ("naïve 日本 ≈ 5 %", "naïve 日本 ≈ 5 %"),
    ],
)
def test_what_cannot_be_seen_is_spelled_out(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_figures_are_drawn_to_the_right() -> None:
    assert "first    1" in drawn(two_columns("a"))
