"""The papers' tables as data: what is printed, what each number is, and who each row is.

The tables are CSV files beside an index in results/published/. That folder is no package: one that
is called `results` would be installed beside everybody's own. An installed iterbench has the files
in share/iterbench/published, where its list of installed files names them.
"""

import csv
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from harness.errors import DataError, UnknownNameError
from harness.yaml_file import read_yaml

SCALES = {"percent": 100.0, "points": 100.0}
"""What a fraction is multiplied by where it is printed in that unit; others are as they are."""

_CHECKOUT = Path(__file__).parents[1] / "results" / "published"
_INSTALLED = "share/iterbench/published/index.yaml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Row(_Strict):
    """Who a row of a paper's tables is, as far as that is known."""

    model: str = ""
    """The released checkpoint, as a model's name."""
    boards: Mapping[str, str] = {}
    """Its row on a benchmark's published leaderboard."""
    judgments: Mapping[str, str] = {}
    """The official file with its published judgments, by benchmark."""


class Paper(_Strict):
    """A paper."""

    title: str
    arxiv: str
    notes: list[str] = []
    rows: Mapping[str, Row] = {}


class Measure(_Strict):
    """What a printed number is."""

    unit: str
    """"percent", "points", "characters", "rating", "correlation" or "count"."""
    benchmark: str | None = None
    """With its version; None where nothing here measures it."""
    metric: str = ""
    expects: Mapping[str, str] = {}
    """Entries of a score's identity that the printed number rests on."""
    tolerance: float = 0.0
    """In the printed unit, where a number is computed again: beyond the rounding of the print."""
    gain_of: str = ""
    """The measure of which it is the difference to another row."""
    note: str = ""


class Board(_Strict):
    """A published leaderboard, in the units of the tables."""

    asset: str
    name: str
    """The column that names the model."""
    metrics: Mapping[str, str]
    """Columns by metric."""


class _TableSpec(_Strict):
    paper: str
    table: str
    file: str
    title: str
    source: str
    rows: list[str]
    label: str = ""
    measures: Mapping[str, str]
    transposed: bool = False
    columns: list[str] = []
    gains: Mapping[str, str] = {}
    notes: list[str] = []


class _Index(_Strict):
    papers: Mapping[str, Paper]
    measures: Mapping[str, Measure]
    boards: Mapping[str, Board]
    tables: list[_TableSpec]


class Printed(NamedTuple):
    """One printed number."""

    row: str
    column: str
    """What heads its column."""
    text: str
    """As printed."""
    measure: Measure
    gain_over: str
    """The row that a gain is over; empty where the number is no gain."""

    @property
    def value(self) -> float:
        """In the unit of the measure."""
        return float(self.text)

    @property
    def rounding(self) -> float:
        """Half a unit of the last printed digit."""
        return 0.5 * 10.0**-self.decimals

    @property
    def decimals(self) -> int:
        """How many digits are printed after the point."""
        return len(self.text.partition(".")[2])


class PublishedTable(NamedTuple):
    """A table of a paper."""

    name: str
    """PAPER:TABLE."""
    paper: Paper
    title: str
    source: str
    notes: Sequence[str]
    columns: Sequence[str]
    printed: Sequence[Printed]
    """Row by row; a cell that is empty in print is absent."""

    @property
    def rows(self) -> list[str]:
        """The rows in printed order."""
        return list(dict.fromkeys(one.row for one in self.printed))

    def measured_for(self, one: Printed) -> Measure:
        """What is measured for a number: of a gain, what it is a gain of."""
        if not one.measure.gain_of:
            return one.measure
        return next(o.measure for o in self.printed if o.column == one.measure.gain_of)

    def on(self, labels: Collection[str]) -> "PublishedTable":
        """The part of the table that prints numbers of some benchmarks, gains left out."""
        printed = [one for one in self.printed if one.measure.benchmark in labels]
        return self._replace(
            printed=printed, columns=list(dict.fromkeys(one.column for one in printed))
        )


class Published(NamedTuple):
    """All tables, and the leaderboards that name the same models."""

    papers: Mapping[str, Paper]
    tables: Sequence[PublishedTable]
    boards: Mapping[str, Board]

    def notes(self, name: str | None) -> list[str]:
        """What is to be said of the papers, or of the one that is named, as a whole."""
        return [
            f"{paper.title} (arXiv {paper.arxiv}): {note}"
            for key, paper in self.papers.items()
            for note in paper.notes
            if name in {None, key}
        ]

    def printing(self, label: str) -> list[str]:
        """Names of the tables that print numbers of a benchmark in that version."""
        return [
            table.name
            for table in self.tables
            if any(one.measure.benchmark == label for one in table.printed)
        ]

    def named(self, name: str | None) -> list[PublishedTable]:
        """All tables, a paper's, or the one called PAPER:TABLE.

        Raises:
            UnknownNameError: No paper or no table is called so.
        """
        if name is None:
            return list(self.tables)
        paper, colon, _ = name.partition(":")
        papers = {one.name.partition(":")[0] for one in self.tables}
        if not colon and paper in papers:
            return [one for one in self.tables if one.name.startswith(f"{paper}:")]
        found = [one for one in self.tables if one.name == name]
        if not found:
            names = [one.name for one in self.tables]
            raise UnknownNameError("paper or table", name, names if colon else [*papers, *names])
        return found


@cache
def published() -> Published:
    """Every table of the papers.

    Raises:
        DataError: The tables are not where they belong.
    """
    folder = _folder()
    index = read_yaml(folder / "index.yaml").read_as(_Index, "the installation is damaged")
    tables = [_table(folder, index, spec) for spec in index.tables]
    return Published(index.papers, tables, index.boards)


def _folder() -> Path:
    if _CHECKOUT.is_dir():
        return _CHECKOUT
    try:
        installed = files("iterbench") or []
    except PackageNotFoundError:
        installed = []
    for file in installed:
        if str(file).replace("\\", "/").endswith(_INSTALLED):
            return Path(str(file.locate())).resolve().parent
    raise DataError(
        f"expected the published tables in {_CHECKOUT} or installed with iterbench, found none; "
        f"install it again"
    )


def _table(folder: Path, index: _Index, spec: _TableSpec) -> PublishedTable:
    with (folder / spec.file).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    cells = _transposed(rows, spec) if spec.transposed else _upright(rows, spec)
    printed = [
        Printed(row, column, text, index.measures[measure], spec.gains.get(row, ""))
        for row, column, measure, text in cells
        if text
    ]
    name = f"{spec.paper}:{spec.table}"
    columns = list(dict.fromkeys(column for _, column, _, _ in cells))
    paper = index.papers[spec.paper]
    return PublishedTable(name, paper, spec.title, spec.source, spec.notes, columns, printed)


_Cell = tuple[str, str, str, str]
"""Row, column, the name of the measure, and what is printed."""


def _upright(rows: Sequence[Mapping[str, str]], spec: _TableSpec) -> list[_Cell]:
    label = spec.label or f"{{{spec.rows[0]}}}"
    return [
        (label.format(**row), measure, measure, row[column])
        for row in rows
        for column, measure in spec.measures.items()
    ]


def _transposed(rows: Sequence[Mapping[str, str]], spec: _TableSpec) -> list[_Cell]:
    named = [(spec.measures[row[spec.rows[0]]], row) for row in rows]
    return [
        (column, measure, measure, row[column]) for column in spec.columns for measure, row in named
    ]
