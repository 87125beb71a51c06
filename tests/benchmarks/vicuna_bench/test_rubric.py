import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.vicuna_bench.rubric import (
    REVIEWERS,
    Question,
    preference,
    read_preference,
    read_scores,
    rubric,
)
from harness.errors import SpecError
from harness.types import Comparison, Decoding, Unread
from tests.benchmarks.vicuna_bench.records import CODE, PLAIN, SHELF, answered
from tests.records import comparison, generation, prompt

RUBRIC = rubric(SHELF)


def shown(question: Question, text: str = "mine") -> Comparison:
    return Comparison(answered(question, text), answered(question, "theirs", model="theirs"))


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        (PLAIN, "Q How? 1 theirs 2 mine Score."),
        (CODE, "Q Sort. 1 theirs 2 mine Score {code}."),
    ],
)
def test_the_baseline_is_shown_first_by_the_template_of_the_category(
    question: Question, asked: str
) -> None:
    prompt = RUBRIC.ask(shown(question))
    assert (prompt.turns, prompt.system) == ((asked,), "Check.")


def test_the_judge_decodes_as_its_reviewer_does() -> None:
    assert RUBRIC.ask(shown(CODE)).decoding == Decoding(1024, temperature=0.2)
    assert RUBRIC.ask(shown(CODE)).id == "vicuna_bench/61/reviewer-coding"


def test_a_prompt_of_another_set_is_judged_by_the_general_template() -> None:
    asked = RUBRIC.ask(comparison("b", "a", prompt("q", "r")))
    assert asked.turns == ("Q q\n\nr 1 a 2 b Score.",)


def test_marks_of_a_template_in_an_answer_stay_text() -> None:
    assert RUBRIC.ask(shown(PLAIN, "{answer_1}")).turns == ("Q How? 1 theirs 2 {answer_1} Score.",)


def test_one_answer_cannot_be_scored_alone() -> None:
    with pytest.raises(SpecError, match="expected two answers to compare, came one"):
        RUBRIC.ask(Comparison(answered(PLAIN, "mine")))


def test_another_reviewer_makes_another_rubric() -> None:
    changed = SHELF.files[REVIEWERS].replace(b"0.2", b"0.3")
    other = type(SHELF)({**SHELF.files, REVIEWERS: changed})
    assert rubric(other).digest != RUBRIC.digest


@pytest.mark.parametrize(
    ("said", "scores"),
    [
        ("8 9\nBoth are fine.", (8, 9)),
        ("8, 6.5", (8, 6.5)),
        ("8/10 9/10", (8, 9)),
        ("10,1\n(3, 4)", (10, 1)),
        ("Let us see.\nOutput: (1, 7)", (1, 7)),
        ("First (10, 4) is a point.\nThe output tuple is (10, 1).", (10, 1)),
    ],
)
def test_two_scores_are_read(said: str, scores: tuple[float, float]) -> None:
    assert read_scores(said) == scores


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("Both are fine.", "no two scores"),
        ("8 9 10", "no two scores"),
        ("The distance from (2, -2) to (10, 4) is 10.", "no two scores"),
        ("0 9\nNo answer.", "a score outside 1 to 10: 0 and 9"),
        ("8 11", "a score outside 1 to 10: 8 and 11"),
    ],
)
def test_what_holds_no_two_scores_is_unread_with_its_cause(said: str, cause: str) -> None:
    assert read_scores(said) == read_preference(generation(said)) == Unread(cause)


@pytest.mark.parametrize(("said", "value"), [("7 8", 1.0), ("8 7", 0.0), ("8 8.0", 0.5)])
def test_the_higher_score_is_preferred(said: str, value: float) -> None:
    assert read_preference(generation(said)) == value


@given(st.floats(1, 10), st.floats(1, 10))
def test_the_preference_turns_with_the_scores(first: float, second: float) -> None:
    assert preference((first, second)) == 1 - preference((second, first))
