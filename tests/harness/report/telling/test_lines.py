"""Where a line of checkpoints stops getting better."""

from harness.report.story import Step
from harness.report.telling.lines import lines
from tests.harness.report.telling.series import Value, cell, told

LOW, HIGH = [0.0] * 24, [1.0] * 24
MIDDLE = [*LOW[:12], *HIGH[:12]]


def line(*values: list[Value]) -> list[str]:
    """What is noted of checkpoints that each come from the one before."""
    cells = [
        cell(f"i{n}", one, place={"iteration": str(n)} | ({"parent": f"i{n - 1}"} if n else {}))
        for n, one in enumerate(values)
    ]
    return [*told(*cells).notes]


def test_the_first_that_is_no_better_is_named() -> None:
    (note,) = line([*LOW], [*MIDDLE], [*MIDDLE])
    assert note.endswith("i2 is the first that is not better than i1 before it (undecided)")


def test_the_first_that_is_worse_is_named() -> None:
    assert "i1 is the first" in line([*HIGH], [*LOW], [*HIGH])[0]


def test_a_line_that_rises_throughout_is_said_to() -> None:
    (note,) = line([*LOW], [*MIDDLE], [*HIGH])
    assert note.endswith("every checkpoint up to i2 is better than the one before")


def test_a_single_step_is_told_by_its_ruling_alone() -> None:
    assert line([*LOW], [*HIGH]) == []


def test_a_fork_is_two_lines() -> None:
    def step(name: str, iteration: int, parent: str | None) -> Step:
        return Step(name, iteration, parent, None, None)

    known = [step("b", 0, None), step("x1", 1, "b"), step("y1", 1, "b"), step("y2", 2, "y1")]
    assert lines(known) == [["b", "x1"], ["b", "y1", "y2"]]
