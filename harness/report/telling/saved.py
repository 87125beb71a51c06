"""Reads again what `score`, `compare` and `judge-eval` wrote: results, matches, and trials."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import Field, FiniteFloat

from harness.errors import DataError
from harness.report import head_to_head, judge_eval, runs, scores
from harness.report.runs import Document, Written, read_document
from harness.report.telling.cells import Cell
from harness.report.trials import Tried, read_trial

FILES = {
    "scores.json": scores.FORMAT,
    "head_to_head.json": head_to_head.FORMAT,
    judge_eval.JUDGE_EVAL: judge_eval.FORMAT,
}
"""What a run's folder may hold, with the format of each."""


class Faced(NamedTuple):
    """Two checkpoints head to head, as it was saved."""

    benchmark: str
    judge: str
    first: str
    second: str
    win_rate: float | None
    """Of the first; None is withheld."""
    way: tuple[tuple[str, str], ...] = ()
    """What decided it beside the two checkpoints, in order."""


class Saved(NamedTuple):
    """What is in a run's folder."""

    folder: Path
    results: Sequence[runs.Saved]
    matches: Sequence[Faced]
    trials: Sequence[Tried]

    @property
    def cells(self) -> list[Cell]:
        """The results, as a story is told from them."""
        return [
            Cell(one.checkpoint, one.benchmark, one.judge, one.identity, one.scores, one.items)
            for one in self.results
        ]

    @property
    def own(self) -> list[Cell]:
        """Those of the checkpoints themselves, further samples left out."""
        return [cell for cell in self.cells if cell.sample_of is None]


class _Score(Written):
    metric: str
    value: FiniteFloat | None


class _Pair(Written):
    first: str
    second: str
    identity: dict[str, str] = Field(default_factory=dict)
    scores: list[_Score]


class _Matches(Document):
    benchmark: str
    judge: str
    pairs: list[_Pair]


def read_run(path: Path) -> Saved:
    """What is in a run's folder, or in one of its files.

    Raises:
        DataError: There is nothing, or a file is not of the form that its format promises.
    """
    folder = path if path.is_dir() else path.parent
    files = [folder / name for name in FILES] if path.is_dir() else [path]
    named = {file: _format(file) for file in files if file.is_file()}
    if not named:
        raise DataError(
            f"expected {', '.join(FILES)} or one of them in {path}, found none; name the folder "
            f"that `score`, `compare` or `judge-eval` wrote"
        )
    return Saved(
        folder,
        [one for file, form in named.items() if form == scores.FORMAT for one in _results(file)],
        [m for file, form in named.items() if form == head_to_head.FORMAT for m in _matches(file)],
        [read_trial(file) for file, form in named.items() if form == judge_eval.FORMAT],
    )


def _format(file: Path) -> str:
    named = read_document(file, Document).format
    if named not in FILES.values():
        raise DataError(
            f"expected the format {' or '.join(FILES.values())} in {file}, came {named!r:.40}; is "
            f"it what `score`, `compare` or `judge-eval` wrote?"
        )
    return named


def _results(file: Path) -> Sequence[runs.Saved]:
    found = runs.read_run(file).results
    for one in found:
        if not one.items:
            raise DataError(
                f"expected the items of '{one.checkpoint}' on {one.benchmark} in {file}, came "
                f"none; name the folder that `score` wrote, or ask for --items"
            )
    return found


def _matches(file: Path) -> Iterator[Faced]:
    document = read_document(file, _Matches)
    for pair in document.pairs:
        rates = [score.value for score in pair.scores if score.metric == "win_rate"]
        if not rates:
            raise DataError(
                f"expected a win rate of '{pair.first}' against '{pair.second}' in {file}, came "
                f"none; compare them again"
            )
        facts = document.benchmark, document.judge, pair.first, pair.second, rates[0]
        shared = (one for one in pair.identity.items() if not one[0].startswith("model"))
        yield Faced(*facts, tuple(sorted(shared)))
