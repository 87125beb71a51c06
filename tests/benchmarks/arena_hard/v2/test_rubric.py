"""How v2.0's judge is asked by category, and which of its labels is read."""

import pytest

from benchmarks.arena_hard.v2.rubric import load_settings, rubric
from harness.errors import DataError, SpecError
from harness.types import Unread
from tests.benchmarks.arena_hard.v2.made import TOLD, small
from tests.records import comparison, generation, prompt

HARD = prompt("asked", id="arena_hard/hard_prompt/h1")
CREATIVE = prompt("asked", id="arena_hard/creative_writing/c1")


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("[[A>>B]]", 0.0),
        ("[[A>B]] or rather [[B>A]]", 0.75),
        ("first [[A=B]], then [B>>A]", 0.5),
        ("only [B>>A]", 1.0),
        ("[[a>b]]", 0.25),
        ("[[A<<B]] says the same as [[B>>A]]: [[A<<B]]", 1.0),
        ("[[B<A]]", 0.25),
    ],
)
def test_the_last_label_of_the_first_pattern_is_read(said: str, value: float) -> None:
    assert rubric(small()).read(generation(said)) == value


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("A is better", "no verdict label"),
        ("[[AAB]]", "a verdict label that was not asked for"),
        ("", "the judge said nothing"),
    ],
)
def test_what_is_off_the_form_is_unread_with_its_cause(said: str, cause: str) -> None:
    assert rubric(small()).read(generation(said)) == Unread(cause)


def test_each_category_has_its_own_instructions() -> None:
    ask = rubric(small()).ask
    systems = [ask(comparison("a", "b", asked)).system for asked in (HARD, CREATIVE)]
    assert systems == ["Answer first.", "Only judge."]


def test_a_prompt_from_elsewhere_is_judged_as_a_hard_one() -> None:
    assert rubric(small()).ask(comparison("a", "b", prompt("q"))).system == "Answer first."


def test_the_baseline_is_assistant_a_and_a_slot_in_an_answer_stays_text() -> None:
    (shown,) = rubric(small()).ask(comparison("{ANSWER_A}", "{QUESTION}", HARD)).turns
    assert shown == (
        "<|User Prompt|>\nasked\n\n"
        "<|The Start of Assistant A's Answer|>\n{QUESTION}\n<|The End of Assistant A's Answer|>\n\n"
        "<|The Start of Assistant B's Answer|>\n{ANSWER_A}\n<|The End of Assistant B's Answer|>"
    )


def test_the_judge_decodes_as_its_configuration_says() -> None:
    decoding = rubric(small()).decoding
    assert (decoding.max_tokens, decoding.temperature) == (16000, 0)


def test_other_instructions_make_another_rubric() -> None:
    other = small(settings=TOLD.replace("Only judge.", "Judge."))
    assert rubric(other).digest != rubric(small()).digest


def test_settings_may_name_the_constants_before_them() -> None:
    assert load_settings(small())["hard_prompt"].system == "Answer first."


@pytest.mark.parametrize(
    "source",
    [
        "JUDGE_SETTINGS = {'hard_prompt': {'baseline': open('x'), 'system_prompt': ''}}",
        "JUDGE_SETTINGS = {'hard_prompt': {'baseline': 'b'}}",
        "JUDGE_SETTINGS = {'hard_prompt': {'baseline': 'b', 'system_prompt': UNKNOWN}}",
        "JUDGE_SETTINGS = ['hard_prompt']",
        "OTHER = {}",
        "JUDGE_SETTINGS = {",
    ],
)
def test_settings_that_are_no_literals_are_refused_and_never_run(source: str) -> None:
    with pytest.raises(DataError, match=r"judge_utils.py.*pull the file again"):
        load_settings(small(settings=source))


def test_an_answer_alone_is_not_compared_with_nothing() -> None:
    with pytest.raises(SpecError, match="rates nobody alone"):
        rubric(small()).ask(comparison("a", None, prompt("q")))
