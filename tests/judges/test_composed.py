"""Judges whose names compose."""

import pytest

from harness import registry
from harness.errors import SpecError, UnknownNameError
from harness.models.scripted import Scripted
from harness.types import Comparison, Matcher, Model, Rubric, Unread
from tests.records import comparison, generation, judge, prompt, rubric

EXACT = Matcher("says yes", "f" * 64, lambda c: 1.0 if c.texts[0] == "yes" else Unread("no yes"))


def first(asked: str) -> str:
    """Prefers whoever is shown second when that is "yes", and is unsure otherwise."""
    return "0.9" if asked.endswith("or yes?") else "0.4"


def test_both_orders_are_those_of_the_rubric_and_the_other() -> None:
    model = Scripted(lambda asked: first(asked.turns[0]))
    (verdict,) = judge("both:scripted:x", model)([comparison("yes", "no")])
    assert [asked.turns[0] for asked in model.asked] == ["q0: no or yes?", "q0: yes or no?"]
    assert verdict.value == pytest.approx((0.9 + 1 - 0.4) / 2)


def test_equal_answers_are_not_asked_about_in_any_order() -> None:
    model = Scripted(lambda _: "1")
    (verdict,) = judge("both:scripted:x", model)([comparison("a", "a")])
    assert (verdict.value, model.asked) == (0.5, [])


def test_repeats_draw_further_samples() -> None:
    model = Scripted(lambda asked: str(asked.decoding.sample / 4))
    (verdict,) = judge("repeats:3:scripted:x", model)([comparison()])
    assert verdict.value == pytest.approx(0.25)
    assert [asked.decoding.sample for asked in model.asked] == [0, 1, 2]


@pytest.mark.parametrize("rest", ["", "3", "1:scripted:x", "x:scripted:y", "2:", "-2:scripted:y"])
def test_repeats_without_a_number_and_a_judge_are_refused(rest: str) -> None:
    with pytest.raises(SpecError, match="expected repeats:N:JUDGE"):
        judge(f"repeats:{rest}", Scripted(lambda _: "1"))


def seated(name: str, **said: str) -> float | None:
    """What the judge says when every model says what is given for it."""

    def open_model(asked: str, _rubric: Rubric) -> Model:
        return Scripted(lambda _: said[asked.removeprefix("scripted:")], asked)

    (verdict,) = registry.judge(name, rubric(), open_model)([comparison()])
    return verdict.value


def test_a_jury_asks_each_of_its_models() -> None:
    assert seated("jury:scripted:a,scripted:b", a="1", b="0.5") == 0.75


def test_a_jurys_rule_stands_before_its_members() -> None:
    assert seated("jury:majority:scripted:a,scripted:b,scripted:c", a="1", b="0", c="0.6") == 1


def test_names_compose_to_any_depth() -> None:
    name = "jury:both:scripted:a,repeats:2:both:scripted:b"
    # both orders of "a" say 0.9 for the side shown second, which cancels out; those of "b" too
    assert seated(name, a="0.9", b="0.2") == pytest.approx(0.5)


@pytest.mark.parametrize("rest", ["", "scripted:a", "scripted:a,scripted:a", "median:scripted:a"])
def test_a_jury_of_fewer_than_two_is_refused(rest: str) -> None:
    with pytest.raises(SpecError, match="of two different judges or more, RULE one of mean"):
        judge(f"jury:{rest}", Scripted(lambda _: "1"))


def test_an_unknown_member_gets_the_nearest_name() -> None:
    with pytest.raises(UnknownNameError, match="'scriptet:a'; did you mean 'scripted:a'"):
        judge("jury:scripted:b,scriptet:a", Scripted(lambda _: "1"))


def test_the_checkpoint_judges_itself() -> None:
    asked: list[str] = []

    def open_model(name: str, _rubric: Rubric) -> Model:
        asked.append(name)
        return Scripted(lambda _: "0.75", "hf:mine")

    (verdict,) = registry.judge("self", rubric(), open_model)([comparison()])
    assert (asked, verdict.judge, verdict.value) == (["self"], "self", 0.75)


def test_self_takes_no_model() -> None:
    with pytest.raises(SpecError, match="came 'self:hf:a'"):
        judge("self:hf:a", Scripted(lambda _: "1"))


def test_a_judge_that_needs_a_model_is_refused_without_one() -> None:
    with pytest.raises(SpecError, match="the model that it asks by 'additive', came it alone"):
        judge("additive")


def test_a_matcher_decides_without_a_model() -> None:
    missing = Comparison(generation(failure="too long"))
    verdicts = judge("exact", grader=EXACT)([comparison("yes", None), comparison("x"), missing])
    assert [(v.value, v.cause) for v in verdicts] == [
        (1.0, None),
        (None, "no yes"),
        (None, "no response: too long"),
    ]


def test_a_matcher_is_known_by_what_it_matches_against() -> None:
    identity = judge("exact", grader=EXACT).identity
    assert identity == {"matcher": "says yes", "matcher sha256": "f" * 64}


def test_a_benchmark_that_must_be_judged_has_no_exact_judge() -> None:
    with pytest.raises(SpecError, match=r"'numbers' must ask about, came 'exact'.*name a model"):
        judge("exact")


def test_a_benchmark_that_matches_is_not_judged() -> None:
    with pytest.raises(SpecError, match=r"one that matches them exactly \(says yes\)"):
        judge("scripted:x", Scripted(lambda _: "1"), EXACT)


def test_the_turn_that_is_judged_decides_what_is_settled() -> None:
    asked = prompt("q0", "q1")
    ours, theirs = generation("a", "b", prompt=asked), generation("a", "c", prompt=asked)
    model = Scripted(lambda _: "1")
    verdicts = judge("scripted:x", model)([Comparison(ours, theirs, turn) for turn in (0, 1)])
    assert [v.value for v in verdicts] == [0.5, 1.0]
