"""How Arena-Hard's judge is asked, and which of its labels is read."""

import re

import pytest

from benchmarks.arena_hard.rubric import LABELS, read_label, rubric
from harness.errors import SpecError
from harness.types import Assets, Generation, Response, Unread
from tests.records import comparison, generation, prompt

PATTERN = re.compile(r"\[\[([AB<>=]+)\]\]")


@pytest.mark.parametrize(("label", "value"), LABELS.items())
def test_each_of_five_labels_is_a_preference_for_the_second_answer(
    label: str, value: float
) -> None:
    assert read_label(generation(f"so: [[{label}]]"), PATTERN) == value


def test_a_label_that_is_repeated_is_read_once() -> None:
    assert read_label(generation("[[A>B]] that is [[A>B]]"), PATTERN) == 0.25


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("A is better", "no verdict label"),
        ("[A>B]", "no verdict label"),
        ("[[A>B]] or rather [[B>A]]", "several verdict labels that differ"),
        ("[[A<B]]", "a verdict label that was not asked for"),
        ("[[AAB]]", "a verdict label that was not asked for"),
    ],
)
def test_what_is_off_the_form_is_unread_with_its_cause(said: str, cause: str) -> None:
    assert read_label(generation(said), PATTERN) == Unread(cause)


def test_a_reply_that_was_cut_off_before_its_label_says_so() -> None:
    answer = Generation(prompt(), "judge", (Response("First,", "length"),))
    assert read_label(answer, PATTERN) == Unread("no verdict label: cut short")


def test_the_baseline_is_assistant_a(official: Assets) -> None:
    (shown,) = rubric(official).ask(comparison("mine", "theirs", prompt("asked"))).turns
    assert re.fullmatch(r"(?s).*asked.*Start.*A's.*theirs.*Start.*B's.*mine.*", shown)


def test_a_response_that_contains_a_slot_stays_text(official: Assets) -> None:
    (shown,) = rubric(official).ask(comparison("{question_1}", "{answer_2}", prompt("q"))).turns
    assert "{question_1}" in shown
    assert "{answer_2}" in shown


def test_the_judge_decodes_as_its_configuration_says(official: Assets) -> None:
    decoding = rubric(official).decoding
    assert (decoding.max_tokens, decoding.temperature) == (4096, 0)


def test_an_answer_alone_is_not_compared_with_nothing(official: Assets) -> None:
    with pytest.raises(SpecError, match="rates nobody alone"):
        rubric(official).ask(comparison("a", None, prompt("q")))
