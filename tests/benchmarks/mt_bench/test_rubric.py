import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.mt_bench.questions import ORIGINAL_REFERENCES, Question
from benchmarks.mt_bench.rubric import (
    PAIR,
    Questioning,
    pair_rubric,
    rating_rubric,
    read_preference,
    read_rating,
)
from harness.errors import DataError, SpecError
from harness.types import Comparison, Decoding, Generation, Response, Unread
from tests.benchmarks.mt_bench.records import MATHS, PLAIN, SHELF, answer_row, answered
from tests.records import comparison, generation, prompt

RATING, PREFERENCE = (make(ORIGINAL_REFERENCES, SHELF) for make in (rating_rubric, pair_rubric))


def rated(question: Question, turn: int) -> Comparison:
    return Comparison(answered(question, "one", "two"), turn=turn)


def duel(question: Question, turn: int) -> Comparison:
    return Comparison(
        answered(question, "b1", "b2"), answered(question, "a1", "a2", model="theirs"), turn
    )


@pytest.mark.parametrize(
    ("question", "turn", "asked"),
    [
        (PLAIN, 0, "Q Write. A one."),
        (PLAIN, 1, "Q Write. A one Q Shorter. A two."),
        (PLAIN, -1, "Q Write. A one Q Shorter. A two."),
        (MATHS, 0, "R 2 Q 1 + 1? A one."),
        (MATHS, 1, "R 2 3 Q 1 + 1? A one Q Plus 1? A two."),
    ],
)
def test_a_turn_is_rated_in_its_context_and_with_references(
    question: Question, turn: int, asked: str
) -> None:
    assert RATING.ask(rated(question, turn)).turns == (asked,)


@pytest.mark.parametrize(
    ("question", "turn", "asked"),
    [
        (PLAIN, 0, "Q Write. A a1 B b1."),
        (PLAIN, 1, "Q Write. Shorter. A a1 a2 B b1 b2."),
        (MATHS, 0, "R 2 Q 1 + 1? A a1 B b1."),
        (MATHS, 1, "R 2 3 Q 1 + 1? Plus 1? A a1 a2 B b1 b2."),
    ],
)
def test_of_two_answers_the_baseline_is_shown_first(
    question: Question, turn: int, asked: str
) -> None:
    assert PREFERENCE.ask(duel(question, turn)).turns == (asked,)


def test_the_judge_is_told_its_part_by_the_templates_system_message() -> None:
    asked = RATING.ask(rated(MATHS, 1))
    assert asked.system == "Judge by single-math-v1-multi-turn."
    assert asked.id == "mt_bench/111/single-math-v1-multi-turn"
    assert asked.decoding == Decoding(max_tokens=2048)


def test_a_prompt_of_another_set_is_judged_without_references() -> None:
    assert RATING.ask(comparison("A", None, prompt("Q"))).turns == ("Q Q A A.",)


def test_a_third_turn_is_refused() -> None:
    three = generation("a", "b", "c", prompt=prompt("q", "r", "s"))
    with pytest.raises(DataError, match="one turn or two, turn 3 of q is to be judged"):
        RATING.ask(Comparison(three))


def test_one_answer_cannot_be_compared() -> None:
    with pytest.raises(SpecError, match="expected two answers to compare, came one"):
        PREFERENCE.ask(rated(PLAIN, 0))


def test_marks_of_a_template_in_a_response_stay_text() -> None:
    hostile = Comparison(answered(PLAIN, "{question} {answer}", "two"), turn=0)
    assert RATING.ask(hostile).turns == ("Q Write. A {question} {answer}.",)


def test_other_references_make_another_rubric() -> None:
    other = SHELF.put(ORIGINAL_REFERENCES, [answer_row(111, "II", "III")])
    assert rating_rubric(ORIGINAL_REFERENCES, other).digest != RATING.digest


@given(st.lists(st.text(max_size=9), min_size=4, max_size=4), st.sampled_from([PLAIN, MATHS]))
def test_what_was_asked_can_be_taken_apart_and_asked_again(
    texts: list[str], question: Question
) -> None:
    questioning = Questioning.load(PAIR, ORIGINAL_REFERENCES, SHELF)
    shown = Comparison(answered(question, *texts[:2]), answered(question, *texts[2:]), 1)
    (asked,) = questioning.ask(shown).turns
    found = questioning.answers_in(asked, question.turns, 1)
    assert found is not None
    candidate, baseline = (
        answered(question, found[f"answer_{side}_1"], found[f"answer_{side}_2"]) for side in "ba"
    )
    assert questioning.ask(Comparison(candidate, baseline, 1)).turns == (asked,)


def test_what_was_asked_by_other_references_is_not_taken_apart() -> None:
    questioning = Questioning.load(PAIR, ORIGINAL_REFERENCES, SHELF)
    assert questioning.answers_in("R 4 Q 1 + 1? A a B b.", MATHS.turns, 0) is None


@pytest.mark.parametrize(
    ("text", "rating"),
    [
        ("Rating: [[8]]", 8.0),
        ("[[7.5]] is fair", 7.5),
        ("[[3]] or rather [[9]]", 3.0),
        ("Rating: [6]", 6.0),
        ("see [1]; Rating: [[10]]", 10.0),
    ],
)
def test_the_first_rating_counts_as_upstream_reads_it(text: str, rating: float) -> None:
    assert read_rating(generation(text)) == rating


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "the judge said nothing"),
        (" \n", "the judge said nothing"),
        ("A fine answer.", "no [[rating]]"),
        ("[[-1]]", "no [[rating]]"),
        ("[[8/10]]", "no [[rating]]"),
        ("[[0]]", "a rating outside 1 to 10: [[0]]"),
        ("[[11]]", "a rating outside 1 to 10: [[11]]"),
    ],
)
def test_what_is_no_rating_is_unread_with_its_cause(text: str, cause: str) -> None:
    assert read_rating(generation(text)) == Unread(cause)


def cut_short(text: str) -> Generation:
    return generation(responses=(Response(text, "length"),))


def test_a_judge_that_was_cut_short_is_unread_unless_it_had_decided() -> None:
    assert read_rating(cut_short("The answer is")) == Unread("no [[rating]]: cut short")
    assert read_rating(cut_short("[[4]] because")) == 4


@pytest.mark.parametrize(
    ("text", "preference"),
    [("[[A]]", 0.0), ("so [[B]].", 1.0), ("[[C]]", 0.5), ("not [[B]] but [[A]]", 0.0)],
)
def test_the_preference_is_for_the_side_shown_second(text: str, preference: float) -> None:
    assert read_preference(generation(text)) == preference


@pytest.mark.parametrize("text", ["A", "[A]", "[[a]]", "tie", "$ERROR$"])
def test_a_verdict_off_the_form_is_unread(text: str) -> None:
    assert read_preference(generation(text)) == Unread("no [[A]], [[B]] or [[C]]")


def test_two_answers_are_not_rated_as_one() -> None:
    with pytest.raises(SpecError, match="one by one, came two to compare"):
        RATING.ask(Comparison(answered(PLAIN, "a", "b"), answered(PLAIN, "c", "d")))
