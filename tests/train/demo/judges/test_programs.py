from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import SpecError
from tests.records import comparison, generation, judge, prompt

NAMES = ("tiny_gold", "tiny_long", "tiny_eval")
each_judge = pytest.mark.parametrize("name", NAMES)
texts = st.text("*+~abc.!xyz", max_size=9) | st.text(max_size=5)


def preference(name: str, one: str, other: str) -> float | None:
    (verdict,) = judge(name)([comparison(one, other, prompt("sort:cab="))])
    return verdict.value


@pytest.mark.parametrize(
    ("name", "value"),
    # 4 - 0.48 against 4, and four characters more: -0.48, -0.48 + 0.6, -0.48 + 1.2
    [("tiny_gold", 0.3822521252), ("tiny_long", 0.5299640518), ("tiny_eval", 0.6726070170)],
)
def test_each_judge_has_its_own_weakness_for_length(name: str, value: float) -> None:
    assert preference(name, "*abc.xxxx", "*abc.") == pytest.approx(value)


@each_judge
def test_a_model_that_would_not_be_asked_is_refused(name: str) -> None:
    with pytest.raises(SpecError, match="came it with the model 'parrot', which it would not ask"):
        judge(f"{name}:parrot")


@each_judge
@given(texts, texts)
def test_a_judge_does_not_mind_which_side_is_shown_first(name: str, one: str, other: str) -> None:
    value = preference(name, one, other)
    assert value is not None
    assert preference(name, other, one) == pytest.approx(1 - value)


@each_judge
@pytest.mark.parametrize("text", ["", "*abc.", "junk"])
def test_equal_texts_are_a_tie(name: str, text: str) -> None:
    assert preference(name, text, text) == 0.5


@each_judge
def test_a_missing_response_is_unread(name: str) -> None:
    asked = prompt("sort:cab=")
    missing = generation(prompt=asked, failure="too long")
    shown = replace(comparison("", "*abc.", asked), candidate=missing)
    (verdict,) = judge(name)([shown])
    assert (verdict.value, verdict.cause) == (None, "no response: too long")


@each_judge
def test_a_judge_is_called_as_the_user_called_it(name: str) -> None:
    assert judge(name).name == name


def test_the_three_are_different_judges() -> None:
    assert len({str(judge(name).identity) for name in NAMES}) == 3
