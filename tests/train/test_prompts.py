"""Prompts: read from every kind of file, cut into parts, kept apart from benchmarks."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DataError
from train.prompts import overlap, part, read_prompts, read_rows, refuse_overlap
from train.recipe import Prompts

ROWS = [{"prompt": "a", "n": 1}, {"prompt": "b", "n": 2}]
LIST = json.dumps(ROWS).encode()
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def put(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def table(path: Path, rows: list[dict[str, Any]]) -> str:
    """A parquet file of the rows."""
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.Table.from_pylist(rows), path)
    return str(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.json", LIST),
        ("x.jsonl", LINES),
        ("x.json.gz", gzip.compress(LIST, mtime=0)),
        ("x.jsonl.gz", gzip.compress(LINES, mtime=0)),
    ],
)
def test_rows_are_read_from_a_list_and_from_lines_packed_or_not(
    tmp_path: Path, name: str, content: bytes
) -> None:
    assert read_rows(put(tmp_path / name, content), Path("elsewhere")) == ROWS


def test_rows_are_read_from_parquet(tmp_path: Path) -> None:
    assert read_rows(table(tmp_path / "x.parquet", ROWS), Path("elsewhere")) == ROWS


@pytest.mark.parametrize("source", ["./x.jsonl", "../here/x.jsonl"])
def test_a_path_that_begins_with_a_dot_is_relative_to_the_folder(
    tmp_path: Path, source: str
) -> None:
    (tmp_path / "here").mkdir()
    put(tmp_path / "here/x.jsonl", LINES)
    assert read_rows(source, tmp_path / "here") == ROWS


def test_any_other_path_is_relative_to_where_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "x.jsonl", LINES)
    monkeypatch.chdir(tmp_path)
    assert read_rows("x.jsonl", Path("elsewhere")) == ROWS


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.parquet", b"PAR", "expected rows in .*x.parquet, but .*; check the name"),
        ("x.json", b"[]", "came an empty list"),
        ("x.jsonl", b'{"a": 1', "may be cut short"),
    ],
)
def test_a_damaged_file_is_one_clear_line(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    with pytest.raises(DataError, match=said) as raised:
        read_rows(put(tmp_path / name, content), tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["x.parquet", "x.jsonl"])
def test_a_file_that_is_absent_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=name):
        read_rows(f"./{name}", tmp_path)


def test_a_file_that_is_not_utf8_is_named_with_the_line(tmp_path: Path) -> None:
    source = put(tmp_path / "x.jsonl", b'{"prompt": "a"}\n{"prompt": "\xe9"}\n')
    with pytest.raises(DataError, match=r"UTF-8 in .*x.jsonl, line 2"):
        read_rows(source, tmp_path)


def test_half_a_character_is_no_prompt(tmp_path: Path) -> None:
    source = put(tmp_path / "x.jsonl", b'{"prompt": "\\ud800"}\n')
    with pytest.raises(DataError, match="row 1: expected text in 'prompt'"):
        read_prompts(Prompts(source=source), tmp_path)


def test_a_parquet_file_without_rows_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"prompt": pa.array([], pa.string())}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match="but it is empty"):
        read_rows("./x.parquet", tmp_path)


@pytest.mark.parametrize(
    ("source", "library"), [("x.parquet", "pyarrow"), ("hub:a/b@main", "datasets")]
)
def test_without_its_library_a_source_names_the_extra(
    source: str, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(DataError, match=rf"'{library}' to read {source}.*'iterbench\[train\]'"):
        read_rows(source, tmp_path)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dataset's folder `owner/name` where one is, which `datasets` takes before the Hub's."""
    config = pytest.importorskip("datasets.config")
    monkeypatch.setattr(config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "owner/name"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    ("split", "answers"),
    [("", ["a", "b"]), (":test", ["c"]), (":train+test", ["a", "b", "c"]), (":train[1:]", ["b"])],
)
def test_a_dataset_is_read_by_split(hub: Path, split: str, answers: list[str]) -> None:
    put(hub / "train.jsonl", LINES)
    put(hub / "test.jsonl", b'{"prompt": "c", "n": 3}\n')
    rows = read_rows(f"hub:owner/name@main{split}", hub)
    assert [row["prompt"] for row in rows] == answers


