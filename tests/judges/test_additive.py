import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import SpecError
from harness.models.scripted import Scripted
from harness.types import Decoding, Generation, Response, Unread
from judges.additive import ADDITIVE
from tests.records import comparison, generation, judge, prompt


def said(text: str) -> float | Unread:
    return ADDITIVE.read(generation(text))


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("Relevant, clear.\nScore: 4", 4),
        ("Score: 0", 0),
        ("Score: 5", 5),
        ("Score:3", 3),
        ("Score: 4/5", 4),
        ("Score: 4 out of 5.", 4),
        ("Score: 1 point", 1),
        ("**Score:** 2", 2),
        ("**Score: 2**\n", 2),
        ("Score: 1 at first sight.\nScore: 3", 3),
        ("Score: 2\nThat is all.", 2),
    ],
)
def test_the_last_score_is_read(text: str, points: int) -> None:
    assert said(text) == points


@pytest.mark.parametrize(
    "number",
    ["6", "-1", "4.5", "4,5", "14", "40", "4/10", "3-4", "3 or 4", "four", "n", "", "٤", "4 of 5"],
)
def test_anything_but_a_whole_number_from_0_to_5_is_unread(number: str) -> None:
    assert said(f"Good.\nScore: {number}") == Unread(
        f"not a whole number from 0 to 5: {number[:40]!r}"
    )


def test_a_score_that_cannot_be_read_is_not_replaced_by_an_earlier_one() -> None:
    assert isinstance(said("Score: 4\nScore: seven"), Unread)


@pytest.mark.parametrize("text", ["4", "Underscore: 4", "Score 4"])
def test_an_answer_without_a_score_is_unread(text: str) -> None:
    assert said(text) == Unread("no score")


def test_an_answer_that_was_cut_short_is_unread() -> None:
    cut = Generation(prompt(), "judge", (Response("Score: 4", finish_reason="length"),))
    assert ADDITIVE.read(cut) == Unread("no score: cut short")


@given(st.text(st.characters(exclude_categories=())).filter(lambda text: ":" not in text))
def test_garbage_is_unread(text: str) -> None:
    assert isinstance(said(text), Unread)


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_follows_score_is_a_rating_or_unread(text: str) -> None:
    value = said(f"Score:{text}")
    assert isinstance(value, Unread) or value in range(6)


def test_judgments_are_sampled_as_the_paper_samples_them() -> None:
    assert ADDITIVE.decoding == Decoding(max_tokens=512, temperature=0.7, top_p=0.9)


def test_the_judge_is_shown_the_question_and_the_response_as_they_are() -> None:
    asked = ADDITIVE.ask(comparison("{question} it", None, prompt("Why {response}?")))
    assert "<question>\nWhy {response}?\n</question>" in asked.turns[0]
    assert "<response>\n{question} it\n</response>" in asked.turns[0]


def test_it_is_a_judge_by_name_whose_verdict_is_the_rating() -> None:
    model = Scripted(lambda asked: "Fine.\nScore: 4" if "mine" in asked.turns[0] else "?")
    verdicts = judge("additive:scripted:x", model)(
        [comparison("mine", None), comparison("yours", None)]
    )
    assert [v.value for v in verdicts] == [4, None]


def test_the_identity_tells_its_own_rubric() -> None:
    assert judge("additive:m", Scripted(lambda _: "")).identity["rubric"] == "additive"


def test_a_missing_response_is_unread_and_not_asked_about() -> None:
    model = Scripted(lambda _: "Score: 4")
    missing = comparison("", None).candidate.prompt
    failed = Generation(missing, "candidate", (), failure="too long")
    (verdict,) = judge("additive:m", model)([type(comparison())(failed)])
    assert (verdict.value, verdict.cause, model.asked) == (None, "no response: too long", [])


def test_two_responses_are_refused() -> None:
    with pytest.raises(SpecError, match=r"rate one by one.*q0.*name another judge"):
        judge("additive:m", Scripted(lambda _: "Score: 4"))([comparison("yes", "no")])
