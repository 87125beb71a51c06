"""Runs that were saved, read again: their scores, their items, and what they were made with."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

from harness.errors import DataError
from harness.report.scores import FORMAT, SAMPLE_OF
from harness.types import Item, Score

SCORES = "scores.json"
PROVENANCE = "provenance.json"

D = TypeVar("D", bound="Document")


class Saved(NamedTuple):
    """One checkpoint's result on one benchmark, as it was written."""

    checkpoint: str
    benchmark: str
    """Its label, `NAME@VERSION`."""
    model: str
    judge: str
    identity: Mapping[str, str]
    scores: Sequence[Score]
    items: Sequence[Item]
    """None were written unless the file says all."""
    origin: str
    """The file."""

    @property
    def is_further_sample(self) -> bool:
        """Whether it is no score of its checkpoint, but tells how far that is chance."""
        return SAMPLE_OF in self.identity

    def score(self, metric: str) -> Score | None:
        """The score of that metric; None when it has none."""
        return next((one for one in self.scores if one.metric == metric), None)


class SavedRun(NamedTuple):
    """A run as it was written."""

    path: Path
    """The file of scores."""
    results: Sequence[Saved]
    provenance: Mapping[str, Any]
    """What it was made with; empty where the run does not say."""

    @property
    def own(self) -> list[Saved]:
        """The checkpoints' own results, further samples left out."""
        return [one for one in self.results if not one.is_further_sample]


_Interval = tuple[FiniteFloat, FiniteFloat]


class Written(BaseModel):
    """What a command wrote, as far as it is read again."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class WrittenScore(Written):
    """A score."""

    metric: str
    value: FiniteFloat | None
    unit: str
    interval: _Interval | None = None
    standard_error: FiniteFloat | None = None
    n: int
    n_unread: int
    bounds: _Interval | None = None
    doubts: tuple[str, ...] = ()

    def read(self) -> Score:
        """The score."""
        return Score(**self.model_dump())


class _Item(Written):
    id: str
    value: FiniteFloat | None
    cause: str | None = None


class _Result(Written):
    checkpoint: str
    benchmark: str
    model: str
    judge: str
    identity: Mapping[str, str]
    scores: list[WrittenScore]
    items: list[_Item] = []


class Document(Written):
    """A file of a run, which names its format."""

    format: str


class _Document(Document):
    results: list[_Result]


def read_run(path: Path) -> SavedRun:
    """The run in a folder, or in a file of scores.

    Raises:
        DataError: There is none, or it is not of the form that `score` writes.
    """
    file = path / SCORES if path.is_dir() else path
    document = read_document(file, _Document)
    if document.format != FORMAT:
        raise DataError(
            f"expected the format {FORMAT} in {file}, came {document.format!r:.40}; name a run's "
            f"folder or its {SCORES}"
        )
    beside = file.with_name(PROVENANCE)
    provenance = _object(beside) if beside.is_file() else {}
    return SavedRun(file, [_saved(one, file) for one in document.results], provenance)


def read_document(file: Path, form: type[D]) -> D:
    """A file of a run.

    Raises:
        DataError: It cannot be read, or it is of another form.
    """
    try:
        return form.model_validate_json(_content(file))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise DataError(
            f"expected what a command wrote in {file}, but '{where}': {first['msg']}; name a "
            f"run's folder, or a file in it as it was written"
        ) from error


def find_runs(path: Path) -> list[SavedRun]:
    """The run at a path, or every run in the folders below it.

    Raises:
        DataError: There is none.
    """
    if path.is_file() or (path / SCORES).is_file():
        return [read_run(path)]
    files = sorted(path.glob(f"*/{SCORES}"))
    if not files:
        raise DataError(
            f"expected a run at {path}, found no {SCORES} there or one folder below; name what "
            f"`score` wrote"
        )
    return [read_run(file) for file in files]


def _saved(one: _Result, file: Path) -> Saved:
    scores = [score.read() for score in one.scores]
    items = [Item(item.id, item.value, item.cause) for item in one.items]
    return Saved(
        one.checkpoint,
        one.benchmark,
        one.model,
        one.judge,
        one.identity,
        scores,
        items,
        str(file),
    )


def _object(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(_content(file))
    except (ValueError, RecursionError) as error:
        raise DataError(f"expected JSON in {file}, but {error}; it may be cut short") from error
    if not isinstance(found, dict):
        raise DataError(
            f"expected an object in {file}, came {found!r:.40}; it is not as `score` wrote it"
        )
    return found


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise DataError(
            f"expected what `score` wrote at {file}, but {error.strerror}; name a run's folder"
        ) from error
