"""`reproduce`: the papers' tables, published numbers beside measured ones."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.commands.beside import Beside, benchmark_of, place
from harness.commands.official import Official
from harness.commands.setting import Setting
from harness.errors import SpecError
from harness.price_list import retires
from harness.published import PublishedTable, published
from harness.report.latex import latex
from harness.report.reproduction import (
    FORMAT,
    Compared,
    PaperTable,
    Ruling,
    counts_table,
    reproduction_data,
    reproduction_table,
)
from harness.report.runs import Saved, find_runs
from harness.report.save import write_text
from harness.report.table import Table
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
    official = Official(book, setting.library(), request.pull)
    runs = [one for path in request.runs for run in find_runs(path) for one in run.own]
    named = _named(_pairs(request.named), runs, tables)
    beside = Beside(place(runs, named, tables), official)
    told = [PaperTable(one, beside.compared(one), beside.others(one, runs)) for one in tables]
    if request.name is None:
        shown = [counts_table(told)]
    else:
        shown = [_with_retired(reproduction_table(one), one.compared) for one in told]
    shown = [*shown[:-1], _noted(shown[-1], [*official.absent(tables), *book.notes(request.name)])]
    setting.show(shown)
    if request.latex is not None:
        write_text(request.latex, latex(shown))
    setting.keep({"format": FORMAT, "tables": [reproduction_data(one) for one in told]})
    return shown


def _named(
    pairs: Mapping[str, str], runs: Sequence[Saved], tables: Sequence[PublishedTable]
) -> dict[str, str]:
    """Rows by checkpoint, by their whole names.

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
    return {name: _row_named(row, tables) for name, row in pairs.items()}


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
        if (benchmark := benchmark_of(one.printed.measure.benchmark)) is not None
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
