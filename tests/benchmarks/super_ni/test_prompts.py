from benchmarks.super_ni.data import at_hand
from benchmarks.super_ni.prompts import chat, tk_instruct
from tests.benchmarks.super_ni.small import Small

TASK = at_hand(Small())[0]
FIRST, SECOND = TASK.instances


def test_a_definition_and_an_input_get_full_stops_and_labels() -> None:
    assert tk_instruct(TASK, FIRST, 0) == (
        "Definition: Give the text a title.\n\n"
        "Now complete the following example -\nInput: He was running home.\nOutput: "
    )


def test_positive_examples_stand_between() -> None:
    assert tk_instruct(TASK, SECOND, 2) == (
        "Definition: Give the text a title.\n\n"
        " Positive Example 1 -\nInput: It rained all day.\n Output: Rain.\n\n"
        " Positive Example 2 -\nInput: A cat slept.\n Output: Sleeping cat!\n\n"
        "Now complete the following example -\nInput: What is it?\nOutput: "
    )


def test_an_empty_input_gets_a_full_stop_as_upstream_gives_it() -> None:
    empty = FIRST._replace(input=" ")
    assert tk_instruct(TASK, empty, 0).endswith("-\nInput: .\nOutput: ")


def test_the_chat_form_adds_nothing_to_a_text() -> None:
    assert chat(TASK, FIRST, 0) == (
        "Give the text a title\n\n"
        "Reply with the output for this input, and nothing else.\n\nInput:\nHe was running home"
    )


def test_the_chat_form_shows_examples() -> None:
    shown = chat(TASK, SECOND, 2)
    assert "For example:\n\nInput:\nIt rained all day.\nOutput:\nRain\n\n" in shown
    assert shown.endswith("Input:\nWhat is it?")
    assert "shown" not in shown
