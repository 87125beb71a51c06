"""Other people's files, as they come and as they break."""

import gzip
import hashlib
import json
from pathlib import Path

import pytest

from harness.assets import Asset, Library
from harness.errors import DataError
from harness.rows import parse_rows, read_files

ROWS = [{"question": "a"}, {"question": "b"}]
LIST = json.dumps(ROWS).encode()
LINES = b'{"question": "a"}\n{"question": "b"}\n'
NO_ASSETS = Library({}, [], Path("no cache"))


def put(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.json", LIST),
        ("x.jsonl", LINES),
        ("x.json.gz", gzip.compress(LIST, mtime=0)),
        ("x.jsonl.gz", gzip.compress(LINES, mtime=0)),
        ("x.txt", LIST),
    ],
)
def test_rows_are_read_from_a_list_and_from_lines_packed_or_not(
    tmp_path: Path, name: str, content: bytes
) -> None:
    assert read_files(put(tmp_path / name, content), NO_ASSETS) == {name: ROWS}


def test_a_folder_is_read_file_by_file_in_alphabetical_order(tmp_path: Path) -> None:
    put(tmp_path / "b.jsonl", LINES)
    put(tmp_path / "a.json.gz", gzip.compress(LIST, mtime=0))
    put(tmp_path / "notes.txt", b"not rows")
    files = read_files(str(tmp_path), NO_ASSETS)
    assert list(files.items()) == [("a.json.gz", ROWS), ("b.jsonl", ROWS)]


def test_a_folder_without_rows_says_which_endings_it_looked_for(tmp_path: Path) -> None:
    put(tmp_path / "notes.txt", b"not rows")
    with pytest.raises(DataError, match=rf"\.json or \.jsonl .* files in {tmp_path}, found none"):
        read_files(str(tmp_path), NO_ASSETS)


def test_an_official_file_goes_by_its_own_name(tmp_path: Path) -> None:
    put(tmp_path / "rows.json", LIST)
    one = Asset("rows.json", hashlib.sha256(LIST).hexdigest(), "MIT", "", "")
    library = Library({one.name: one}, [tmp_path], tmp_path)
    assert read_files("asset:rows.json", library) == {"rows.json": ROWS}


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"expected a readable file at {tmp_path / 'x.json'}"):
        read_files(str(tmp_path / "x.json"), NO_ASSETS)


@pytest.mark.parametrize(
    "damaged",
    [gzip.compress(LIST, mtime=0)[:-9], gzip.compress(LIST, mtime=0)[:10] + b"\xff" * 30, LIST],
    ids=["cut short", "overwritten", "no gzip"],
)
def test_a_damaged_packed_file_is_one_clear_line(tmp_path: Path, damaged: bytes) -> None:
    path = put(tmp_path / "x.json.gz", damaged)
    with pytest.raises(DataError, match=f"expected a readable file at {path}"):
        read_files(path, NO_ASSETS)


@pytest.mark.parametrize("content", [b"", b" \n\t\n"])
def test_an_empty_file_is_no_rows(content: bytes) -> None:
    with pytest.raises(DataError, match=r"expected rows in here\.json, but it is empty"):
        parse_rows(content, "here.json")


@pytest.mark.parametrize(
    ("content", "line"),
    [(LINES[:-5], 2), (LIST[:-5], 1), (b"\n\n" + LINES + b"oops\n" + LINES, 5)],
    ids=["lines cut short", "list cut short", "in the middle"],
)
def test_a_cut_or_broken_file_says_in_which_line(content: bytes, line: int) -> None:
    with pytest.raises(DataError, match=rf"in here\.json, but .*: line {line} column"):
        parse_rows(content, "here.json")


@pytest.mark.parametrize(
    ("content", "came"),
    [
        (b"[1, 2]", "1"),
        (b'[{"question": "a"}, null]', "None"),
        (b'{"question": "a"}\n["b"]', r"\['b'\]"),
        (b"null", "None"),
        (b"[]", "an empty list"),
    ],
)
def test_rows_that_are_no_objects_are_shown(content: bytes, came: str) -> None:
    with pytest.raises(DataError, match=f"expected a list of JSON objects in x, came {came}"):
        parse_rows(content, "x")


def test_a_long_wrong_row_is_shown_in_part() -> None:
    with pytest.raises(DataError) as raised:
        parse_rows(json.dumps(["long " * 100]).encode(), "x")
    assert len(str(raised.value)) < 100


@pytest.mark.parametrize("text", ["a\u2028b", "a\x85b", "a\x0cb", "a\x1cb"])
def test_a_line_ends_where_json_lines_say_and_nowhere_else(text: str) -> None:
    line = f'{{"question": "{text}"}}'.replace("\x0c", "\\f").replace("\x1c", "\\u001c")
    assert parse_rows(f"{line}\n{line}".encode(), "x") == [{"question": text}] * 2


@pytest.mark.parametrize("end", ["\r\n", "\n\n"])
def test_empty_lines_and_line_ends_of_other_systems_do_not_matter(end: str) -> None:
    assert parse_rows(LINES.replace(b"\n", end.encode()), "x") == ROWS


def test_a_byte_that_is_no_utf_8_costs_no_row() -> None:
    (row,) = parse_rows(b'{"answer": "caf\xe9"}', "x")
    assert str(row["answer"]).startswith("caf")


@pytest.mark.parametrize("content", [b"1" * 5000, b"[" * 99_999], ids=["digits", "brackets"])
def test_json_beyond_all_reason_is_one_clear_line(content: bytes) -> None:
    with pytest.raises(DataError, match="expected a JSON list or JSON lines in x"):
        parse_rows(content, "x")
