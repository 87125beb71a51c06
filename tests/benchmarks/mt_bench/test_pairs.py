from typing import Any

import pytest

from benchmarks.mt_bench.pairs import by_sides, tally_pairs
from harness.errors import DataError
from harness.types import Rows
from tests.benchmarks.mt_bench.records import QUESTIONS_BY_ID, pair

BASELINE = "gpt-3.5-turbo"
TURNED = {"model_1": BASELINE, "model_2": "mine"}


def value(*rows: dict[str, Any]) -> float | None:
    return tally_pairs(rows, QUESTIONS_BY_ID, BASELINE).judged[0].value


@pytest.mark.parametrize(
    ("first", "second", "result"),
    [
        ("[[A]]", "[[B]]", 1.0),
        ("[[B]]", "[[A]]", 0.0),
        ("[[A]]", "[[A]]", 0.5),
        ("[[C]]", "[[B]]", 0.5),
        ("[[C]]", "[[C]]", 0.5),
    ],
)
def test_a_turn_is_won_when_both_games_are(first: str, second: str, result: float) -> None:
    assert value(pair(first, second)) == result
    assert value(pair(first, second, **TURNED)) == 1 - result


def test_a_game_without_words_is_read_by_its_winner() -> None:
    assert value(pair(None, None)) == 1
    assert value(pair(None, None, g2_winner="tie")) == 0.5


def test_a_game_in_error_leaves_the_turn_unread() -> None:
    found = tally_pairs([pair(None, None, g1_winner="error")], QUESTIONS_BY_ID, BASELINE)
    assert found.judged[0][2:] == (None, "'error' in the file")
    assert value(pair("[[A]]", "no idea")) is None


def test_a_file_is_split_by_candidate_and_pairs_without_the_baseline_by_both() -> None:
    rows = [pair(), pair(**TURNED), pair(model_2="other"), pair(model_1="other")]
    parts = {name: len(part) for name, part in by_sides(rows, BASELINE).items()}
    assert parts == {"mine": 2, "mine vs other": 1, "other": 1}


def test_another_opponent_than_the_baseline_is_told() -> None:
    found = tally_pairs([pair(model_2="other")], QUESTIONS_BY_ID, BASELINE)
    assert found.doubts[0] == f"judged against other, not against {BASELINE}"
    assert (found.model, found.judge) == ("mine", "openai:gpt-4")


def test_a_turn_that_was_played_twice_differently_is_unread() -> None:
    assert value(pair(), pair("[[B]]", "[[A]]")) is None


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [pair(), pair(model_1="other")],
            r"one pair of models, came mine vs gpt-3\.5-turbo, other",
        ),
        ([], "one pair of models, came none"),
        ([pair(judge=["gpt-4", "single-v1"])], "by the template 'pair-v2', came 'single-v1'"),
        ([pair(question_id=1)], "question of MT-Bench"),
        ([pair(None, g1_winner=None)], "expected a text under 'g1_winner' in row 0"),
    ],
)
def test_rows_off_the_form_are_one_clear_line(rows: Rows, message: str) -> None:
    with pytest.raises(DataError, match=message):
        tally_pairs(rows, QUESTIONS_BY_ID, BASELINE)
