"""Figures by class name every class and checkpoint, and leave out what was not read."""

import re
from pathlib import Path

from harness.report.classes_drawn import Group, grouped, radar
from tests.records import score


def texts(path: Path, element: str = "text") -> list[str]:
    return re.findall(rf"<{element}[^>]*>([^<]*)</{element}>", path.read_text())


def group(title: str, *classes: str) -> Group:
    scores = [score(0.25, interval=(0.1, 0.4)), score(0.5)]
    return Group(title, dict.fromkeys(classes, scores))


def test_every_class_of_every_kind_has_a_row_and_every_checkpoint_a_point(tmp_path: Path) -> None:
    groups = [
        group("category", "maths", "law"),
        group("complexity", "1"),
        group("length", "2 lines"),
    ]
    grouped(tmp_path / "a.svg", groups, ["base", "iter1"], "by class")
    assert {"maths", "law", "1", "2 lines", "base", "iter1", "by class"} <= {
        *texts(tmp_path / "a.svg")
    }
    told = texts(tmp_path / "a.svg", "title")
    assert len(told) == 8
    assert told[0] == "maths, base: 25.00, 100 read"


def test_one_kind_alone_is_drawn_too(tmp_path: Path) -> None:
    grouped(tmp_path / "a.svg", [group("category", "maths")], ["base", "iter1"], "by class")
    assert texts(tmp_path / "a.svg").count("maths") == 1


def test_a_withheld_class_has_no_point(tmp_path: Path) -> None:
    withheld = Group("category", {"maths": [score(None)]})
    grouped(tmp_path / "a.svg", [withheld], ["base"], "by class")
    assert texts(tmp_path / "a.svg", "title") == []


def test_a_radar_names_directions_and_tells_all_ratings_of_a_checkpoint(tmp_path: Path) -> None:
    radar(tmp_path / "a.svg", ["writing", "maths", "coding"], {"base": [7, 4.5, 5]}, "by category")
    assert {"writing", "maths", "coding", "base", "by category"} <= {*texts(tmp_path / "a.svg")}
    assert texts(tmp_path / "a.svg", "title") == ["base: writing 7.00, maths 4.50, coding 5.00"]
