import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.types import Comparison, Score, Verdict
from tests.records import comparison, generation, prompt
from train.demo.benchmarks.tiny_instruct.scores import METRICS, judged, scores

WORDS = ("abc", "bcd", "cde", "def", "efg", "fgh", "gha", "hab")


def verdict(number: int, value: float | None, answer: str = "*abc.", rival: str = "*a.") -> Verdict:
    asked = prompt(f"copy:{WORDS[number]}=")
    cause = "unread" if value is None else None
    return Verdict(comparison(answer, rival, asked), "j", value, cause)


def refused(number: int) -> Verdict:
    asked = prompt(f"copy:{WORDS[number]}=")
    rival = generation("*a.", prompt=asked, model="noisy")
    return Verdict(
        Comparison(generation(prompt=asked, failure="too long"), rival), "j", None, "no response"
    )


def scored(verdicts: Sequence[Verdict]) -> dict[str, Score]:
    return {score.metric: score for score in scores(verdicts)}


def test_the_metrics_come_in_the_cards_order() -> None:
    assert tuple(scored([verdict(0, 1.0)])) == METRICS


def test_a_longer_rival_is_a_positive_difference_in_length() -> None:
    table = judged([verdict(0, 0.2, "*abc.", "*a.xxxx")])
    assert (table.length_N.tolist(), table.delta_N.tolist()) == ([5], [7 - 5])


def test_the_win_rate_is_the_mean_with_its_standard_error() -> None:
    score = scored([verdict(n, value) for n, value in enumerate((0.0, 0.5, 1.0, 0.9))])["win_rate"]
    assert score.value == pytest.approx(0.6)
    # variance (.36 + .01 + .16 + .09) / 3, over 4 rows
    assert score.standard_error == pytest.approx(math.sqrt(0.62 / 3 / 4))
    assert score.interval == pytest.approx((0.6 - 1.959964 * math.sqrt(0.62 / 12), 1.0))
    assert score.bounds is None


def test_unread_verdicts_are_counted_and_bound_the_rates() -> None:
    found = scored([verdict(0, 1.0), verdict(1, None), verdict(2, 0.0), verdict(3, 1.0)])
    assert found["win_rate"].value == pytest.approx(2 / 3)
    assert found["win_rate"].bounds == (0.5, 0.75)
    assert (found["lc_win_rate"].n, found["lc_win_rate"].n_unread) == (3, 1)
    assert found["lc_win_rate"].bounds == pytest.approx((0.5, 0.75), abs=0.01)
    assert found["accuracy"].n_unread == found["avg_length"].n_unread == 0


def test_nothing_read_gives_no_win_rate_but_an_accuracy() -> None:
    found = scored([verdict(0, None), verdict(1, None)])
    for metric in ("lc_win_rate", "win_rate"):
        assert (found[metric].value, found[metric].bounds) == (None, (0.0, 1.0))
    assert found["accuracy"].value == 0.5


def test_no_verdicts_give_no_numbers() -> None:
    assert [(score.value, score.n) for score in scores([])] == [(None, 0)] * 4


def test_a_missing_answer_is_neither_right_nor_wrong_nor_short() -> None:
    found = scored([verdict(0, 1.0), refused(1), verdict(2, 0.5)])
    accuracy, length = found["accuracy"], found["avg_length"]
    assert (accuracy.value, accuracy.n, accuracy.n_unread) == (0.5, 2, 1)
    assert accuracy.bounds == pytest.approx((1 / 3, 2 / 3))
    assert (length.value, length.n, length.n_unread, length.unit) == (5.0, 2, 1, "characters")
    assert (found["win_rate"].value, found["win_rate"].n_unread) == (0.75, 1)


def test_a_missing_answer_may_have_had_any_length_that_came() -> None:
    read = [verdict(n, p, "*h." + "x" * n) for n, p in enumerate((0.9, 0.7, 0.6, 0.6, 0.4, 0.1))]
    missing = scored([*read, refused(6)])["lc_win_rate"]
    unread = scored([*read, verdict(6, None, "*h.xx")])["lc_win_rate"]
    (low, high), (lowest, highest) = unread.bounds or (0, 0), missing.bounds or (0, 0)
    assert lowest < low - 0.01
    assert highest >= high
    assert lowest < (missing.value or 0) < highest


def test_no_answer_at_all_has_no_accuracy_and_no_length() -> None:
    found = scored([refused(0)])
    assert (found["accuracy"].value, found["accuracy"].bounds) == (None, (0.0, 1.0))
    assert found["avg_length"].value is None


@pytest.mark.parametrize(
    ("right", "interval"),
    # Wilson, 4 rows, z^2 = 3.8415: centre (p + z^2/8) / (1 + z^2/4), z^2/8 = .48018, 1.96036
    [
        (0, (0.0, 0.4898908)),  # z^2/4 / (1 + z^2/4)
        (2, (0.1500391, 0.8499609)),  # .5 -+ 1.959964 / 1.960365 * sqrt(.0625 + .060025)
        (4, (0.5101092, 1.0)),
    ],
)
def test_accuracy_has_wilsons_interval(right: int, interval: tuple[float, float]) -> None:
    answers = [f"*{WORDS[n]}." if n < right else "*h." for n in range(4)]
    score = scored([verdict(n, 0.5, answer) for n, answer in enumerate(answers)])["accuracy"]
    assert score.value == right / 4
    assert score.interval == pytest.approx(interval, abs=1e-6)


def test_the_interval_at_equal_lengths_is_that_of_the_plain_mean() -> None:
    """95 %: 1.96 standard errors to either side; the fit's penalty is next to nothing."""
    found = scored([verdict(n % 8, 0.2 + 0.6 * (n // 8 % 2), "*h.", "*h.") for n in range(200)])
    low, high = found["lc_win_rate"].interval or (0, 0)
    assert (low, high) == pytest.approx(found["win_rate"].interval, abs=0.01)
    assert high - low == pytest.approx(2 * 1.96 * 0.3 / math.sqrt(200), rel=0.1)


def test_ties_everywhere_are_half_for_certain() -> None:
    score = scored([verdict(n, 0.5, "*h.", "*h.") for n in range(5)])["lc_win_rate"]
    assert (score.value, score.interval, score.standard_error) == (0.5, (0.5, 0.5), 0.0)
    assert score.doubts == ()


def test_what_length_alone_explains_is_taken_out() -> None:
    # longer by d wins with log-odds d: at equal lengths nothing is left
    pairs = [(n, 1 / (1 + math.exp(-d))) for n, d in enumerate((-3, -2, -1, 0, 1, 2, 3))]
    verdicts = [verdict(n, p, "*h." + "x" * (n + 3), "*h." + "x" * 6) for n, p in pairs]
    even = scored([*verdicts, verdict(7, 1 / (1 + math.exp(-4)), "*h.xxxx", "*h.")])
    assert even["win_rate"].value == pytest.approx((3.5 + 0.98201) / 8, abs=1e-4)
    assert even["lc_win_rate"].value == pytest.approx(0.5, abs=0.04)


@settings(max_examples=5)
@given(st.permutations(range(8)))
def test_the_order_of_the_verdicts_does_not_matter(order: list[int]) -> None:
    verdicts = [verdict(n, n / 7, "*h." + "x" * (n % 3)) for n in range(8)]
    assert scores([verdicts[n] for n in order]) == scores(verdicts)
