"""Published numbers beside measured ones, with a ruling on each: the same, other, or no match."""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum
from math import hypot
from typing import Any, NamedTuple

from harness.published import Printed, PublishedTable
from harness.report.table import Table

FORMAT = "iterbench.reproduction/1"


class Ruling(Enum):
    """What is said of a published number."""

    MATCH = "MATCH"
    DIFFERS = "DIFFERS"
    NOT_COMPARABLE = "NOT COMPARABLE"
    NOT_MEASURED = "NOT MEASURED"


class Measured(NamedTuple):
    """A number measured for a published one, in the printed unit."""

    value: float | None
    """None is withheld."""
    interval: tuple[float, float] | None
    """95 %; None where the number was made of the very judgments that were published."""
    basis: str
    """"run", "judgments" or "leaderboard"."""
    origin: str
    """Which run, or which official file."""
    identity: Mapping[str, str] = {}
    """What decided it; empty for a leaderboard."""


class Compared(NamedTuple):
    """A published number with what was measured for it."""

    printed: Printed
    ruling: Ruling
    reasons: Sequence[str] = ()
    """Ingredients that differ, and why there is no comparison."""
    measured: Measured | None = None


class Other(NamedTuple):
    """A checkpoint that is no row of a table, in one of its columns."""

    checkpoint: str
    column: str
    measured: Measured
    reasons: Sequence[str]
    """Why it is not comparable with what is printed there; empty where it is."""


class PaperTable(NamedTuple):
    """A table of a paper with what was measured."""

    table: PublishedTable
    compared: Sequence[Compared]
    others: Sequence[Other] = ()


_DECISIVE = ("benchmark", "judge", "prompts", "baseline", "model template")
"""Where one of these differs, numbers are not of the same thing; others explain a difference."""


def compare(
    printed: Printed, measured: Measured | None, expected: Mapping[str, str], coverage: float
) -> Compared:
    """The ruling on one number.

    Numbers of a run match where its interval, widened by the printed rounding, holds the printed
    one; those of published judgments and leaderboards, where they round to it.

    Args:
        printed: The published number.
        measured: What there is to compare it with.
        expected: Entries of the identity that the published number rests on.
        coverage: The least share of the prompts that stands for all of them.
    """
    if measured is None:
        return Compared(printed, Ruling.NOT_MEASURED)
    reasons = [f"{key}: {what}" for key, what in _differing(measured, expected, coverage).items()]
    if measured.value is None or hindrances(measured, expected, coverage):
        withheld = ["its score is withheld"] if measured.value is None else []
        return Compared(printed, Ruling.NOT_COMPARABLE, [*withheld, *reasons], measured)
    if _agrees(printed, measured, measured.value):
        return Compared(printed, Ruling.MATCH, reasons, measured)
    if not reasons:
        reasons = [_UNEXPLAINED[measured.basis]]
    return Compared(printed, Ruling.DIFFERS, reasons, measured)


def hindrances(measured: Measured, expected: Mapping[str, str], coverage: float) -> list[str]:
    """Why a number is not of the same thing as those that rest on what is expected."""
    differing = _differing(measured, expected, coverage)
    return [f"{key}: {what}" for key, what in differing.items() if key in _DECISIVE]


_UNEXPLAINED = {
    "run": "no recorded ingredient differs: weights, chat template, decoding or chance",
    "judgments": "the published judgments give another number",
    "leaderboard": "the leaderboard has another number",
}


def gain(over: Measured, under: Measured) -> Measured:
    """The difference between two measured numbers, their intervals taken as independent."""
    value = None
    if over.value is not None and under.value is not None:
        value = over.value - under.value
    interval = None
    if value is not None and over.interval and under.interval:
        half = hypot(_half(over.interval), _half(under.interval))
        interval = (value - half, value + half)
    return over._replace(value=value, interval=interval)


def reproduction_table(one: PaperTable) -> Table:
    """Every row of a published table with what was measured beside it, then other checkpoints."""
    table, compared, others = one
    cells = {(one.printed.row, one.printed.column): one for one in compared}
    columns = [part for name in table.columns for part in (f"{name}, printed", "measured")]
    rows = [
        [row, *(part for name in table.columns for part in _shown(cells.get((row, name))))]
        for row in table.rows
    ]
    rows += _other_rows(table, others)
    title = f"{table.name}: {table.title} ({table.source})"
    notes = [*_reasons(compared), *_hindered(others), *table.notes]
    return Table(title, ["row", *columns], rows, notes)


