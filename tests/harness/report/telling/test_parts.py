"""Where it got worse: categories and prompts."""

from harness.report.telling.parts import MOST_FALLEN
from tests.harness.report.telling.series import cell, told

CHILD = {"iteration": "1", "parent": "base"}
HALVES = {f"p/{n:03}": "writing" if n < 12 else "math" for n in range(24)}


def test_a_category_that_fell_is_worse_and_another_is_not() -> None:
    base, child = [1.0] * 24, [1.0] * 12 + [0.0] * 12
    writing, math = told(
        cell("base", base), cell("i1", child, place=CHILD), categories=HALVES
    ).parts
    assert (writing.category, writing.ruling, writing.difference.value) == (
        "writing",
        "undecided",
        0,
    )
    assert (math.category, math.ruling, math.difference.value) == ("math", "worse", -1)
    assert math.difference.n == 12


def test_categories_of_which_nothing_was_read_are_left_out() -> None:
    child = [1.0] * 20 + [None] * 4
    of = {id_: "math" if int(id_[-2:]) >= 20 else "writing" for id_ in HALVES}
    parts = told(cell("base", [1.0] * 24), cell("i1", child, place=CHILD), categories=of).parts
    assert [part.category for part in parts] == ["writing"]


def test_without_categories_there_are_no_parts() -> None:
    assert told(cell("base"), cell("i1", place=CHILD)).parts == []


def test_the_prompts_that_fell_are_listed_the_worst_first() -> None:
    base, child = [1.0, 0.5, 1.0, 0.2, None], [0.9, 0.5, 0.0, 0.4, 1.0]
    story = told(cell("base", base), cell("i1", child, place=CHILD))
    assert [(f.id, f.before, f.after) for f in story.fallen] == [
        ("p/002", 1.0, 0.0),
        ("p/000", 1.0, 0.9),
    ]


def test_no_more_than_so_many_are_listed() -> None:
    story = told(cell("base", [1.0] * 50), cell("i1", [0.0] * 50, place=CHILD))
    assert len(story.fallen) == MOST_FALLEN


def test_prompts_are_listed_against_the_one_before_alone() -> None:
    grandchild = cell("i2", [0.0] * 3, place={"iteration": "2", "parent": "i1"})
    story = told(cell("base", [1.0] * 3), cell("i1", [0.0] * 3, place=CHILD), grandchild)
    assert {(f.step, f.against) for f in story.fallen} == {("i1", "base")}


def test_categories_are_tested_by_clusters_and_by_holm_over_those_of_one_checkpoint() -> None:
    """Eight losses: 2 of 2^8 patterns are as far, p = 0.0078; in four clusters 2 of 2^4."""
    cells = [cell("base", [1.0] * 24), cell("i1", [0.0] * 8 + [1.0] * 16, place=CHILD)]
    fell = {f"p/{n:03}": "fell" for n in range(8)}
    (alone,) = told(*cells, categories=fell).parts
    assert alone.ruling == "worse"
    (by_four,) = told(*cells, categories=fell, cluster=lambda id_: str(int(id_[-3:]) // 2)).parts
    assert by_four.ruling == "undecided"
    many = {**fell, **{f"p/{n:03}": f"same{n}" for n in range(8, 15)}}
    rulings = {part.category: part.ruling for part in told(*cells, categories=many).parts}
    assert (len(rulings), rulings["fell"]) == (8, "undecided")  # 8 times 0.0078
