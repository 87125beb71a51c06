"""Reading other people's files: JSON, JSON lines, packed or not, one or a folder of them."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import DataError
from harness.files import unpacked
from harness.types import Assets, Rows

_ENDINGS = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
_VALUE = re.compile(r"[^ \t\r\n]")
"""Where a value begins: other white space than JSON's own may stand raw inside its strings."""


def read_files(source: str, assets: Assets) -> dict[str, Rows]:
    """The rows of a file, of every such file in a folder, or of an official file, by file name.

    Args:
        source: A path, or `asset:NAME`; `asset:FOLDER/` is every official file in that folder.
        assets: Where official files are.

    Raises:
        DataError: Nothing is there, or it is not a list of JSON objects.
    """
    if source.startswith("asset:"):
        asked = source.removeprefix("asset:")
        names = (assets.names(asked) if asked.endswith("/") else []) or [asked]
        return {Path(name).name: parse_rows(assets.read(name), name) for name in names}
    path = Path(source)
    files = (
        sorted(p for p in path.iterdir() if p.name.endswith(_ENDINGS)) if path.is_dir() else [path]
    )
    if not files:
        raise DataError(f"expected {' or '.join(_ENDINGS)} files in {path}, found none")
    return {file.name: parse_rows(unpacked(file), str(file)) for file in files}


def parse_rows(content: bytes, origin: str) -> Rows:
    """The rows of a JSON list or of JSON lines.

    Raises:
        DataError: It is empty, cut short, or not a list of objects.
    """
    text = content.decode("utf-8", errors="surrogateescape").removeprefix("\ufeff")
    del content  # a large file is not held twice while it is read
    values = _values(text, origin)
    if not values:
        raise DataError(f"expected rows in {origin}, but it is empty; check what wrote it")
    rows = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    wrong = [row for row in rows if not isinstance(row, Mapping)]
    if wrong or not rows:
        came = f"{wrong[0]!r:.40}" if wrong else "an empty list"
        raise DataError(f"expected a list of JSON objects in {origin}, came {came}")
    return rows


def stem(file: str) -> str:
    """A file's name without what says how it is written."""
    return file.removesuffix(".gz").removesuffix(".jsonl").removesuffix(".json")


def text_under(row: Mapping[str, Any], number: int, key: str, file: str) -> str:
    """The text under a key of a row.

    Args:
        row: Of a file.
        number: Which row it is.
        key: Where the text must be.
        file: What the file should be, as "an AlpacaEval annotations.json".

    Raises:
        DataError: There is none.
    """
    value = row.get(key)
    if not isinstance(value, str):
        raise DataError(
            f"expected a text under '{key}' in row {number}, came {value!r:.40}; is this {file}?"
        )
    return value


def _values(text: str, origin: str) -> list[Any]:
    """Every JSON value of a text, one after the other."""
    decoder, values, end = json.JSONDecoder(), [], 0
    try:
        while start := _VALUE.search(text, end):
            value, end = decoder.raw_decode(text, start.start())
            values.append(value)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"expected a JSON list or JSON lines in {origin}, but {error}; it may be cut short"
        ) from error
    return values
