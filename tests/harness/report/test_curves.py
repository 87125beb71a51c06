"""Curves show every point with its interval; the front holds whom none beats in both ways."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.curves import Curve, Plot, Point, curves, frontier, pareto

PLOTS = [
    Plot(
        "AlpacaEval",
        "%",
        [Curve("LC", [Point(0, 20, (18, 22), "base"), Point(1, 28.5, None, "a")])],
    ),
    Plot("MT-Bench", "rating", [Curve("score", [Point(0, 6.5, (6.1, 6.9), "base")])]),
]


def texts(path: Path, element: str = "text") -> list[str]:
    return re.findall(rf"<{element}[^>]*>([^<]*)</{element}>", path.read_text())


def test_each_point_tells_its_name_value_and_interval(tmp_path: Path) -> None:
    curves(tmp_path / "a.svg", PLOTS, "iteration")
    assert texts(tmp_path / "a.svg", "title") == [
        "base: 20 [18, 22]",
        "a: 28.5",
        "base: 6.5 [6.1, 6.9]",
    ]


def test_panels_name_titles_units_and_lines(tmp_path: Path) -> None:
    curves(tmp_path / "a.svg", PLOTS, "iteration")
    assert {"AlpacaEval", "MT-Bench", "%", "rating", "LC", "score"} <= {*texts(tmp_path / "a.svg")}


def test_without_iterations_checkpoints_stand_by_name(tmp_path: Path) -> None:
    curves(tmp_path / "a.svg", PLOTS, "", ["base", "tuned & merged"])
    assert texts(tmp_path / "a.svg").count("tuned &amp; merged") == 2


def test_a_fourth_panel_begins_a_second_row(tmp_path: Path) -> None:
    curves(tmp_path / "three.svg", PLOTS[:1] * 3, "iteration")
    curves(tmp_path / "four.svg", PLOTS[:1] * 4, "iteration")
    sizes = [
        re.search(r'viewBox="0 0 (\S+) (\S+)"', (tmp_path / n).read_text())
        for n in ("three.svg", "four.svg")
    ]
    (three, four) = [(s[1], float(s[2])) for s in sizes if s]
    assert three[0] == four[0]
    assert four[1] > 1.5 * three[1]


def test_the_same_curves_are_the_same_file(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        curves(tmp_path / name, PLOTS, "iteration")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def at(x: float, y: float) -> Point:
    return Point(x, y, None, f"{x} {y}")


def test_the_front_leaves_out_what_is_longer_and_no_better() -> None:
    """At length 1 only 5 stays; (2, 4) is longer and worse than it, (3, 6) longer and better."""
    assert pareto([at(3, 6), at(1, 5), at(2, 4), at(1, 3)]) == [at(1, 5), at(3, 6)]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1))
def test_whoever_is_not_on_the_front_is_beaten_by_one_on_it(pairs: list[tuple[int, int]]) -> None:
    points = [at(*pair) for pair in pairs]
    front = pareto(points)
    for p in points:
        assert (p.x, p.y) in {(f.x, f.y) for f in front} or any(
            f.x <= p.x and f.y >= p.y for f in front
        )
    assert all(not (a.x <= b.x and a.y >= b.y) for a in front for b in front if a is not b)


def test_the_frontier_names_every_checkpoint_and_the_front(tmp_path: Path) -> None:
    frontier(tmp_path / "f.svg", [at(1, 5), at(2, 4)], ("length", "win rate"), "who is short")
    found = texts(tmp_path / "f.svg")
    assert {"1 5", "2 4", "Pareto front", "length", "win rate", "who is short"} <= {*found}


@pytest.mark.parametrize("ends", [(15.0, 25.0), None])
def test_a_point_of_the_frontier_may_have_an_interval(
    tmp_path: Path, ends: tuple[float, float] | None
) -> None:
    frontier(tmp_path / "f.svg", [Point(1, 20, ends, "a")], ("x", "y"), "t")
    assert texts(tmp_path / "f.svg", "title") == ["a: 20 [15, 25]" if ends else "a: 20"]
