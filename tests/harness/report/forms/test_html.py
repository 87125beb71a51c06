"""`report.html` with its figures, or without them where matplotlib is not installed."""

import sys
from pathlib import Path

import pytest

from harness.errors import DataError
from harness.report.forms import html
from tests.full_disk import largest_file
from tests.stories import hostile, story


def test_the_page_and_its_figures_are_written(tmp_path: Path) -> None:
    page, *figures = html.write(story(2, 5), tmp_path)
    assert page == tmp_path / "report.html"
    assert page.read_text().count("<figure") == len(figures) > 5
    assert all(figure.parent == tmp_path / "figures" for figure in figures)


def test_without_matplotlib_the_page_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert html.write(story(2, 5), tmp_path) == [tmp_path / "report.html"]
    page = (tmp_path / "report.html").read_text()
    assert "pip install &#x27;iterbench[figures]&#x27;" in page
    assert "<figure" not in page


def test_the_same_story_is_the_same_file(tmp_path: Path) -> None:
    for name in "ab":
        html.write(story(2, 5), tmp_path / name)
    assert (tmp_path / "a/report.html").read_bytes() == (tmp_path / "b/report.html").read_bytes()


@pytest.mark.parametrize(
    "text", ["a\x00\x1b[31m\u202e", "模型 🦙 نموذج", "$\\frac{1}{2}$ & <b>", " ", ""]
)
def test_any_name_can_be_drawn(tmp_path: Path, text: str) -> None:
    page, *figures = html.write(hostile(text), tmp_path)
    assert page.read_text().count("<figure") == len(figures) > 3


def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    with largest_file(100), pytest.raises(DataError, match="expected to write"):
        html.write(story(2, 5), tmp_path)
