"""Who is compared with whom, and what of a cell's identity is shared."""

import pytest

from harness.report.story import Step
from harness.report.telling.cells import opponents, steps
from tests.harness.report.telling.series import cell


def step(name: str, iteration: int | None = None, parent: str | None = None) -> Step:
    return Step(name, iteration, parent, None, None)


FORK = [step("base", 0), step("a1", 1, "base"), step("b1", 1, "base"), step("b2", 2, "b1")]


@pytest.mark.parametrize(
    ("name", "against"), [("base", []), ("a1", ["base"]), ("b1", ["base"]), ("b2", ["b1", "base"])]
)
def test_a_checkpoint_meets_its_parent_and_its_base(name: str, against: list[str]) -> None:
    (one,) = [s for s in FORK if s.name == name]
    assert opponents(FORK, one) == against


def test_without_parents_the_one_listed_before_is_met() -> None:
    listed = [step("a"), step("b"), step("c")]
    assert opponents(listed, listed[2]) == ["b", "a"]


def test_a_second_base_meets_nobody() -> None:
    listed = [step("a", 0), step("a1", 1, "a"), step("b", 0)]
    assert opponents(listed, listed[2]) == []


def test_a_parent_that_was_not_scored_is_not_met() -> None:
    listed = [step("a", 0), step("c", 2, "b")]
    assert opponents(listed, listed[1]) == ["a"]


def test_parents_that_go_round_end() -> None:
    listed = [step("a", 1, "b"), step("b", 2, "a")]
    assert opponents(listed, listed[0]) == ["b", "a"]


def test_steps_are_read_off_the_identity_once_each() -> None:
    place = {"iteration": "1", "parent": "base", "method": "sppo", "trained_by_judge": "pairrm"}
    cells = [cell("base"), cell("i1", place=place), cell("base", benchmark="other@1")]
    assert steps(cells) == [
        Step("base", None, None, None, None),
        Step("i1", 1, "base", "sppo", "pairrm"),
    ]


def test_the_checkpoint_and_the_gold_judge_are_no_part_of_what_is_shared() -> None:
    identity = {"model weights": "f", "gold judge": "x", "gold judge model": "x", "prompts": "9"}
    assert cell("a", identity=identity).shared == {"benchmark": "tiny@1", "judge": "openai:gpt-4"}
