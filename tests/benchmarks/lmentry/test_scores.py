from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.lmentry.data import CORE, TASKS, VARIANTS, Example
from benchmarks.lmentry.scores import METRICS, Marked, scores
from harness.types import Score


def marked(right: Callable[[Example], float | None]) -> list[Marked]:
    """An answer to one example of each task, wording and place of the answer."""
    examples = [
        Example(task, f"{template}-{place}", "?", template, place, {})
        for task in TASKS
        for template in range(3)
        for place in range(2)
    ]
    return [Marked(example, right(example), 1) for example in examples]


def values(marks: list[Marked]) -> dict[str, float | None]:
    return {score.metric: score.value for score in scores(marks)}


def test_all_right_is_a_score_of_one() -> None:
    found = values(marked(lambda _: 1.0))
    assert [found[metric] for metric in METRICS] == [1] * len(METRICS)


def test_all_wrong_is_steady_and_worth_nothing() -> None:
    found = values(marked(lambda _: 0.0))
    assert (found["accuracy"], found["robustness"], found["lmentry_score"]) == (0, 1, 0)


def test_the_gap_between_places_is_in_argument_order_only() -> None:
    found = values(marked(lambda example: float(example.place == 0)))
    assert (found["argument_order"], found["template"], found["argument_content"]) == (0, 1, 1)
    assert (found["accuracy"], found["robustness"]) == (0.5, 0.75)
    assert found["lmentry_score"] == 0.375


def test_the_widest_gap_between_wordings_counts() -> None:
    found = values(marked(lambda example: float(example.template < 1 + example.place)))
    # Accuracies 1, 1/2 and 0.
    assert found["template"] == 0


def test_accuracy_is_of_core_tasks_and_each_counts_the_same() -> None:
    first = values(marked(lambda example: float(example.task == CORE[0])))
    assert first["accuracy"] == pytest.approx(1 / 25)
    variants = values(marked(lambda example: float(example.task not in CORE)))
    assert variants["accuracy"] == 0


def test_variants_of_a_task_are_set_beside_each_other() -> None:
    core, (one, *_) = next(iter(VARIANTS.items()))
    found = values(marked(lambda example: float(example.task == f"{core}_{one}")))
    assert found["argument_content"] == pytest.approx(5 / 6)


def test_a_task_that_can_be_done_without_its_neighbour_costs_adjacent_tasks() -> None:
    found = values(marked(lambda example: float(example.task == "bigger_number")))
    assert found["adjacent_tasks"] == pytest.approx(1 - 1 / 17)


def test_unread_answers_are_counted_and_bound_a_task() -> None:
    found = scores(marked(lambda e: None if e.task == CORE[0] and e.template else 1.0))
    by_name = {score.metric: score for score in found}
    part = by_name[f"accuracy/{CORE[0]}"]
    assert (part.n, part.n_unread, part.value) == (2, 4, 1)
    assert part.bounds == pytest.approx((1 / 3, 1))
    assert by_name["lmentry_score"].n_unread == 4


def test_absent_tasks_are_told_and_leave_what_they_are_needed_for_out() -> None:
    found = {
        s.metric: s for s in scores([m for m in marked(lambda _: 1.0) if m.example.task in CORE])
    }
    assert found["argument_content"].value is None
    assert found["lmentry_score"].doubts == ("16 of the 41 task files have no answer",)


def test_nothing_read_is_no_score() -> None:
    found = scores(marked(lambda _: None))
    assert {score.value for score in found} == {None}
    assert [score.metric for score in found[: len(METRICS)]] == [*METRICS]


def told(found: list[Score]) -> list[tuple[str, float | None, tuple[float, float] | None]]:
    return [(score.metric, score.value, score.interval) for score in found]


@settings(max_examples=5)
@given(st.randoms(use_true_random=False))
def test_the_order_of_answers_does_not_move_a_value(random: Random) -> None:
    marks = marked(lambda example: float((example.template + example.place) % 2))
    shuffled = sorted(marks, key=lambda _: random.random())
    assert {s.metric: s.value for s in scores(shuffled)} == pytest.approx(
        {s.metric: s.value for s in scores(marks)}
    )


def test_an_interval_holds_its_value_and_is_the_same_each_time() -> None:
    marks = marked(lambda example: float(example.template != 1))
    once = scores(marks)
    assert told(once) == told(scores(marks))
    assert all(s.interval[0] <= (s.value or 0) <= s.interval[1] for s in once if s.interval)


@pytest.mark.parametrize(
    "task",
    [
        "more_letters",
        "less_letters",
        "first_alphabetically",
        "rhyming_word",
        "homophones",
        "bigger_number",
        "smaller_number",
    ],
)
def test_each_of_the_seven_tasks_that_offer_two_things_is_a_seventh_of_argument_order(
    task: str,
) -> None:
    found = values(marked(lambda example: float(example.task != task or example.place == 0)))
    assert found["argument_order"] == pytest.approx(6 / 7)


_IN_TWO_PAIRS = {
    f"{where}_{what}"
    for where in ("starts_with", "ends_with", "first", "last")
    for what in ("word", "letter")
} | {f"{what}_{how}" for what in ("sentence", "word") for how in ("containing", "not_containing")}
_IN_NO_PAIR = {"first_alphabetically", "rhyming_word", "homophones"}


@pytest.mark.parametrize("task", CORE)
def test_a_task_that_fails_costs_as_much_as_it_has_neighbours(task: str) -> None:
    """Of 17 pairs, each of a gap of 1."""
    found = values(marked(lambda example: float(example.task != task)))
    neighbours = 2 if task in _IN_TWO_PAIRS else 0 if task in _IN_NO_PAIR else 1
    assert found["adjacent_tasks"] == pytest.approx(1 - neighbours / 17)
