from typing import Any

import pytest

from benchmarks.mt_bench.singles import by_model, tally_singles
from benchmarks.mt_bench.tally import UNNAMED
from harness.errors import DataError
from harness.types import Rows
from tests.benchmarks.mt_bench.records import QUESTIONS_BY_ID, single

MATHS: dict[str, Any] = {"question_id": 111, "judge": ["gpt-4", "single-math-v1"]}
MATHS_2: dict[str, Any] = {"question_id": 111, "judge": ["gpt-4", "single-math-v1-multi-turn"]}
WHOLE = [single(), single(turn=2), single("[[2]]", **MATHS), single("[[1]]", turn=2, **MATHS_2)]


def values(rows: Rows) -> list[float | None]:
    return [one.value for one in tally_singles(rows, QUESTIONS_BY_ID).judged]


def test_ratings_stand_in_official_order_whatever_the_order_of_the_rows() -> None:
    assert values(WHOLE) == values(WHOLE[::-1]) == [7, 7, 2, 1]


def test_a_whole_file_leaves_no_doubt() -> None:
    found = tally_singles(WHOLE, QUESTIONS_BY_ID)
    assert (found.model, found.judge, found.doubts) == ("mine", "openai:gpt-4", ())


def test_items_say_which_turn_they_are_of() -> None:
    ids = [item.id for item in tally_singles(WHOLE, QUESTIONS_BY_ID).items]
    assert ids[:2] == ["mt_bench/81/turn-1", "mt_bench/81/turn-2"]


def test_the_judges_words_count_and_not_the_number_beside_them() -> None:
    assert values([single("[[3]]", score=9)])[0] == 3


def test_a_file_without_the_judges_words_is_read_by_its_numbers() -> None:
    assert values([single(None, score=8.5), single(None, turn=2, score=-1)])[:2] == [8.5, None]


def test_a_turn_without_a_judgment_is_unread_and_told() -> None:
    found = tally_singles([single(turn=2)], QUESTIONS_BY_ID)
    assert [one.cause for one in found.judged] == [
        "no judgment",
        None,
        "no judgment",
        "no judgment",
    ]
    assert found.doubts == ("3 of 4 turns without a judgment",)


def test_a_turn_that_was_judged_twice_alike_is_told_and_counted_once() -> None:
    found = tally_singles([*WHOLE, single("again [[7]]")], QUESTIONS_BY_ID)
    assert [one.value for one in found.judged] == [7, 7, 2, 1]
    assert found.doubts == ("1 of 4 turns judged more than once, 0 of them differently",)


def test_judgments_that_disagree_are_never_blended() -> None:
    found = tally_singles([*WHOLE, single("[[3]]")], QUESTIONS_BY_ID)
    assert found.judged[0][2:] == (None, "judged more than once, differently")
    assert found.doubts == ("1 of 4 turns judged more than once, 1 of them differently",)


def test_a_file_of_many_models_is_split_in_order_of_appearance() -> None:
    rows = [single(model="b"), single(model="a"), single(model="b", turn=2)]
    assert {model: len(part) for model, part in by_model(rows).items()} == {"b": 2, "a": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"question_id": 7}, r"question of MT-Bench \(81 to 111\) in row 0, came 7"),
        ({"question_id": "81"}, "came '81'; is this of another benchmark"),
        ({"turn": 3}, "expected turn 1 or 2 in row 0, came 3"),
        ({"turn": None}, "expected turn 1 or 2 in row 0, came None"),
        ({"judge": ["gpt-4", "single-math-v1"]}, "by the template 'single-v1', came 'single-math"),
        ({"judge": ["gpt-4", "pair-v2"]}, "are these judgments of this benchmark and mode"),
        ({"model": 3}, "expected a text under 'model' in row 0, came 3"),
        ({"judgment": None, "score": "7"}, "expected a number under 'score' in row 0, came '7'"),
        ({"judgment": None, "score": True}, "expected a number under 'score' in row 0, came True"),
    ],
)
def test_a_row_off_the_form_is_one_clear_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        tally_singles([single(**changes)], QUESTIONS_BY_ID)


def test_judgments_of_two_models_are_not_one_models() -> None:
    with pytest.raises(DataError, match="expected judgments of one model, came mine, other"):
        tally_singles([single(), single(model="other")], QUESTIONS_BY_ID)


def test_judgments_by_two_judges_are_not_one_judges() -> None:
    other = single(turn=2, judge=["claude-v1", "single-v1-multi-turn"])
    with pytest.raises(
        DataError, match="by one judge, came some by openai:claude-v1, openai:gpt-4"
    ):
        tally_singles([single(), other], QUESTIONS_BY_ID)


def test_a_file_that_names_no_judge_says_so() -> None:
    row = {key: value for key, value in single().items() if key != "judge"}
    assert tally_singles([row], QUESTIONS_BY_ID).judge == UNNAMED
