import pytest

from benchmarks.super_ni.data import at_hand
from benchmarks.super_ni.scores import Scored, exact_match, rouge_l, scores
from harness.types import Score
from tests.benchmarks.super_ni.small import Small

TITLES, ENTAILMENT = at_hand(Small())
FIRST = TITLES.instances[0]


def test_the_best_right_output_counts() -> None:
    assert rouge_l(FIRST, "the runner") == 1
    assert rouge_l(FIRST, "run home now") == 2 * 2 / 5


@pytest.mark.parametrize("answer", ["The runner", "the  runner!", "“Running home”", "RUNNING-HOME"])
def test_exact_match_leaves_case_punctuation_and_spacing_out(answer: str) -> None:
    expected = float(answer not in {"“Running home”", "RUNNING-HOME"})
    assert exact_match(FIRST, answer) == expected


def found(*scored: Scored, n_tasks: int = 2) -> dict[str, Score]:
    return {score.metric: score for score in scores(scored, n_tasks)}


MIXED = (
    Scored(TITLES, 1.0, 1.0),
    Scored(TITLES, 0.5, 0.0),
    Scored(ENTAILMENT, 0.0, 0.0),
    Scored(ENTAILMENT, 0.5, 0.0),
)


def test_means_are_over_instances_by_category_and_by_task() -> None:
    values = {metric: score.value for metric, score in found(*MIXED).items()}
    assert values["rouge_l"] == 0.5
    assert values["exact_match"] == 0.25
    assert values["rouge_l/Title Generation"] == 0.75
    assert values["rouge_l/Textual Entailment/task2_entailment"] == 0.25


def test_the_error_is_over_tasks() -> None:
    # Residuals by task: +0.5 and -0.5; SE^2 = 2/1 * (0.25 + 0.25) / 4^2.
    assert found(*MIXED)["rouge_l"].standard_error == pytest.approx(0.25)
    assert found(*MIXED)["rouge_l/Title Generation"].interval is None


def test_a_partial_set_is_called_partial_and_the_whole_is_not() -> None:
    assert found(*MIXED)["rouge_l"].doubts == ()
    (doubt,) = found(*MIXED, n_tasks=119)["rouge_l"].doubts
    assert doubt.startswith("partial: 2 of the 119 test tasks")


def test_unread_answers_are_counted_and_bound_the_score() -> None:
    score = found(*MIXED, Scored(TITLES, None, None))["rouge_l"]
    assert (score.n, score.n_unread, score.value) == (4, 1, 0.5)
    assert score.bounds == (2 / 5, 3 / 5)


def test_nothing_read_is_no_score() -> None:
    assert found(Scored(TITLES, None, None))["rouge_l"].value is None
