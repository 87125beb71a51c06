"""Lines are told apart without colour, and what is hovered over cannot be anything but text."""

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from harness.report.canvas import canvas, legend, look, tip


@given(st.sets(st.integers(0, 11), min_size=2, max_size=2))
def test_no_two_of_twelve_lines_look_alike_in_grey(numbers: set[int]) -> None:
    first, second = (look(number) for number in numbers)
    hollow = [one.face == "none" for one in (first, second)]
    assert (first.marker, hollow[0]) != (second.marker, hollow[1])


def test_a_tip_becomes_the_title_of_what_is_drawn_and_stays_text(tmp_path: Path) -> None:
    with canvas(tmp_path / "a.svg", (2, 2)) as figure:
        (line,) = figure.subplots().plot([0, 1])
        tip(line, 'a"><script>&amp;')
    svg = (tmp_path / "a.svg").read_text()
    assert "<title>a&quot;&gt;&lt;script&gt;&amp;amp;</title>" in svg
    assert "<script" not in svg


def test_a_legend_names_a_label_of_several_panels_once(tmp_path: Path) -> None:
    with canvas(tmp_path / "a.svg", (4, 2)) as figure:
        axes = figure.subplots(1, 2)
        for place in axes:
            place.plot([0, 1], label="same")
        legend(figure, axes)
    assert len(re.findall(">same<", (tmp_path / "a.svg").read_text())) == 1


def test_nothing_named_has_no_legend(tmp_path: Path) -> None:
    with canvas(tmp_path / "a.svg", (4, 2)) as figure:
        legend(figure, [figure.subplots()])
    assert "legend" not in (tmp_path / "a.svg").read_text()
