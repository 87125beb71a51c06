"""Why an answer is unread."""

import pytest

from harness.reading import off_form
from harness.types import Response, Unread
from tests.records import generation


def cause(text: str, finish_reason: str = "stop") -> str:
    return off_form(generation(responses=(Response(text, finish_reason),)), "no rating").cause


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_nothing_said_is_told_first(text: str) -> None:
    assert cause(text, "length") == "the judge said nothing"


def test_an_answer_that_ran_out_of_room_is_cut_short() -> None:
    assert cause("I'm sorry, but", "length") == "no rating: cut short"


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't rate this.",
        "I’m very sorry.",
        "“I cannot help with that.",
        "As an AI language model, I have no opinions.",
        "I am unable to judge.",
        "Sorry, no.",
        "I apologize, but this is not something to rate.",
    ],
)
def test_a_refusal_in_words_is_told(text: str) -> None:
    assert cause(text) == "no rating: the judge refuses"


@pytest.mark.parametrize(
    "text", ["Both are good.", "The answer says: I'm sorry.", "I can see that A is better."]
)
def test_anything_else_lacks_what_was_asked_for(text: str) -> None:
    assert off_form(generation(text), "no rating") == Unread("no rating")
