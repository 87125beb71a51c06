"""Vicuna-bench, its parity and a whole run."""

from collections import Counter

import pytest

from benchmarks.vicuna_bench import BASELINE_ANSWERS, BENCHMARK, load
from benchmarks.vicuna_bench.parity import REVIEWS, verify
from benchmarks.vicuna_bench.rubric import load_questions
from harness.errors import DataError
from harness.models.scripted import Scripted
from harness.pipeline import Answers, evaluate, opposed
from harness.types import Assets, Check
from tests.benchmarks.vicuna_bench.records import CODE, PLAIN, SHELF, answered, review
from tests.records import judge


def test_there_are_80_official_questions_in_nine_categories(official: Assets) -> None:
    questions = load_questions(official).values()
    assert [one.id for one in questions] == list(range(1, 81))
    assert Counter(one.category for one in questions)["math"] == 3
    assert len({one.category for one in questions}) == 9


def test_a_run_is_judged_in_both_orders_and_summed_up() -> None:
    asked = Scripted(lambda p: "9 5" if " 1 mine" in p.turns[0] else "6 8", "openai:gpt-4")
    by_gpt_4 = judge("openai:gpt-4", asked, BENCHMARK.grader(SHELF))
    result = evaluate(BENCHMARK, Scripted(lambda _: "mine", "mine"), by_gpt_4, SHELF)
    found = {score.metric: score.value for score in result.scores}
    assert tuple(found) == BENCHMARK.card.metrics
    assert found["win_rate"] == found["win_rate_adjusted"] == 1
    assert found["score_ratio"] == (9 + 8) / (5 + 6)
    assert [item.id for item in result.items] == [p.id for p in load(SHELF)]
    assert len(asked.asked) == 4


def test_another_baseline_is_met_in_both_orders_too() -> None:
    alpaca = Answers("alpaca", {}, [answered(PLAIN, "a"), answered(CODE, "b")])
    faced = opposed(BENCHMARK, alpaca).compare([answered(CODE, "mine")], SHELF)
    assert [c.candidate.text for c in faced] == ["mine", "b"]


def test_a_baseline_that_lacks_questions_is_refused() -> None:
    lacking = SHELF.put(BASELINE_ANSWERS, [{"question_id": 61, "text": "base"}])
    with pytest.raises(DataError, match=r"1 of 1 have none \(first: vicuna_bench/1\)"):
        BENCHMARK.compare([answered(PLAIN, "mine")], lacking)


def checked(*rows: dict[str, object]) -> Check:
    (check,) = verify(SHELF.put(f"{REVIEWS}a.jsonl", rows))
    return check


def test_a_review_that_is_read_otherwise_than_published_is_noticed() -> None:
    assert checked(review()).holds
    assert checked(review("9 9")).largest == 1
    assert not checked(review("well")).holds


def test_a_score_of_nought_is_rightly_unread() -> None:
    check = checked(review(), review("0 9", 61, score=[0.0, 9.0]))
    assert (check.n, check.holds) == (1, True)
    assert check.notes[0].startswith("unread by us: 1 ")


def test_without_the_published_reviews_nothing_is_proven() -> None:
    (check,) = verify(SHELF)
    assert (check.n, check.holds, check.provable) == (0, False, False)
    assert "pull vicuna_bench/table/review" in check.notes[0]


def test_the_published_reviews_are_read_as_published(official: Assets) -> None:
    if not any(map(official.has, official.names(REVIEWS))):
        pytest.skip("the published reviews are not in the mirror")
    (check,) = verify(official)
    assert (check.n, check.largest) == (1005, 0)
