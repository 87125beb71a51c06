"""What checkpoints are asked in training: prompts of files or of the Hub, held off benchmarks."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import DataError
from harness.files import unpacked
from harness.rows import parse_rows
from train.recipe import Prompts

_HALF = re.compile(r"[\ud800-\udfff]")
"""Half a character: JSON can say it, no tokenizer reads it."""
_HUB = re.compile(r"hub:(?P<name>[^@:]+)@(?P<revision>[^@:]+)(?::(?P<split>.+))?")


def read_rows(source: str, folder: Path) -> list[dict[str, Any]]:
    """The rows of a file or of a dataset, each a mapping by column, in order.

    Args:
        source: A JSON list or JSON lines (also .gz) or a .parquet file; or
            `hub:OWNER/NAME@REVISION:SPLIT`, the split `train` if absent, `A+B` for two in a row.
        folder: What paths that begin with a dot are relative to.

    Raises:
        DataError: Nothing is there, it has no rows, or the extra that reads it is not installed.
    """
    if source.startswith("hub:"):
        return _hub_rows(source)
    path = folder / source if source.startswith(("./", "../")) else Path(source)
    if path.suffix == ".parquet":
        return _parquet_rows(path)
    content = unpacked(path)
    _check_utf8(content, path)
    return [dict(row) for row in parse_rows(content, str(path))]


def read_prompts(spec: Prompts, folder: Path) -> list[str]:
    """The prompts of a source, in order; of those with the same text, the first.

    Raises:
        DataError: As `read_rows`; or a row has no text in the column.
    """
    rows = read_rows(spec.source, folder)
    return list(dict.fromkeys(_prompt(spec, number, row) for number, row in enumerate(rows, 1)))


def part(prompts: Sequence[str], index: int, parts: int) -> list[str]:
    """One of so many disjoint runs of neighbours that are equally long, within one.

    Neighbours, because published splits are: each iteration has its own stretch of the data. A file
    that is sorted by subject should be shuffled first.

    Args:
        prompts: All of them.
        index: From 0.
        parts: How many; no more than there are prompts.

    Raises:
        DataError: There are fewer prompts than parts.
    """
    if len(prompts) < parts:
        raise DataError(
            f"expected at least {parts} different prompts for {parts} parts, came {len(prompts)}; "
            f"give more prompts, or fewer parts"
        )
    n = len(prompts)
    return list(prompts[n * index // parts : n * (index + 1) // parts])


def overlap(prompts: Iterable[str], held: Iterable[str]) -> list[str]:
    """Those of the prompts that are held out, as `normal` has them."""
    kept_away = {normal(text) for text in held}
    return [prompt for prompt in prompts if normal(prompt) in kept_away]


def refuse_overlap(prompts: Iterable[str], held: Iterable[str], benchmark: str) -> None:
    """Sees that no prompt is one of a benchmark's.

    Raises:
        DataError: Some are.
    """
    shared = overlap(prompts, held)
    if shared:
        raise DataError(
            f"expected no training prompt that {benchmark} asks, came {len(shared)}, the first "
            f"{shared[0]!r:.60}; take them out, or train without holding {benchmark} out"
        )


class _Dataset(NamedTuple):
    """A dataset of the Hub as `source` names it."""

    name: str
    revision: str
    split: str


def _dataset(source: str) -> _Dataset:
    said = _HUB.fullmatch(source)
    if said is None:
        raise DataError(f"expected hub:OWNER/NAME@REVISION or …:SPLIT after it, came '{source}'")
    return _Dataset(said["name"], said["revision"], said["split"] or "train")


def _hub_rows(source: str) -> list[dict[str, Any]]:
    name, revision, split = _dataset(source)
    try:
        from datasets import load_dataset
        from datasets.exceptions import DatasetsError
    except ImportError as error:
        raise _absent(source, error) from error
    try:
        rows = load_dataset(name, revision=revision, split=split).to_list()
    except (OSError, ValueError, DatasetsError) as error:
        raise _unreadable(source, error) from error
    return _some(source, rows)


def _check_utf8(content: bytes, path: Path) -> None:
    """No tokenizer takes anything else, while answers of others are read as they are."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"expected text in UTF-8 in {path}, line {line} has something else; save it as UTF-8"
        ) from error


def _parquet_rows(path: Path) -> list[dict[str, Any]]:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise _absent(str(path), error) from error
    try:
        rows = parquet.read_table(path).to_pylist()
    except (OSError, ValueError) as error:
        raise _unreadable(str(path), error) from error
    return _some(str(path), rows)


def _some(source: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not rows:
        raise DataError(f"expected rows in {source}, but it is empty; check what wrote it")
    return rows


def _absent(source: str, error: ImportError) -> DataError:
    return DataError(
        f"expected the library '{error.name}' to read {source}, it is not installed; "
        f"pip install 'iterbench[train]'"
    )


def _unreadable(source: str, error: Exception) -> DataError:
    cause = " ".join(str(error).split())
    return DataError(f"expected rows in {source}, but {cause:.200}; check the name, or fetch it")


def _prompt(spec: Prompts, number: int, row: dict[str, Any]) -> str:
    """The text of a row's column."""
    if spec.column not in row:
        columns = ", ".join(map(str, row)) or "none"
        raise DataError(
            f"{spec.source}, row {number}: expected a column '{spec.column}', came {columns}; "
            f"say which column has the prompts"
        )
    text = row[spec.column]
    if not isinstance(text, str) or not text.strip() or _HALF.search(text):
        raise DataError(
            f"{spec.source}, row {number}: expected text in '{spec.column}', came {text!r:.40}; "
            f"correct the row or take it out"
        )
    return text


def normal(text: str) -> str:
    """The text as it is compared, whatever its case, white space and Unicode form."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())
