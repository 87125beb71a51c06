"""Reads again what `score` and `compare` wrote: results as cells, and matches."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import DataError
from harness.report.head_to_head import FORMAT as MATCHES
from harness.report.scores import FORMAT as RESULTS
from harness.report.telling.cells import Cell
from harness.types import Item, Score

FILES = {"scores.json": RESULTS, "head_to_head.json": MATCHES}
"""What a run's folder may hold, with the format of each."""


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


def read_run(path: Path) -> Saved:
    """The results and matches of a run's folder, or of one of its files.

    Raises:
        DataError: There are none, or a file is not of the form that its name promises.
    """
    folder = path if path.is_dir() else path.parent
    files = [folder / name for name in FILES] if path.is_dir() else [path]
    found = [file for file in files if file.is_file()]
    if not found:
        raise DataError(
            f"expected {' or '.join(FILES)} in {path}, found neither; name the folder that `score` "
            f"or `compare` wrote"
        )
    cells: list[Cell] = []
    matches: list[Faced] = []
    for file in found:
        document = _document(file)
        if document["format"] == RESULTS:
            cells += [_cell(one, f"{file}, result {n}") for n, one in _each(document, "results")]
        else:
            matches += [
                _faced(document, one, f"{file}, pair {n}") for n, one in _each(document, "pairs")
            ]
    return Saved(folder, cells, matches)


def _document(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_bytes())
    except ValueError as error:
        raise DataError(f"expected JSON in {file}, but {error}; it may be cut short") from error
    came = document.get("format") if isinstance(document, dict) else None
    if came not in FILES.values():
        raise DataError(
            f"expected the format {' or '.join(FILES.values())} in {file}, came {came!r:.60}; is "
            f"it what `score` or `compare` wrote?"
        )
    found: dict[str, Any] = document
    return found


def _each(document: Mapping[str, Any], key: str) -> list[tuple[int, Any]]:
    return [*enumerate(document.get(key) or [])]


def _cell(row: Any, where: str) -> Cell:
    try:
        return Cell(
            str(row["checkpoint"]),
            str(row["benchmark"]),
            str(row["judge"]),
            {str(key): str(value) for key, value in row["identity"].items()},
            [_score(one) for one in row["scores"]],
            [_item(one) for one in row["items"]],
        )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"expected a result with identity, scores and items in {where}, but {error!r:.80}; "
            f"score it again"
        ) from error


def _score(row: Mapping[str, Any]) -> Score:
    return Score(
        str(row["metric"]),
        _number(row["value"]),
        int(row["n"]),
        int(row["n_unread"]),
        _range(row["interval"]),
        _number(row["standard_error"]),
        _range(row["bounds"]),
        str(row["unit"]),
        tuple(map(str, row["doubts"])),
    )


def _item(row: Mapping[str, Any]) -> Item:
    return Item(str(row["id"]), _number(row["value"]), row["cause"])


def _faced(document: Mapping[str, Any], row: Any, where: str) -> Faced:
    try:
        names = str(row["first"]), str(row["second"])
        value = next(_number(s["value"]) for s in row["scores"] if s["metric"] == "win_rate")
        return Faced(str(document["benchmark"]), str(document["judge"]), *names, value)
    except (KeyError, StopIteration, TypeError, ValueError) as error:
        raise DataError(
            f"expected a pair with names and a win rate in {where}, but {error!r:.80}; compare "
            f"them again"
        ) from error


def _range(pair: Any) -> tuple[float, float] | None:
    if pair is None:
        return None
    low, high = (float(end) for end in pair)
    return low, high


def _number(value: Any) -> float | None:
    """A finite number or null: nothing is told from NaN."""
    if value is None:
        return None
    if isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"{value} is no finite number")
    return float(value)
