import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.types import Decoding, Generation, Prompt, Response, Unread
from train.multi_aspect import ask, read

ASKED = Prompt("ranked/0/1.0/0", ("Name a {n} colour.",), Decoding(9))


def said(text: str, finish_reason: str = "stop") -> Generation:
    return Generation(ASKED, "judge", (Response(text, finish_reason),))


@given(st.permutations(range(5)))
def test_what_is_asked_for_is_read(numbers: list[int]) -> None:
    assert read(said(f"4: 15\n0: 3\nrank: {numbers}"), 4) == [one for one in numbers if one != 4]


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("rank: [2, 4, 1, 0, 3]", [2, 1, 0, 3]),
        ("Rank: [2, 1, 0, 3]", [2, 1, 0, 3]),
        ("**rank:** [0,1 ,2,3,4].", [0, 1, 2, 3]),
        ("Final rank: 3, 2, 1, 0", [3, 2, 1, 0]),
        ("rank: [0, 1, 2, 3]\nNo, I was wrong.\nrank: [3, 2, 1, 0]", [3, 2, 1, 0]),
        ("rank: [3, 2, 1, 0]\nResponse 3 is the best.", [3, 2, 1, 0]),
    ],
)
def test_the_last_rank_counts_without_the_judges_own_response(text: str, order: list[int]) -> None:
    assert read(said(text), 4) == order


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "the judge said nothing"),
        ("The best is 2.", "no rank"),
        ("ranking: [0, 1, 2, 3]", "no rank"),
        ("frank: [0, 1, 2, 3]", "no rank"),
        ("rank: none", "no list of numbers: 'none'"),
        ("rank:\n[0, 1, 2, 3]", "no list of numbers: ''"),
        ("rank: [0, 1, 2, 3", None),
        ("rank: [0, 1, 2.5, 3]", "no list of numbers: '[0, 1, 2.5, 3]'"),
        ("rank: [0, -1, 2, 3]", "no list of numbers: '[0, -1, 2, 3]'"),
        ("rank: 0 > 1 > 2 > 3", "no list of numbers: '0 > 1 > 2 > 3'"),
        ("rank: [" + "1" * 9000 + "]", f"no list of numbers: '[{'1' * 39}'"),
        ("rank: [0, 1, 2]", "not each of 0 to 3 once: '0, 1, 2'"),
        ("rank: [0, 1, 2, 2]", "not each of 0 to 3 once: '0, 1, 2, 2'"),
        ("rank: [0, 1, 2, 3, 5]", "not each of 0 to 3 once: '0, 1, 2, 3, 5'"),
        ("rank: [0, 1, 2, 3]\nrank: unsure", "no list of numbers: 'unsure'"),
    ],
)
def test_anything_else_is_unread(text: str, cause: str | None) -> None:
    assert read(said(text), 4) == ([0, 1, 2, 3] if cause is None else Unread(cause))


def test_an_answer_that_was_cut_is_unread() -> None:
    assert read(said("rank: [0, 1]", "length"), 2) == Unread("no rank: cut short")


def test_a_judge_that_refuses_is_unread() -> None:
    refused = Generation(ASKED, "judge", (), "too long")
    assert read(refused, 2) == Unread("judge refused: too long")


def test_the_judge_sees_the_request_and_the_responses_as_they_are() -> None:
    prompt = ask([said("red {n}"), said("blue"), said("green")])
    (text,) = prompt.turns
    assert text.startswith("<request>\nName a {n} colour.\n</request>\n\n<response 0>\nred {n}\n<")
    assert "<response 2>\ngreen\n</response 2>\n\nRank the responses" in text
    assert "It is number 3," in text
    assert text.endswith("\nrank: [number, number, ...]")
    assert (prompt.decoding, prompt.system) == (Decoding(2048), None)
    assert prompt.id != ASKED.id