def counts_table(tables: Sequence[PaperTable]) -> Table:
    """How many numbers of each table match."""
    rows = []
    for table, compared, _ in tables:
        counted = Counter(one.ruling for one in compared)
        figures = [str(counted[ruling]) for ruling in Ruling]
        rows.append([table.name, table.title, str(len(compared)), *figures])
    columns = ["table", "what", "numbers", *(ruling.value for ruling in Ruling)]
    notes = ["run_eval.py reproduce PAPER, or PAPER:TABLE, shows the numbers"]
    return Table("Published tables", columns, rows, notes, words=2)


def reproduction_data(one: PaperTable) -> dict[str, Any]:
    """The same as data, numbers in the printed unit."""
    table, compared, others = one
    return {
        "table": table.name,
        "title": table.title,
        "arxiv": table.paper.arxiv,
        "source": table.source,
        "notes": list(table.notes),
        "numbers": [_data(one) for one in compared],
        "others": [
            {**other._asdict(), "reasons": [*other.reasons], "measured": _measured(other.measured)}
            for other in others
        ],
    }


def _agrees(printed: Printed, measured: Measured, value: float) -> bool:
    low, high = measured.interval or (value, value)
    slack = printed.rounding + 1e-9  # a number halfway between two printed ones agrees with both
    if measured.basis != "leaderboard":
        slack += printed.measure.tolerance
    return min(low, value) - slack <= printed.value <= max(high, value) + slack


def _differing(measured: Measured, expected: Mapping[str, str], coverage: float) -> dict[str, str]:
    """What differs from what is expected, by ingredient; what is not recorded does not."""
    return {
        key: f"{measured.identity[key]} instead of {wanted}"
        for key, wanted in expected.items()
        if key in measured.identity and not _same(key, measured.identity[key], wanted, coverage)
    }


def _same(key: str, came: str, wanted: str, coverage: float) -> bool:
    if key == "prompts" and came.isdecimal():
        return int(came) >= coverage * int(wanted)
    return came == wanted


def _half(interval: tuple[float, float]) -> float:
    return (interval[1] - interval[0]) / 2


def _shown(one: Compared | None) -> tuple[str, str]:
    if one is None:
        return "", ""
    measured = one.measured
    if measured is None or measured.value is None:
        return one.printed.text, one.ruling.value
    return one.printed.text, f"{_figure(measured, one.printed.decimals)} {one.ruling.value}"


def _figure(measured: Measured, decimals: int) -> str:
    if measured.value is None:
        return "withheld"
    figure = f"{measured.value:.{decimals}f}"
    if measured.interval:
        low, high = measured.interval
        figure += f" [{low:.{decimals}f}, {high:.{decimals}f}]"
    return figure


def _other_rows(table: PublishedTable, others: Sequence[Other]) -> list[list[str]]:
    decimals = {one.column: one.decimals for one in table.printed}
    cells = {
        (one.checkpoint, one.column): _figure(one.measured, decimals[one.column])
        + (f" {Ruling.NOT_COMPARABLE.value}" if one.reasons else "")
        for one in others
    }
    return [
        [name, *(part for column in table.columns for part in ("", cells.get((name, column), "")))]
        for name in dict.fromkeys(one.checkpoint for one in others)
    ]


def _hindered(others: Sequence[Other]) -> list[str]:
    """Why other checkpoints are not comparable with what is printed, each reason once."""
    where: dict[str, list[str]] = {}
    for one in others:
        for reason in one.reasons:
            where.setdefault(reason, []).append(one.checkpoint)
    said = f"{Ruling.NOT_COMPARABLE.value} with what is printed"
    return [f"{said}, {reason}: {_listed(names)}" for reason, names in where.items()]


def _reasons(compared: Sequence[Compared]) -> list[str]:
    """Each reason once, with the numbers that it is given for."""
    where: dict[str, list[str]] = {}
    for one in compared:
        if one.measured is not None:
            basis = f"measured by {one.measured.basis}"
            where.setdefault(basis, []).append(one.printed.row)
        for reason in one.reasons:
            told = f"{one.ruling.value}, {reason}"
            where.setdefault(told, []).append(f"{one.printed.row} ({one.printed.column})")
    notes = [f"{reason}: {_listed(rows)}" for reason, rows in where.items()]
    return notes + [
        f"{column}: {note}"
        for column, note in dict.fromkeys(
            (one.printed.column, one.printed.measure.note) for one in compared if one.measured
        )
        if note
    ]


def _listed(rows: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(rows))


def _data(one: Compared) -> dict[str, Any]:
    printed, measured = one.printed, one.measured
    return {
        "row": printed.row,
        "column": printed.column,
        "printed": printed.text,
        "unit": printed.measure.unit,
        "benchmark": printed.measure.benchmark,
        "metric": printed.measure.metric,
        "ruling": one.ruling.value,
        "reasons": list(one.reasons),
        "measured": measured and _measured(measured),
    }


def _measured(measured: Measured) -> dict[str, Any]:
    return {**measured._asdict(), "identity": dict(measured.identity)}
