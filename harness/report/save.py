"""Writes what a run made, each file whole or not at all."""

import json
import os
from collections.abc import Sequence
from errno import EACCES
from pathlib import Path
from typing import Any

from harness.errors import DataError
from harness.files import write_whole
from harness.pipeline import Result
from harness.report.scores import FORMAT, results_data
from harness.types import Benchmark, Generation


def prepare(folder: Path) -> None:
    """Makes the folder and checks that it can be written, before anything is paid for.

    Raises:
        DataError: It cannot.
    """
    try:
        _try(folder)
    except OSError as error:
        raise DataError(
            f"expected a folder for results that can be written at {folder}, but "
            f"{error.strerror}; name another with --out"
        ) from error


def foresee(path: Path) -> None:
    """Checks that a file can be written at a path, before anything is paid for; writes none.

    Raises:
        DataError: It cannot.
    """
    try:
        _try_file(path)
    except OSError as error:
        raise DataError(
            f"expected a place where a file can be written at {path}, but {error.strerror}; "
            f"name another"
        ) from error


def _try(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".writable").touch()
    (folder / ".writable").unlink(missing_ok=True)  # another run may look too


def _try_file(path: Path) -> None:
    if not path.exists() or path.is_file():
        _try(path.resolve().parent)  # where a file is written before it takes its name
    elif not os.access(path, os.W_OK):
        raise PermissionError(EACCES, os.strerror(EACCES))


def write_json(path: Path, content: Any) -> None:
    """Writes a file of JSON.

    Raises:
        DataError: The disk is full or the place cannot be written; an earlier file stays as it was.
    """
    write_text(path, json.dumps(content, indent=1, ensure_ascii=True) + "\n")


def write_text(path: Path, text: str) -> None:
    """Writes a file of text, as `write_json` does."""
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise DataError(
            f"expected to write {path}, but {error.strerror}; every answer is in the store: make "
            f"room or name another place, then run the same command"
        ) from error


def save_result(folder: Path, name: str, benchmark: Benchmark, result: Result) -> None:
    """Writes a checkpoint's answers and judgments in the benchmark's published formats."""
    place = folder / benchmark.card.label / name
    files, verdicts = benchmark.files, result.verdicts
    answers: dict[str, Generation] = {}
    for verdict in verdicts:  # the first on a prompt has the checkpoint's answer as its candidate
        answers.setdefault(verdict.comparison.candidate.prompt.id, verdict.comparison.candidate)
    write_json(place / "model_outputs.json", files.write_outputs([*answers.values()]))
    write_json(place / "annotations.json", files.write_judgments(verdicts))


def document(results: Sequence[tuple[str, Result]], *, items: bool) -> dict[str, Any]:
    """The JSON document of several results."""
    return {"format": FORMAT, "results": results_data(results, items=items)}
