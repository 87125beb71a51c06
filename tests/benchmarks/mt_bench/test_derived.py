import json
from typing import Any

from benchmarks.mt_bench.derived import from_fasteval, of_model, without_prompts
from tests.benchmarks.mt_bench.records import SHELF, single

ROWS = [
    single("é [[7]]", user_prompt="Q", tstamp=1.5),
    single(model="other", user_prompt="Q", tstamp=2.5),
]
RAW = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def test_one_models_rows_are_kept_as_they_are() -> None:
    content = of_model(RAW, SHELF, "mine")
    assert lines(content) == ROWS[:1]
    assert "é".encode() in content


def test_what_the_judge_was_asked_is_left_out() -> None:
    (row,) = lines(without_prompts(RAW, SHELF, "other"))
    assert list(row) == ["question_id", "model", "judge", "turn", "judgment", "score", "tstamp"]
    assert row["tstamp"] == 2.5


def test_a_report_becomes_rows_with_the_rating_that_is_in_its_words() -> None:
    replies = [
        {"question_id": "81", "turn_number": 0, "judge_reply": "Rating: [[8]]"},
        {"question_id": "81", "turn_number": 1, "judge_reply": "none"},
    ]
    rows = lines(from_fasteval(json.dumps(replies).encode(), SHELF, "m"))
    assert rows[0] == {
        "question_id": 81,
        "model": "m",
        "turn": 1,
        "judgment": "Rating: [[8]]",
        "score": 8.0,
    }
    assert (rows[1]["turn"], rows[1]["score"]) == (2, -1)
