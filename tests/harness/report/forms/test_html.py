"""`report.html` with its figures, or without them where matplotlib is not installed."""

import sys
from pathlib import Path

import pytest

from harness.errors import DataError
from harness.report.forms import html
from tests.full_disk import largest_file
from tests.stories import hostile, story


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return html.write(story(2, 5), tmp_path_factory.mktemp("made"))


def test_the_page_and_its_figures_are_written(made: list[Path]) -> None:
    page, *figures = made
    assert page.name == "report.html"
    assert page.read_text().count("<figure") == len(figures) > 5
    assert all(figure.parent == page.parent / "figures" for figure in figures)


def test_the_same_story_is_the_same_page_and_the_same_figures(
    made: list[Path], tmp_path: Path
) -> None:
    again = html.write(story(2, 5), tmp_path)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in made]


def test_without_matplotlib_the_page_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert html.write(story(2, 5), tmp_path) == [tmp_path / "report.html"]
    page = (tmp_path / "report.html").read_text()
    assert "pip install &#x27;iterbench[figures]&#x27;" in page
    assert "<figure" not in page


@pytest.mark.parametrize("text", ["a\x00\x1b[31m\u202e 模型 🦙 نموذج $\\frac{1}{2}$ <b>", ""])
def test_any_name_can_be_drawn(tmp_path: Path, text: str) -> None:
    page, *figures = html.write(hostile(text), tmp_path)
    assert page.read_text().count("<figure") == len(figures) > 3


def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    with largest_file(100), pytest.raises(DataError, match="expected to write"):
        html.write(story(2, 5), tmp_path)
