from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ModelError
from harness.judging import Ordered, Settled, judge_prompt, require, settle
from harness.models.scripted import Scripted
from harness.types import Comparison, Decoding, Response, Token, Verdict
from tests.records import comparison, generation, prompt, rubric


@dataclass
class Longer:
    """Prefers the side shown second by its share of the characters."""

    name: str = "longer"
    identity: dict[str, str] = field(default_factory=lambda: {"rule": "length"})
    asked: list[Comparison] = field(default_factory=list)

    def __call__(self, comparisons: Sequence[Comparison], /) -> list[Verdict]:
        self.asked += comparisons
        return [Verdict(c, self.name, self._share(c)) for c in comparisons]

    def _share(self, shown: Comparison) -> float | None:
        first = len(shown.baseline.text) if shown.baseline else 0
        total = first + len(shown.candidate.text)
        return len(shown.candidate.text) / total if total else None


def question(text: str) -> Comparison:
    return comparison("aaa", "a", prompt(text))


def test_a_swapped_pair_is_shown_swapped_and_its_verdict_turned_round() -> None:
    judge = Longer()
    (verdict,) = Ordered(judge, lambda _: True)([question("q")])
    assert judge.asked == [question("q").swap()]
    assert verdict.comparison == question("q")
    assert verdict.value == 0.75


def test_an_unread_verdict_stays_unread_when_swapped() -> None:
    (verdict,) = Ordered(Longer(), lambda _: True)([comparison("", "")])
    assert verdict.value is None


@given(st.text(), st.text(), st.booleans())
def test_a_fair_judge_gives_the_same_verdict_in_either_order(
    ours: str, theirs: str, swap: bool
) -> None:
    shown = comparison(ours, theirs)
    (verdict,) = Ordered(Longer(), lambda _: swap)([shown])
    (plain,) = Longer()([shown])
    assert verdict.value == pytest.approx(plain.value)


@given(st.text(min_size=1), st.text(min_size=1))
def test_the_preferences_of_both_sides_share_one(ours: str, theirs: str) -> None:
    shown = comparison(ours, theirs)
    first, second = Ordered(Longer(), lambda c: c == shown)([shown, shown.swap()])
    assert (first.value or 0) + (second.value or 0) == pytest.approx(1)


def test_equal_answers_tie_without_asking() -> None:
    judge = Longer()
    verdicts = Settled(judge)([comparison("same", "same"), question("q")])
    assert [verdict.value for verdict in verdicts] == [0.5, 0.75]
    assert judge.asked == [question("q")]


def test_a_missing_answer_is_unread_with_its_cause_without_asking() -> None:
    judge = Longer()
    lost = Comparison(generation(failure="too long"), generation("b"))
    (verdict,) = Settled(judge)([lost])
    assert (verdict.value, verdict.cause) == (None, "no response: too long")
    assert judge.asked == []


@pytest.mark.parametrize("turn", [1, -1])
def test_equal_words_in_a_later_turn_are_no_tie_where_other_words_came_before(turn: int) -> None:
    asked = prompt("one", "two")
    mine = generation("first", "same", prompt=asked)
    theirs = generation("other", "same", prompt=asked)
    assert settle(Comparison(mine, theirs, turn), "j") is None
    tied = settle(Comparison(mine, mine, turn), "j")
    assert tied is not None
    assert tied.value == 0.5


def test_a_turn_is_settled_by_what_was_said_until_then() -> None:
    asked = prompt("one", "two")
    mine, theirs = (generation("same", end, prompt=asked) for end in ("x", "y"))
    tied = settle(Comparison(mine, theirs, 0), "j")
    assert tied is not None
    assert tied.value == 0.5


def test_an_answer_rated_alone_is_never_settled_by_equality() -> None:
    assert settle(comparison("", None), "j") is None


def test_wrappers_keep_the_judges_name_and_identity() -> None:
    wrapped = Settled(Ordered(Longer(), lambda _: False))
    assert (wrapped.name, wrapped.identity) == ("longer", {"rule": "length"})


def test_the_judge_prompt_shows_the_sides_in_the_published_order() -> None:
    straight = judge_prompt(rubric(), question("q"))
    swapped = judge_prompt(rubric(shows_candidate_first=lambda _: True), question("q"))
    assert straight.turns == ("q: a or aaa?",)
    assert swapped.turns == ("q: aaa or a?",)


def with_logprobs(count: int) -> Response:
    top = tuple((str(number), -1.0) for number in range(count))
    return Response("0", tokens=(Token("0", -1.0, top),) if count else ())


@pytest.mark.parametrize("came", [0, 1, 4])
def test_a_judge_with_too_few_log_probabilities_is_refused_before_the_run(came: int) -> None:
    needy = rubric(decoding=Decoding(max_tokens=1, top_logprobs=5))
    model = Scripted(lambda _: with_logprobs(came))
    with pytest.raises(ModelError, match=f"5 likeliest tokens.*it returned {came}"):
        require(model, needy)


def test_a_judge_with_enough_log_probabilities_is_accepted() -> None:
    require(Scripted(lambda _: with_logprobs(5)), rubric(decoding=Decoding(1, top_logprobs=5)))


def test_a_judge_that_ends_before_its_first_word_is_asked_again() -> None:
    answers = iter([Response(""), Response(""), with_logprobs(5)])
    model = Scripted(lambda _: next(answers))
    require(model, rubric(decoding=Decoding(1, top_logprobs=5)))
    assert len(model.asked) == 3


def test_a_judge_that_never_says_a_word_is_refused_after_a_few_questions() -> None:
    model = Scripted(lambda _: Response(""))
    with pytest.raises(ModelError, match="it returned 0"):
        require(model, rubric(decoding=Decoding(1, top_logprobs=5)))
    assert len(model.asked) == 3


def test_a_judge_that_needs_words_only_is_asked_once() -> None:
    model = Scripted(lambda _: "m")
    require(model, rubric())
    assert len(model.asked) == 1


def test_a_judge_is_asked_anew_each_time_whatever_is_stored() -> None:
    model = Scripted(lambda _: "m")
    require(model, rubric())
    require(model, rubric())
    assert model.asked[0].turns != model.asked[1].turns