@pytest.mark.parametrize("split", [":tset", ":train["])
def test_a_split_that_is_not_there_is_one_clear_line(hub: Path, split: str) -> None:
    put(hub / "train.jsonl", LINES)
    with pytest.raises(DataError, match=r"expected rows in hub:owner/name@main:.*but") as raised:
        read_rows(f"hub:owner/name@main{split}", hub)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("source", ["hub:a/b", "hub:@main", "hub:a/b@", "hub:a/b@main:"])
def test_a_dataset_is_named_with_its_revision(source: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected hub:OWNER/NAME@REVISION"):
        read_rows(source, tmp_path)


@pytest.mark.network
def test_the_hub_answers(tmp_path: Path) -> None:
    source = "hub:HuggingFaceH4/mt_bench_prompts@main"
    assert len(read_rows(source, tmp_path)) == 80


def prompts_of(folder: Path, rows: list[dict[str, Any]], column: str = "prompt") -> list[str]:
    put(folder / "x.json", json.dumps(rows).encode())
    return read_prompts(Prompts(source="./x.json", column=column), folder)


def test_prompts_keep_their_order_and_come_once(tmp_path: Path) -> None:
    rows = [{"q": text} for text in ["b", "a", "b", "c", "a"]]
    assert prompts_of(tmp_path, rows, column="q") == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"prompt": " \n"}, r"\./x\.json, row 2: expected text in 'prompt', came ' \\n'"),
        ({"prompt": None}, r"row 2: expected text in 'prompt', came None"),
        ({"prompt": ["a"]}, r"row 2: expected text in 'prompt', came \['a'\]"),
        ({"question": "a"}, r"row 2: expected a column 'prompt', came question"),
        ({}, r"row 2: expected a column 'prompt', came none"),
    ],
)
def test_a_row_without_a_prompt_is_named(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        prompts_of(tmp_path, [{"prompt": "a"}, row])


def test_published_splits_have_neighbours_in_one_part() -> None:
    assert [part("abcdefgh", index, 3) for index in range(3)] == [
        ["a", "b"],
        ["c", "d", "e"],
        ["f", "g", "h"],
    ]


@given(n=st.integers(1, 60), data=st.data())
def test_parts_are_disjoint_whole_and_equal_within_one(n: int, data: st.DataObject) -> None:
    prompts, parts = list(map(str, range(n))), data.draw(st.integers(1, n))
    cut = [part(prompts, index, parts) for index in range(parts)]
    assert [prompt for one in cut for prompt in one] == prompts
    assert max(map(len, cut)) - min(map(len, cut)) <= 1


def test_more_parts_than_prompts_are_refused() -> None:
    with pytest.raises(DataError, match="at least 3 different prompts for 3 parts, came 2"):
        part(["a", "b"], 0, 3)


@pytest.mark.parametrize(
    "same",
    [
        "What is 2²?",
        "  what is\n2²? ",
        "WHAT IS 2²?",
        "What is 22?",
        "\uff37hat is 2²?",
        "What\u00a0is 2²?",
    ],
)
def test_case_space_and_form_hide_no_overlap(same: str) -> None:
    assert overlap([same, "Why?"], ["What is 2²?"]) == [same]


@pytest.mark.parametrize("other", ["What is 23?", "Whatis 2²?", "What is 2²"])
def test_another_prompt_does_not_overlap(other: str) -> None:
    assert overlap([other], ["What is 2²?"]) == []


@given(text=st.text(st.characters(codec="latin-1")))
def test_a_text_overlaps_with_itself_in_capitals(text: str) -> None:
    assert overlap([text.upper()], [text]) == [text.upper()]


def test_an_overlap_is_refused_with_benchmark_count_and_first_prompt() -> None:
    with pytest.raises(DataError, match="that alpaca_eval asks, came 2, the first 'B'"):
        refuse_overlap(["a", "B", "c "], ["b", "C", "d"], "alpaca_eval")


def test_no_overlap_is_fine() -> None:
    refuse_overlap(["a", "b"], ["c"], "alpaca_eval")


def test_reading_prompts_needs_no_torch() -> None:
    check = "import sys, train.prompts; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
