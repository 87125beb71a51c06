from typing import Any

import pytest

from benchmarks.vicuna_bench.reviews import rescore
from benchmarks.vicuna_bench.rows import UNNAMED, UNNAMED_JUDGE
from harness.errors import DataError
from harness.types import Rows
from tests.benchmarks.vicuna_bench.records import SHELF, named, review

ORDERS = [
    named("7 9", 1),
    named("8 6", 1, turned=True),
    named("9 5", 61),
    named("4 9", 61, turned=True),
]
"""The candidate wins the first question and loses the second."""


def values(rows: Rows) -> list[float | None]:
    return [item.value for item in rescore(rows, SHELF).items]


def causes(rows: Rows) -> list[str | None]:
    return [item.cause for item in rescore(rows, SHELF).items]


def test_both_orders_decide_whatever_the_order_of_the_rows() -> None:
    assert values(ORDERS) == values([ORDERS[2], ORDERS[1], ORDERS[0], ORDERS[3]]) == [1, 0]


def test_a_file_that_names_its_models_leaves_no_doubt() -> None:
    found = rescore(ORDERS, SHELF)
    assert (found.model, found.judge, found.scores[0].doubts) == ("mine", "openai:gpt-4", ())
    assert found.scores[-1].value == (9 + 8 + 5 + 4) / (7 + 6 + 9 + 9)


def test_a_published_file_of_one_order_says_so() -> None:
    found = rescore([review(), review("9 9", 61)], SHELF)
    assert (found.model, found.judge) == (UNNAMED, UNNAMED_JUDGE)
    assert found.scores[0].doubts == (
        "the file does not name the models",
        "judged in one order only",
    )
    assert found.scores[0].value == 0.75


def test_another_opponent_is_told() -> None:
    rows = [{**row, "model_1": "alpaca-13b"} for row in ORDERS[::2]]
    doubts = rescore(rows, SHELF).scores[0].doubts
    assert doubts[0] == "judged against alpaca-13b, not against gpt-3.5-turbo"


def test_a_question_that_lacks_an_order_or_both_is_unread() -> None:
    assert causes(ORDERS[:3]) == [None, "judged in one order only"]
    assert causes(ORDERS[:2]) == [None, "no judgment"]


def test_reviews_that_disagree_are_never_blended() -> None:
    again = named("9 7", 1)
    assert causes([*ORDERS, again]) == ["judged more than once, differently", None]
    assert values([*ORDERS, ORDERS[0]]) == [1, 0]


def test_words_off_the_form_leave_the_question_unread() -> None:
    assert causes([named("well", 1), *ORDERS[1:]]) == ["no two scores", None]


def test_a_file_without_words_is_read_by_its_numbers() -> None:
    assert values([review(None, 1), review(None, 61, score=[-1, -1])]) == [1, None]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([named(), {**named(), "model_1": "other"}], "row 1 has other models than row 0"),
        ([named(), {**named(), "judge": "j"}], "row 1 has other judge than row 0"),
        ([review(number=3)], "expected a question of Vicuna-bench"),
        ([review(None, score=9)], "expected two numbers under 'score' in row 0, came 9"),
    ],
)
def test_rows_off_the_form_are_one_clear_line(rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        rescore(rows, SHELF)
