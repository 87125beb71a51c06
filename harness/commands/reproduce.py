"""`reproduce`: the papers' tables, published numbers beside measured ones."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from harness import registry
from harness.assets import Library
from harness.commands.setting import Setting
from harness.errors import SpecError, UnknownNameError
from harness.pipeline import benchmark_identity, withhold
from harness.price_list import retires
from harness.published import (
    SCALES,
    Board,
    Measure,
    Printed,
    Published,
    PublishedTable,
    Row,
    published,
)
from harness.report.latex import latex
from harness.report.reproduction import (
    FORMAT,
    Compared,
    Measured,
    Ruling,
    compare,
    counts_table,
    gain,
    reproduction_data,
    reproduction_table,
)
from harness.report.runs import Saved, find_runs
from harness.report.save import write_text
from harness.report.table import Table
from harness.rows import parse_rows
from harness.types import Benchmark
from harness.yaml_file import nearest, read_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproduceRequest:
    """What the user asked for."""

    name: str | None = None
    """PAPER or PAPER:TABLE; None lists all tables."""
    runs: Sequence[Path] = ()
    """Runs, or folders of runs."""
    named: Sequence[str] = ()
    """`CHECKPOINT=ROW`, or a YAML file of such pairs."""
    pull: bool = False
    """Whether published judgments that are not here are downloaded."""
    latex: Path | None = None


def reproduce(request: ReproduceRequest, setting: Setting) -> list[Table]:
    """Prints the tables, or how many of their numbers match.

    Raises:
        HarnessError: A name is unknown, a run cannot be read, or a download fails.
    """
    book = published()
    tables = book.named(request.name)
    bench = _Bench(book, setting.library(), request.pull)
    runs = [one for path in request.runs for run in find_runs(path) for one in run.results]
    placed = _placed(runs, _pairs(request.named), tables)
    compared = [(table, bench.compared(table, placed)) for table in tables]
    if request.name is None:
        shown = [counts_table(compared)]
    else:
        shown = [_with_retired(reproduction_table(*one), one[1]) for one in compared]
    shown = [*shown[:-1], _noted(shown[-1], [*bench.absent(tables), *book.notes(request.name)])]
    setting.show(shown)
    if request.latex is not None:
        write_text(request.latex, latex(shown))
    setting.keep({"format": FORMAT, "tables": [reproduction_data(*one) for one in compared]})
    return shown


@dataclass(frozen=True)
class _Bench:
    """Where published numbers are measured again."""

    book: Published
    library: Library
    pull: bool
    _rescored: dict[tuple[str, str], "Saved | None"] = field(default_factory=dict)

    def compared(self, table: PublishedTable, placed: "_Placed") -> list[Compared]:
        """The ruling on every number of a table."""
        return [self._compared(table, one, placed) for one in table.printed]

    def absent(self, tables: Sequence[PublishedTable]) -> list[str]:
        """What to do about published judgments of the tables that are not here."""
        named = {
            name
            for table in tables
            for row in table.rows
            for name in table.paper.rows.get(row, Row()).judgments.values()
        }
        absent = sum(not self.library.has(name) for name in named)
        told = f"{absent} files of published judgments are not here: --pull downloads them"
        return [told] if absent else []

    def _compared(self, table: PublishedTable, one: Printed, placed: "_Placed") -> Compared:
        measure = self._measure(table, one)
        measured = self._measured(table, one, placed)
        benchmark = _benchmark(measure.benchmark)
        if benchmark is None:
            return Compared(one, Ruling.NOT_MEASURED)
        card = benchmark.card
        expected = {"benchmark": card.label, "judge": card.judge, "prompts": str(card.n_prompts)}
        row = table.paper.rows.get(one.row, Row())
        weights = {"model": row.model} if row.model else {}
        return compare(one, measured, expected | weights | dict(measure.expects), card.min_coverage)

    def _measure(self, table: PublishedTable, one: Printed) -> Measure:
        """What is measured for a number: of a gain, what it is a gain of."""
        if not one.measure.gain_of:
            return one.measure
        return next(o.measure for o in table.printed if o.column == one.measure.gain_of)

    def _measured(self, table: PublishedTable, one: Printed, placed: "_Placed") -> Measured | None:
        measure = self._measure(table, one)
        over = self._of_row(table, one.row, measure, placed)
        if not one.measure.gain_of or over is None:
            return over
        under = self._of_row(table, one.gain_over, measure, placed)
        return under and gain(over, under)

    def _of_row(
        self, table: PublishedTable, row: str, measure: Measure, placed: "_Placed"
    ) -> Measured | None:
        """Of a run, else of published judgments, else of a leaderboard."""
        if measure.benchmark is None:
            return None
        known = table.paper.rows.get(row, Row())
        saved = _chosen(placed.get((table.name, row), []), measure.benchmark, row)
        of_run = saved and _of(saved, measure, "run")
        return of_run or self._of_judgments(known, measure) or self._of_board(known, measure)

    def _of_judgments(self, row: Row, measure: Measure) -> Measured | None:
        name, label = row.judgments.get(measure.benchmark or ""), measure.benchmark
        if name is None or label is None:
            return None
        if (label, name) not in self._rescored:
            self._rescored[label, name] = self._rescore(label, name)
        saved = self._rescored[label, name]
        return saved and _of(saved, measure, "judgments")

    def _rescore(self, label: str, name: str) -> "Saved | None":
        benchmark = _benchmark(label)
        if benchmark is None or not (self.pull or self.library.has(name)):
            return None
        rows = parse_rows(self.library.read(name), name)
        model, judge, scores, items = benchmark.files.rescore(rows, self.library)
        facts = {"judge": judge, "prompts": str(len(rows))}
        identity = benchmark_identity(benchmark, self.library) | facts
        kept = [withhold(benchmark.card, score) for score in scores]
        return Saved(model, label, model, judge, identity, kept, items, name)

    def _of_board(self, row: Row, measure: Measure) -> Measured | None:
        label = measure.benchmark or ""
        board, listed = self.book.boards.get(label), row.boards.get(label)
        column = board.metrics.get(measure.metric) if board else None
        if board is None or listed is None or column is None:
            return None
        if not (self.pull or self.library.has(board.asset)):
            return None
        return _listed(self.library.read(board.asset), board, listed, column)


def _listed(content: bytes, board: Board, listed: str, column: str) -> Measured | None:
    for row in csv.DictReader(io.StringIO(content.decode())):
        if row[board.name] == listed and row[column]:
            return Measured(float(row[column]), None, "leaderboard", f"{board.asset}: {listed}")
    return None


def _of(saved: Saved, measure: Measure, basis: str) -> Measured | None:
    """A saved score in the printed unit."""
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


@cache
def _benchmark(label: str | None) -> Benchmark | None:
    """The benchmark, or None where none of that name is here."""
    try:
        return None if label is None else registry.benchmark(label)
    except UnknownNameError:
        return None


_Placed = Mapping[tuple[str, str], list[Saved]]
"""Saved results by table and row."""


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


def _placed(
    runs: Sequence[Saved], pairs: Mapping[str, str], tables: Sequence[PublishedTable]
) -> _Placed:
    """Whose number each saved result is.

    Raises:
        SpecError: A named checkpoint or row is none, or a row's name fits several.
    """
    checkpoints = list(dict.fromkeys(one.checkpoint for one in runs))
    for name, row in pairs.items():
        if name not in checkpoints:
            raise SpecError(
                f"expected a checkpoint of the runs for '{name}={row}', there is no '{name}'"
                f"{nearest(name, checkpoints)}; known: {', '.join(checkpoints) or 'none'}"
            )
    pairs = {name: _row_named(row, tables) for name, row in pairs.items()}
    placed: dict[tuple[str, str], list[Saved]] = {}
    for one in runs:
        named = pairs.get(one.checkpoint, one.checkpoint)
        for table in tables:
            for row in _rows(table, one, named):
                placed.setdefault((table.name, row), []).append(one)
    return placed


def _rows(table: PublishedTable, one: Saved, named: str) -> list[str]:
    """The rows of a table that a saved result is of: by name, or by the model of that name."""
    known = table.paper.rows
    model = known.get(named, Row()).model or one.model
    return [row for row in table.rows if row == named or known.get(row, Row()).model == model]


def _row_named(name: str, tables: Sequence[PublishedTable]) -> str:
    """The row of that name, or the only one whose name holds it.

    Raises:
        SpecError: There is none, or there are several.
    """
    rows = list(dict.fromkeys(row for table in tables for row in table.rows))
    fitting = [name] if name in rows else [r for r in rows if name.casefold() in r.casefold()]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise SpecError(
            f"expected the name of one row, '{name}' fits {len(fitting)}: {', '.join(fitting)}"
        )
    raise SpecError(
        f"expected a row of the published tables, there is no '{name}'{nearest(name, rows)}"
    )


def _pairs(named: Iterable[str]) -> dict[str, str]:
    """Rows by checkpoint.

    Raises:
        SpecError: Something is no pair.
    """
    pairs: dict[str, str] = {}
    for one in named:
        checkpoint, equals, row = one.partition("=")
        if equals and checkpoint and row:
            pairs[checkpoint.strip()] = row.strip()
        else:
            pairs |= _read_pairs(Path(one))
    return pairs


def _read_pairs(path: Path) -> dict[str, str]:
    if path.suffix not in {".yaml", ".yml"}:
        raise SpecError(
            f"expected CHECKPOINT=ROW or a YAML file of such pairs after --as, came '{path}'"
        )
    return read_yaml(path).pairs()


def _with_retired(table: Table, compared: Sequence[Compared]) -> Table:
    """The table with a note on official judges that cannot be asked for ever."""
    open_numbers = (one for one in compared if one.ruling is not Ruling.MATCH)
    judges = dict.fromkeys(
        benchmark.card.judge
        for one in open_numbers
        if (benchmark := _benchmark(one.printed.measure.benchmark)) is not None
    )
    return _noted(table, [line for judge in judges for line in _retired(judge)])


def _retired(judge: str) -> list[str]:
    last = retires(judge)
    if last is None:
        return []
    verb = "is retired since" if last < datetime.now(UTC).date() else "is announced to retire on"
    return [
        f"the official judge {judge} {verb} {last}; numbers by another judge are not comparable"
    ]


def _noted(table: Table, notes: Sequence[str]) -> Table:
    return Table(table.title, table.columns, table.rows, [*table.notes, *notes], table.words)
