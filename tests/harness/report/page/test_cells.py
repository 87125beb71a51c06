"""Values as cells: what is shown, by what it is sorted, what is told of it."""

import pytest

from harness.report.page import cells
from harness.report.page.markup import Markup
from harness.report.page.tables import Cell, Column, table
from harness.stats.paired import Difference
from tests.records import score


def html(cell: Cell) -> str:
    return cell.shown.html if isinstance(cell.shown, Markup) else cell.shown


def test_a_score_shows_its_interval_and_tells_the_rest() -> None:
    one = score(0.285, interval=(0.25, 0.32), standard_error=0.018, n_unread=3, bounds=(0.27, 0.3))
    cell = cells.score(one, best=True)
    assert html(cell) == "28.50*<small>[25.00, 32.00]</small>"
    assert (cell.order, cell.kind) == (0.285, "best")
    assert cell.told == (
        "100 read, 3 unread; standard error 1.80; within [27.00, 30.00] had all been read"
    )


def test_a_withheld_score_says_so_and_is_sorted_behind_figures() -> None:
    cell = cells.score(score(None, bounds=(0.1, 0.9)))
    assert html(cell) == "withheld [10.00, 90.00]"
    assert (cell.order, cell.kind) == (None, "withheld")


def test_doubts_are_told() -> None:
    assert cells.score(score(0.5, doubts=("all alike",))).told.endswith("; all alike")


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.051, "fraction", "+5.10"),
        (-0.051, "fraction", "−5.10"),
        (0.000001, "fraction", "0.00"),
        (-0.35, "rating", "−0.35"),
        (412.0, "characters", "+412"),
    ],
)
def test_a_difference_has_a_sign_unless_it_shows_as_nothing(
    value: float, unit: str, shown: str
) -> None:
    assert cells.signed(value, unit) == shown


def test_a_difference_shows_both_ends() -> None:
    cell = cells.difference(Difference(0.05, (-0.01, 0.11), 0.03, 0.0123, 805), "fraction")
    assert html(cell) == "+5.00<small>[−1.00, +11.00]</small>"
    assert cell.told == "p 0.0123 before Holm, 805 prompts of both"


def test_a_difference_without_an_interval_stands_alone() -> None:
    assert html(cells.difference(Difference(0.05, None, None, 1.0, 1), "fraction")) == "+5.00"


@pytest.mark.parametrize(("p", "shown"), [(0.0412, "0.041"), (0.0004, "< 0.001"), (1.0, "1.000")])
def test_a_small_p_value_is_not_shown_as_none(p: float, shown: str) -> None:
    assert html(cells.p_value(p)) == shown


def test_a_ruling_is_a_word_and_a_mark_beside_its_colour() -> None:
    assert cells.ruling("worse") == Cell("▼ worse", -1.0, "worse")


def test_what_is_not_known_is_empty() -> None:
    assert html(cells.number(None)) == html(cells.words(None)) == html(cells.error(score())) == ""
    assert html(cells.bounds(score())) == ""


def test_bounds_are_shown_where_there_are_some() -> None:
    assert html(cells.bounds(score(bounds=(0.4, 0.6)))) == "[40.00, 60.00]"


def test_a_table_names_its_rows_sorts_by_order_and_scrolls_by_keyboard() -> None:
    columns = [Column("who", words=True), Column("Elo", "points")]
    made = table("<all>", columns, [[Cell("a"), Cell("won", float("inf"), "best", "told")]]).html
    assert '<th class="words" scope="row">a</th>' in made
    assert '<td class="best" data-order="Infinity" title="told">won</td>' in made
    assert '<th scope="col" aria-sort="none"><button type="button">Elo<small>points' in made
    assert 'tabindex="0" role="region" aria-label="&lt;all&gt;"' in made
