"""Figures are the same file each time, and their text is text."""

import re
import sys
from pathlib import Path

import pytest

from harness.errors import DataError, ModelError
from harness.report.figures import Bar, Panel, Square, bars, heat_map, panels
from tests.full_disk import largest_file

DRAWN = [
    Panel("win rate", {"sppo": [(0, 50), (1, 61), (2, 66)], "dpo": [(0, 50), (1, 63)]}),
    Panel("length", {"dpo": [(0, 5), (1, 7)], "ipo <&>": [(0, 5)]}),
]


@pytest.fixture
def svg(tmp_path: Path) -> str:
    panels(tmp_path / "a.svg", DRAWN, across="iteration")
    return (tmp_path / "a.svg").read_text()


def test_titles_axes_and_lines_are_named_once(svg: str) -> None:
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    for text, times in {"win rate": 1, "length": 1, "iteration": 2, "sppo": 1, "dpo": 1}.items():
        assert texts.count(text) == times, text
    assert "ipo &lt;&amp;&gt;" in texts


def test_a_line_has_one_colour_in_all_panels(svg: str) -> None:
    assert svg.count("stroke: #d55e00; stroke-width: 1.5; stroke-linecap: square") == 3


def test_the_same_figure_is_the_same_file(svg: str, tmp_path: Path) -> None:
    panels(tmp_path / "b.svg", DRAWN, across="iteration")
    assert (tmp_path / "b.svg").read_text() == svg


def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    with largest_file(100), pytest.raises(DataError, match=r"expected to write .*a.svg"):
        panels(tmp_path / "a.svg", DRAWN, across="iteration")


def test_without_matplotlib_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ModelError, match=r"iterbench\[figures\]"):
        panels(tmp_path / "a.svg", DRAWN, across="iteration")


def texts(path: Path) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text())


def test_bars_name_their_pair_and_the_shares_that_have_room(tmp_path: Path) -> None:
    drawn = [Bar("a vs $b$", {"win": 60.0, "tie": 38.0, "lose": 2.0})]
    bars(tmp_path / "bars.svg", drawn, "who wins")
    found = texts(tmp_path / "bars.svg")
    assert {"a vs $b$", "60.0", "38.0", "win", "tie", "lose", "who wins"} <= set(found)
    assert "2.0" not in found
    assert "lose 2.0" in found


def test_a_heat_map_shows_values_with_what_stands_below_and_leaves_blanks(tmp_path: Path) -> None:
    squares = [
        [Square(None, ""), Square(81.0, "70.0 – 90.0")],
        [Square(19.0, ""), Square(None, "")],
    ]
    heat_map(tmp_path / "map.svg", ["a", "b"], squares, "row over column")
    found = texts(tmp_path / "map.svg")
    assert {"81.0", "70.0 – 90.0", "19.0", "row over column"} <= set(found)
    assert found.count("a") == found.count("b") == 2
    bold = re.findall(
        r"<text[^>]*font-weight: 700[^>]*>([^<]*)<", (tmp_path / "map.svg").read_text()
    )
    assert bold == ["81.0"]
