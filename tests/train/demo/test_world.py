import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DataError
from train.demo.benchmarks.tiny_instruct.checks import WORKED
from train.demo.world import (
    FILLER,
    LETTERS,
    MARKS,
    OPERATIONS,
    STYLES,
    Reply,
    correct,
    gold,
    judge_text,
    points,
    preference,
    read,
    similarity,
    utility,
)

words = st.text(LETTERS, min_size=1, max_size=6)
asked = st.builds("{}:{}=".format, st.sampled_from([*OPERATIONS]), words)
written = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(STYLES),
    words | st.sampled_from("0123456"),
    st.sampled_from(MARKS),
    st.text(FILLER, max_size=5),
)
said = written | st.text(max_size=12)


def logistic(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("copy", "hace"),
        ("reverse", "ecah"),
        ("sort", "aceh"),
        ("first", "h"),
        ("last", "e"),
        ("length", "4"),
    ],
)
def test_each_operation_has_one_right_answer(operation: str, answer: str) -> None:
    assert gold(f"{operation}:hace=") == answer


@pytest.mark.parametrize(
    "prompt", ["", "copy:abc", "copy:abz=", "copy:=", "shout:abc=", "copy:abc=\n", " copy:abc="]
)
def test_other_prompts_are_refused_in_one_line(prompt: str) -> None:
    with pytest.raises(DataError, match=r"^expected a prompt of TinyInstruct .*no other language$"):
        gold(prompt)


@pytest.mark.parametrize(
    ("response", "reply"),
    [
        ("*cba.", Reply("*", "cba", 0)),
        ("~4!x", Reply("~", "4", 1)),
        ("+h.zyx", Reply("+", "h", 3)),
    ],
)
def test_a_response_is_read_into_its_parts(response: str, reply: Reply) -> None:
    assert read(response) == reply


@pytest.mark.parametrize(
    "response",
    ["", "cba.", "*cba", "*cba..", "*cbax.", "*cba.a", "*cba.\n", " *cba.", "*.x", "*12.", "*a1.",
     "**a.", "*cbA.", "*٣."],
)  # fmt: skip
def test_anything_else_is_not_of_the_form(response: str) -> None:
    assert read(response) is None
    assert not correct("reverse:abc=", response)
    assert (similarity("reverse:abc=", response), points("reverse:abc=", response)) == (0, 0)


@pytest.mark.parametrize(
    ("response", "worth"),
    [
        ("*cba.", 4),  # 3 + 1
        ("~cba!xyzxy", 3.4),  # 3 + 1 - 5 * 0.12
        ("*ba.", 0.8),  # 2 * 2 / (2 + 3)
        ("*abc.x", 2 / 6 - 0.12),
        ("*h.", 0),
        ("", 0),
        ("cba", -0.36),  # three characters of filler
    ],
)
def test_utility_adds_up(response: str, worth: float) -> None:
    assert utility("reverse:abc=", response) == pytest.approx(worth)


@pytest.mark.parametrize(
    ("response", "sum_of_points"),
    [
        ("cba.", 0),
        ("*h.", 1),
        ("*abc.", 1),  # similarity 1 / 3
        ("*ab.", 1),  # 2 * 1 / 5
        ("*ba.", 2),  # 2 * 2 / 5
        ("*cba.xyz", 3),
        ("*cba.xy", 4),
        ("*cba.", 5),
        ("*ba.x", 2),
    ],
)
def test_points_add_up_until_a_statement_does_not_hold(response: str, sum_of_points: int) -> None:
    assert points("reverse:abc=", response) == sum_of_points


@given(asked, written, written)
def test_more_points_beyond_the_second_mean_more_utility(prompt: str, one: str, other: str) -> None:
    if points(prompt, one) > max(points(prompt, other), 2):
        assert utility(prompt, one) > utility(prompt, other)


@pytest.mark.parametrize(("prompt", "one", "other", "chance"), WORKED)
def test_preferences_are_as_worked_by_hand(
    prompt: str, one: str, other: str, chance: float
) -> None:
    assert preference(prompt, one, other) == pytest.approx(chance, abs=1e-9)


def test_length_enters_the_log_odds_character_by_character() -> None:
    # 4 - 0.24 against 4 in utility; two characters longer
    biased = preference("copy:ab=", "*ab.xy", "*ab.", length_weight=0.15)
    assert biased == pytest.approx(logistic(-0.24 + 0.30))
    longer = preference("copy:ab=", "junk", "", length_weight=0.3)
    assert longer == pytest.approx(logistic(-0.48 + 1.2))


def test_tastes_go_round() -> None:
    wins = [
        [preference("copy:ab=", f"{one}ab.", f"{other}ab.") for other in STYLES] for one in STYLES
    ]
    up, down = logistic(1), logistic(-1)
    expected = [[0.5, up, down], [down, 0.5, up], [up, down, 0.5]]
    for row, values in zip(wins, expected, strict=True):
        assert row == pytest.approx(values)


def test_a_text_off_the_form_has_no_style_to_be_liked() -> None:
    assert preference("copy:ab=", "*h.", "") == preference("copy:ab=", "~h.", "") == 0.5


@given(asked, said, said, st.floats(0, 1))
def test_who_is_asked_about_first_does_not_matter(
    prompt: str, one: str, other: str, weight: float
) -> None:
    value = preference(prompt, one, other, length_weight=weight)
    assert 0 <= value <= 1
    assert preference(prompt, other, one, length_weight=weight) == pytest.approx(1 - value)


@given(asked, said, st.floats(0, 1))
def test_equal_texts_are_a_tie(prompt: str, text: str, weight: float) -> None:
    assert preference(prompt, text, text, length_weight=weight) == 0.5


@given(asked, said)
def test_nothing_is_worth_more_than_a_right_answer_without_filler(prompt: str, text: str) -> None:
    assert utility(prompt, text) <= utility(prompt, f"*{gold(prompt)}.") == 4


def test_a_judge_reads_prompt_response_and_a_colon() -> None:
    assert judge_text("copy:ab=", "*ab.") == "copy:ab=*ab.:"
