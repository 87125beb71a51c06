from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import SpecError
from harness.models.hf import build
from harness.models.scripted import Scripted
from harness.types import Comparison, ModelOptions, Unread
from tests.records import comparison, generation, judge, prompt
from train.demo.checkpoint import make_base
from train.demo.judges.tiny_additive import TINY_ADDITIVE

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")
ALONE = comparison("*ab.", None, prompt("copy:ab="))


@pytest.mark.parametrize("points", range(6))
def test_a_digit_is_a_rating(points: int) -> None:
    assert TINY_ADDITIVE.read(generation(str(points))) == points


@pytest.mark.parametrize("text", ["", "6", "-1", "55", "5.", " 5", "5\n", "٤", "x", "five"])
def test_anything_else_is_unread(text: str) -> None:
    assert TINY_ADDITIVE.read(generation(text)) == Unread(f"not one digit from 0 to 5: {text!r}")


@given(st.text(min_size=2))
def test_more_than_a_digit_is_unread(text: str) -> None:
    assert isinstance(TINY_ADDITIVE.read(generation(text)), Unread)


def test_the_model_is_asked_with_prompt_response_and_colon() -> None:
    model = Scripted(lambda asked: "4" if asked.turns == ("copy:ab=*ab.:",) else "?")
    verdicts = judge("tiny_additive:scripted:x", model)(
        [ALONE, comparison("*b.", None, prompt("copy:ab="))]
    )
    assert [verdict.value for verdict in verdicts] == [4, None]
    assert {asked.decoding for asked in model.asked} == {TINY_ADDITIVE.decoding}


def test_the_identity_tells_its_own_rubric() -> None:
    assert judge("tiny_additive:m", Scripted(lambda _: "")).identity["rubric"] == "tiny_additive"


def test_a_missing_response_is_unread_and_not_asked_about() -> None:
    model = Scripted(lambda _: "4")
    failed = Comparison(generation(failure="too long"))
    (verdict,) = judge("tiny_additive:m", model)([failed])
    assert (verdict.value, verdict.cause, model.asked) == (None, "no response: too long", [])


def test_two_responses_are_refused() -> None:
    with pytest.raises(SpecError, match=r"rate one by one.*copy:ab=.*such as tiny_long"):
        TINY_ADDITIVE.ask(comparison("*ab.", "*b.", prompt("copy:ab=")))


def test_a_checkpoint_can_judge(tmp_path: Path) -> None:
    model = build(f"hf:{make_base(tmp_path)}", ModelOptions())
    (verdict,) = judge("tiny_additive:self", model)([ALONE])
    assert verdict.raw is not None
    assert len(verdict.raw.text) <= 2
