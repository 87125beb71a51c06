import json
from typing import Any

import pytest

from benchmarks.vicuna_bench import BENCHMARK
from benchmarks.vicuna_bench.files import (
    read_judgments,
    read_outputs,
    write_judgments,
    write_outputs,
)
from benchmarks.vicuna_bench.reviews import rescore
from benchmarks.vicuna_bench.rubric import rubric
from harness.errors import DataError
from harness.judging import as_published
from harness.models.scripted import Scripted
from harness.types import Comparison, Verdict
from tests.benchmarks.vicuna_bench.records import CODE, PLAIN, SHELF, answered, review

OLDER = {"question_id": 1, "text": "A"}
NEWER = {"question_id": 61, "choices": [{"turns": ["B"]}]}


def as_json(rows: list[dict[str, Any]]) -> Any:
    return json.loads(json.dumps(rows))


def verdicts(said: str = "8 9") -> list[Verdict]:
    judge = as_published(rubric(SHELF), Scripted(lambda _: said, "openai:gpt-4"))
    return judge(BENCHMARK.compare([answered(PLAIN, "A"), answered(CODE, "B")], SHELF))


def test_answers_are_read_in_the_older_and_in_the_newer_form() -> None:
    assert read_outputs([OLDER, NEWER], SHELF) == {("How?",): ("A",), ("Sort.",): ("B",)}


def test_answers_that_were_written_are_read_back() -> None:
    rows = as_json(write_outputs([answered(PLAIN, "A"), answered(CODE, failure="too long")]))
    assert [row["model_id"] for row in rows] == ["candidate"]
    assert read_outputs(rows, SHELF) == {("How?",): ("A",)}


def test_a_failed_call_is_no_answer() -> None:
    assert read_outputs([{**OLDER, "text": "$ERROR$"}], SHELF) == {}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([OLDER, OLDER], "each question once, row 1 repeats question 1"),
        ([{**OLDER, "question_id": 2}], r"question of Vicuna-bench \(1 to 61\) in row 0, came 2"),
        ([{**OLDER, "text": None}], "expected a text under 'text' in row 0, came None"),
        ([{**NEWER, "choices": []}], r"expected one text under 'choices\[0\].turns' in row 0"),
        ([{**NEWER, "choices": [{"turns": ["a", "b"]}]}], r"came \['a', 'b'\]"),
    ],
)
def test_answers_off_the_form_are_one_clear_line(rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_outputs(rows, SHELF)


def test_reviews_that_were_written_are_read_back() -> None:
    said = verdicts()
    recorded = read_judgments(as_json(write_judgments(said)), SHELF)
    assert [one.comparison for one in recorded] == [
        Comparison(
            answered(question, *texts[:1], model=models[0]),
            answered(question, *texts[1:], model=models[1]),
        )
        for question, mine in ((PLAIN, "A"), (CODE, "B"))
        for texts, models in (
            ((mine, "base"), ("candidate", "gpt-3.5-turbo")),
            (("base", mine), ("gpt-3.5-turbo", "candidate")),
        )
    ]
    assert {(one.raw.text, one.judge) for one in recorded} == {("8 9", "openai:gpt-4")}


def test_reviews_that_were_written_give_the_same_scores() -> None:
    """What stands second is preferred each time: the orders disagree, which is a tie."""
    said = verdicts()
    found = rescore(as_json(write_judgments(said)), SHELF)
    assert (found.model, found.judge) == ("candidate", "openai:gpt-4")
    assert found.scores == BENCHMARK.aggregate(said, SHELF)
    assert found.items == BENCHMARK.items(said)
    assert found.scores[0].value == 0.5


def test_unread_reviews_are_written_as_upstream_writes_them() -> None:
    rows = write_judgments(verdicts("well"))
    assert [row["score"] for row in rows] == [[-1, -1]] * 4


def test_a_tie_that_nobody_was_asked_about_is_written_as_one() -> None:
    tie = Verdict(Comparison(answered(PLAIN, "A"), answered(PLAIN, "A")), "j", 0.5)
    (row,) = write_judgments([tie])
    assert (row["text"], row["score"]) == (None, [1, 1])


def test_published_reviews_without_answers_are_not_recorded() -> None:
    assert read_judgments([review()], SHELF) == []


def test_two_reviews_of_the_same_answers_that_differ_are_refused() -> None:
    rows = as_json([*write_judgments(verdicts()), *write_judgments(verdicts("9 8"))])
    with pytest.raises(DataError, match="row 4 gives another to question 1"):
        read_judgments(rows, SHELF)
