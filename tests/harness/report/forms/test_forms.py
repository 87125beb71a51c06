"""The files of a report: the same each time, and names in them are text."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DataError
from harness.report.forms import data, latex, markdown, sheet
from harness.report.story import Story
from tests.full_disk import largest_file
from tests.harness.report.forms.golden import HOSTILE, golden
from tests.harness.report.telling.series import cell, told

KEPT = Path(__file__).parent / "golden"
FORMS = [markdown, data, latex, sheet]


@pytest.fixture(scope="module")
def story() -> Story:
    return golden()


def rounded(text: str) -> str:
    """Without the last digits, in which machines differ."""
    return re.sub(r"\d+\.\d+(e-?\d+)?", lambda number: f"{float(number[0]):.9g}", text)


@pytest.mark.parametrize("form", FORMS)
def test_the_golden_series_makes_the_golden_files(
    form: object, story: Story, tmp_path: Path
) -> None:
    form.write(story, tmp_path)  # type: ignore[attr-defined]
    name = form.NAME  # type: ignore[attr-defined]
    assert rounded((tmp_path / name).read_text()) == rounded((KEPT / name).read_text())


@pytest.mark.parametrize("form", FORMS)
def test_a_full_disk_is_one_clear_error(form: object, story: Story, tmp_path: Path) -> None:
    with largest_file(100), pytest.raises(DataError, match=r"expected to write .*report\."):
        form.write(story, tmp_path)  # type: ignore[attr-defined]


def test_a_hostile_name_is_no_html_in_markdown(story: Story) -> None:
    text = markdown.to_text(story)
    assert "<script>" not in re.sub(r"\\<script\\>", "", text)
    assert "](y)" not in text.replace(r"\](y)", "")


@given(st.text())
def test_no_mark_of_markdown_is_left_bare(text: str) -> None:
    bare = re.sub(r"\\[\\`*{}\[\]<>#~&!$_]", "", markdown.escaped(text))
    assert not re.search(r"[`*{}\[\]<>#~&!$]", bare)
    assert "\n" not in bare


def test_the_best_is_bold_and_what_fell_has_an_arrow(story: Story) -> None:
    base, child = (line for line in latex.to_text(story).splitlines() if line.endswith(r"$ \\"))
    assert r"$\mathbf{100.00}$" in base
    assert r"$16.67^{\downarrow}$" in child


def test_the_sheet_has_a_row_for_each_score_and_change(story: Story) -> None:
    rows = [*csv.DictReader(io.StringIO(sheet.to_text(story)))]
    assert sum(row["kind"] == "score" for row in rows) == 10
    assert [row["ruling"] for row in rows if row["kind"] == "change"] == [
        "better",
        "undecided",
        "worse",
        "undecided",
    ]
    assert {row["checkpoint"] for row in rows} == {"base", HOSTILE}


def test_a_name_is_no_formula_in_a_spreadsheet() -> None:
    assert "'=cmd()" in sheet.to_text(told(cell("=cmd()")))


def test_the_data_are_plain_json_without_nan(story: Story) -> None:
    text = json.dumps(data.to_data(story), allow_nan=False)
    assert json.loads(text)["format"] == "iterbench.series/1"


def test_the_schema_is_described_with_every_key(story: Story) -> None:
    page = (Path(__file__).parents[4] / "results" / "README.md").read_text()
    document = data.to_data(story)
    keys = {*document}
    for part in ("checkpoints", "tracks", "results", "changes", "fallen", "parts", "games", "gaps"):
        keys |= {*document[part][0]}
    assert not {key for key in keys if f"`{key}`" not in page}
