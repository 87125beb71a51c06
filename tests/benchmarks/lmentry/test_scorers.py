"""Verdicts on answers that were written by hand from the rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.lmentry.answer import LIKELY, RIGHT, UNLIKELY, WRONG, Mark, normal
from benchmarks.lmentry.data import CORE
from benchmarks.lmentry.scorers import mark
from tests.benchmarks.lmentry.cases import CASES, Case

EXPECTED = {"right": RIGHT, "likely": LIKELY, "unlikely": UNLIKELY, "wrong": WRONG}
ANSWERS = [
    pytest.param(task, answer, EXPECTED[kind], id=f"{task}-{kind}-{answer[:30]!r}")
    for task, case in CASES.items()
    for kind in EXPECTED
    for answer in getattr(case, kind)
]
MORE = {"word1": "anymore", "word2": "sun", "answer": "anymore", "distractor": "sun"}


def given_mark(task: str, answer: str, case: Case) -> Mark:
    return mark(task, answer, {"input": case.question, "metadata": case.facts})


@pytest.mark.parametrize(("task", "answer", "expected"), ANSWERS)
def test_an_answer_has_the_verdict_of_the_rules(task: str, answer: str, expected: Mark) -> None:
    assert given_mark(task, answer, CASES[task]) == expected


@pytest.mark.parametrize("task", CORE)
def test_every_task_has_twenty_answers_and_more(task: str) -> None:
    answers = [answer for kind in EXPECTED for answer in getattr(CASES[task], kind)]
    assert len({*answers}) == len(answers) >= 20


@given(st.sampled_from(CORE), st.text(), st.text())
def test_any_answer_has_a_verdict(task: str, before: str, after: str) -> None:
    case = CASES[task]
    answer = before + (case.likely or case.right)[0] + after
    assert given_mark(task, answer, case) in {*EXPECTED.values()}


@given(st.sampled_from(CORE), st.text(alphabet=" \n\t"))
def test_space_around_an_answer_is_no_matter(task: str, space: str) -> None:
    case = CASES[task]
    for answer in (case.right[0], case.unlikely[0] if case.unlikely else "", "x y"):
        assert given_mark(task, space + answer + space, case) == given_mark(task, answer, case)


@given(st.text())
def test_a_normal_answer_has_no_underscore_and_is_in_lower_case(answer: str) -> None:
    assert "_" not in normal(answer)
    assert normal(answer) == normal(answer.lower())


def test_a_long_s_is_a_letter_where_case_is_no_matter_only() -> None:
    assert given_mark("first_word", "the word her", CASES["first_word"]) == RIGHT
    sun = Case({"word": "sun", "answer": "s"}, [], [], [], [])
    assert given_mark("first_letter", "s\u017f", sun) == WRONG


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("anymore is longer", RIGHT),
        ("sun is longer", WRONG),
        # Upstream turns every form round where a word holds "more", this one too.
        ("I say sun is longer", LIKELY),
        ("I say sun is longer than anyless", LIKELY),
        ("I say sun is longer than anymore", LIKELY),
        ("I say sun has more letters", UNLIKELY),
    ],
)
def test_a_word_that_holds_more_turns_the_forms_round(answer: str, expected: Mark) -> None:
    assert mark("more_letters", answer, {"metadata": MORE}) == expected


def test_an_unknown_task_has_no_scorer() -> None:
    with pytest.raises(KeyError):
        mark("spelling", "yes", {"metadata": {}})


def test_underscores_are_spaces_to_the_scorers() -> None:
    assert normal(" The_Answer  is ") == "the answer is"
