"""Numbers of the papers made again from official files: published judgments and leaderboards."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.assets import Library
from harness.commands.beside import as_printed, benchmark_of
from harness.pipeline import benchmark_identity, withhold
from harness.published import Board, Measure, Published, PublishedTable, Row
from harness.report.reproduction import Measured
from harness.report.runs import Saved
from harness.rows import parse_rows


@dataclass(frozen=True)
class Official:
    """The official files, each scored once."""

    book: Published
    library: Library
    pull: bool
    """Whether files that are not here are downloaded."""
    _rescored: dict[tuple[str, str], Saved | None] = field(default_factory=dict)

    def __call__(self, row: Row, measure: Measure) -> Measured | None:
        """What published judgments of a row give, else what a leaderboard lists."""
        return self._of_judgments(row, measure) or self._of_board(row, measure)

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

    def _of_judgments(self, row: Row, measure: Measure) -> Measured | None:
        name, label = row.judgments.get(measure.benchmark or ""), measure.benchmark
        if name is None or label is None:
            return None
        if (label, name) not in self._rescored:
            self._rescored[label, name] = self._rescore(label, name)
        saved = self._rescored[label, name]
        return saved and as_printed(saved, measure, "judgments")

    def _rescore(self, label: str, name: str) -> Saved | None:
        benchmark = benchmark_of(label)
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
