"""How values stand in the cells of a page."""

from harness.report.page.markup import Content, joined
from harness.report.page.tables import Cell, small
from harness.report.scores import cell, shown_range, shown_value
from harness.report.story import Ruling, Track
from harness.stats.paired import Difference
from harness.types import Score

_MARKS: dict[Ruling, str] = {"better": "▲ better", "worse": "▼ worse", "undecided": "– undecided"}


def words(text: str | None) -> Cell:
    """A cell of words, empty where there are none."""
    return Cell(text or "")


def number(value: float | None, shown: str | None = None) -> Cell:
    """A cell with a number, as it is or as it is shown."""
    return Cell("" if value is None else shown or f"{value:g}", value)


def score(one: Score, *marks: Content, best: bool = False) -> Cell:
    """A score with its interval below; a pointer that rests there shows what else is known."""
    if one.value is None:
        return Cell(joined(cell(one), *marks), None, "withheld", _told(one))
    value = cell(one).split(" ", 1)[0]
    interval = [small(shown_range(one.interval, one.unit))] if one.interval else []
    return Cell(joined(value, *marks, *interval), one.value, "best" if best else "", _told(one))


def difference(one: Difference, unit: str) -> Cell:
    """A difference with its interval below."""
    ends = one.interval and f" [{signed(one.interval[0], unit)}, {signed(one.interval[1], unit)}]"
    interval = [small(ends)] if ends else []
    told = f"p {one.p_value:.4g} before Holm, {one.n} prompts of both"
    return Cell(joined(signed(one.value, unit), *interval), one.value, told=told)


def ruling(one: Ruling) -> Cell:
    """A ruling by its mark, its word and its colour."""
    return Cell(_MARKS[one], {"worse": -1.0, "undecided": 0.0, "better": 1.0}[one], one)


def percent(value: float) -> Cell:
    """A fraction."""
    return number(value, f"{100 * value:.1f}")


def p_value(p: float) -> Cell:
    """A p-value to three digits."""
    return Cell(f"{p:.3f}" if p >= 0.001 else "< 0.001", p)


def error(one: Score) -> Cell:
    """The standard error of a score."""
    value = one.standard_error
    return number(value, None if value is None else shown_value(value, one.unit))


def bounds(one: Score) -> Cell:
    """What a score would be if all unread verdicts went against it, or for it."""
    return Cell(shown_range(one.bounds, one.unit).strip(), one.bounds[0] if one.bounds else None)


def signed(value: float, unit: str) -> str:
    """A difference with its sign, fractions in percentage points."""
    shown = shown_value(abs(value), unit)
    return shown if not float(shown) else f"{'+' if value > 0 else '−'}{shown}"


def _told(one: Score) -> str:
    parts = [f"{one.n} read, {one.n_unread} unread"]
    if one.standard_error is not None:
        parts.append(f"standard error {shown_value(one.standard_error, one.unit)}")
    if one.bounds is not None:
        parts.append(f"within{shown_range(one.bounds, one.unit)} had all been read")
    return "; ".join([*parts, *one.doubts])


def label(track: Track) -> str:
    """A track as it is called in a line."""
    return f"{track.title}, {track.judge}"
