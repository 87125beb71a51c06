"""Measured numbers beside those that papers print."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import registry
from harness.errors import SpecError, UnknownNameError
from harness.published import SCALES, Measure, Printed, PublishedTable, Row, published
from harness.report.reproduction import (
    Compared,
    Measured,
    Other,
    PaperTable,
    Ruling,
    compare,
    gain,
    hindrances,
)
from harness.report.runs import Saved
from harness.types import Benchmark, Card

Source = Callable[[Row, Measure], Measured | None]
"""Where a number of a row is had from that no run measured."""
Placed = Mapping[tuple[str, str], Sequence[Saved]]
"""Saved results by table and row."""


@dataclass(frozen=True, slots=True)
class Beside:
    """Sets what was measured beside what is printed."""

    placed: Placed
    source: Source | None = None

    def compared(self, table: PublishedTable) -> list[Compared]:
        """The ruling on every number of a table.

        Raises:
            SpecError: There are several results for one row.
        """
        return [self._compared(table, one) for one in table.printed]

    def others(self, table: PublishedTable, results: Sequence[Saved]) -> list[Other]:
        """The numbers of checkpoints that are no row of a table, in its columns."""
        known = {
            (one.checkpoint, one.benchmark)
            for (name, _), some in self.placed.items()
            for one in some
            if name == table.name
        }
        return [
            other
            for one in results
            if (one.checkpoint, one.benchmark) not in known
            for other in _others(table, one)
        ]

    def _compared(self, table: PublishedTable, one: Printed) -> Compared:
        measure = table.measured_for(one)
        measured = self._measured(table, one, measure)
        benchmark = benchmark_of(measure.benchmark)
        if benchmark is None:
            return Compared(one, Ruling.NOT_MEASURED)
        row = table.paper.rows.get(one.row, Row())
        weights = {"model": row.model} if row.model else {}
        expected = _expected(benchmark.card, measure) | weights
        return compare(one, measured, expected, benchmark.card.min_coverage)

    def _measured(self, table: PublishedTable, one: Printed, measure: Measure) -> Measured | None:
        over = self._of_row(table, one.row, measure)
        if not one.measure.gain_of or over is None:
            return over
        under = self._of_row(table, one.gain_over, measure)
        return under and gain(over, under)

    def _of_row(self, table: PublishedTable, row: str, measure: Measure) -> Measured | None:
        """Of a run, else of the source."""
        if measure.benchmark is None:
            return None
        saved = _chosen(self.placed.get((table.name, row), []), measure.benchmark, row)
        measured = saved and as_printed(saved, measure, "run")
        if measured or self.source is None:
            return measured
        return self.source(table.paper.rows.get(row, Row()), measure)


def place(
    results: Sequence[Saved], named: Mapping[str, str], tables: Sequence[PublishedTable]
) -> Placed:
    """Whose number each saved result is: by its row's name, or by the model of that row.

    Args:
        results: What was measured.
        named: Rows by checkpoint, where the user says so.
        tables: What is printed.
    """
    placed: dict[tuple[str, str], list[Saved]] = {}
    for one in results:
        for table in tables:
            for row in _rows(table, one, named.get(one.checkpoint, one.checkpoint)):
                placed.setdefault((table.name, row), []).append(one)
    return placed


def papers(results: Sequence[Saved]) -> list[PaperTable]:
    """Every table that prints numbers of the benchmarks of some results, with these beside.

    Of several results on one benchmark, that by the official judge stands there, else the first.
    """
    # Where a run lies has no place in its report, which is the same wherever it is told.
    results = [
        one._replace(origin=Path(one.origin).name) for one in results if not one.is_further_sample
    ]
    labels = {one.benchmark for one in results}
    tables = [part for one in published().tables if (part := one.on(labels)).printed]
    beside = Beside(place(_official(results, "model"), {}, tables))
    return [
        PaperTable(
            table, beside.compared(table), beside.others(table, _official(results, "checkpoint"))
        )
        for table in tables
    ]


def as_printed(saved: Saved, measure: Measure, basis: str) -> Measured | None:
    """A saved score in the printed unit; None where there is none of that metric."""
    score = saved.score(measure.metric)
    if score is None:
        return None
    scale = SCALES.get(measure.unit, 1.0) if score.unit == "fraction" else 1.0
    interval = score.interval if basis == "run" else None
    return Measured(
        None if score.value is None else scale * score.value,
        interval and (scale * interval[0], scale * interval[1]),
        basis,
        f"{saved.origin}: {saved.checkpoint}",
        {**saved.identity, **({"model": saved.model} if basis == "run" else {})},
    )


def benchmark_of(label: str | None) -> Benchmark | None:
    """The benchmark, or None where none of that name is here."""
    try:
        return None if label is None else registry.benchmark(label)
    except UnknownNameError:
        return None


def _expected(card: Card, measure: Measure) -> dict[str, str]:
    facts = {"benchmark": card.label, "judge": card.judge, "prompts": str(card.n_prompts)}
    return facts | dict(measure.expects)


def _others(table: PublishedTable, saved: Saved) -> Iterator[Other]:
    columns = {one.column: one.measure for one in table.printed if not one.measure.gain_of}
    for column, measure in columns.items():
        benchmark = benchmark_of(measure.benchmark)
        measured = as_printed(saved, measure, "run")
        if benchmark is not None and saved.benchmark == measure.benchmark and measured is not None:
            expected, least = _expected(benchmark.card, measure), benchmark.card.min_coverage
            yield Other(saved.checkpoint, column, measured, hindrances(measured, expected, least))


def _official(results: Sequence[Saved], of: str) -> list[Saved]:
    """One result of each checkpoint, or model, on each benchmark."""
    found: dict[tuple[str, str], Saved] = {}
    for one in sorted(results, key=lambda r: r.judge != registry.benchmark(r.benchmark).card.judge):
        found.setdefault((getattr(one, of), one.benchmark), one)
    return [one for one in results if any(one is kept for kept in found.values())]


def _chosen(found: Sequence[Saved], label: str, row: str) -> Saved | None:
    """The result on that benchmark, else on another version of it.

    Raises:
        SpecError: There are several.
    """
    name = label.partition("@")[0]
    fitting = [one for one in found if one.benchmark == label] or [
        one for one in found if one.benchmark.partition("@")[0] == name
    ]
    if len(fitting) > 1:
        came = ", ".join(f"'{one.checkpoint}' in {one.origin}" for one in fitting)
        raise SpecError(f"expected one result on {label} for the row '{row}', came {came}")
    return next(iter(fitting), None)


def _rows(table: PublishedTable, one: Saved, named: str) -> list[str]:
    """The rows of a table that a saved result is of: by name, or by the model of that name."""
    known = table.paper.rows
    model = known.get(named, Row()).model or one.model
    return [row for row in table.rows if row == named or known.get(row, Row()).model == model]
