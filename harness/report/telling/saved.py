"""Reads again what `score` and `compare` wrote: results as cells, and matches."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import FiniteFloat

from harness.errors import DataError
from harness.report import runs
from harness.report.head_to_head import FORMAT
from harness.report.runs import SCORES, Document, Written, read_document
from harness.report.telling.cells import Cell

MATCHES = "head_to_head.json"


class Faced(NamedTuple):
    """Two checkpoints head to head, as it was saved."""

    benchmark: str
    judge: str
    first: str
    second: str
    win_rate: float | None
    """Of the first; None is withheld."""


class Saved(NamedTuple):
    """What is in a run's folder."""

    folder: Path
    cells: Sequence[Cell]
    matches: Sequence[Faced]


class _Score(Written):
    metric: str
    value: FiniteFloat | None


class _Pair(Written):
    first: str
    second: str
    scores: list[_Score]


class _Matches(Document):
    benchmark: str
    judge: str
    pairs: list[_Pair]


def read_run(path: Path) -> Saved:
    """The results and matches of a run's folder, or of one of its files.

    Raises:
        DataError: There are none, or a file is not of the form that its name promises.
    """
    folder = path if path.is_dir() else path.parent
    files = [folder / name for name in (SCORES, MATCHES)] if path.is_dir() else [path]
    found = [file for file in files if file.is_file()]
    if not found:
        raise DataError(
            f"expected {SCORES} or {MATCHES} in {path}, found neither; name the folder that "
            f"`score` or `compare` wrote"
        )
    scored = [file for file in found if file.name != MATCHES]
    faced = [file for file in found if file.name == MATCHES]
    return Saved(
        folder,
        [_cell(one) for file in scored for one in runs.read_run(file).results],
        [match for file in faced for match in _matches(file)],
    )


def _cell(one: runs.Saved) -> Cell:
    if not one.items:
        raise DataError(
            f"expected the items of '{one.checkpoint}' on {one.benchmark} in {one.origin}, came "
            f"none; name the folder that `score` wrote"
        )
    return Cell(one.checkpoint, one.benchmark, one.judge, one.identity, one.scores, one.items)


def _matches(file: Path) -> Iterator[Faced]:
    document = read_document(file, _Matches, FORMAT)
    for pair in document.pairs:
        rates = [score.value for score in pair.scores if score.metric == "win_rate"]
        if not rates:
            raise DataError(
                f"expected a win rate of '{pair.first}' against '{pair.second}' in {file}, came "
                f"none; compare them again"
            )
        yield Faced(document.benchmark, document.judge, pair.first, pair.second, rates[0])
