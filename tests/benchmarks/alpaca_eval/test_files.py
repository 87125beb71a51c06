import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.alpaca_eval import (
    ANNOTATOR_2,
    BASELINE_2,
    BENCHMARK,
    VERSION_1,
    rescore_2,
    without_texts,
)
from benchmarks.alpaca_eval.files import read_columns, read_outputs
from harness.assets import Library
from harness.errors import DataError
from harness.types import Assets, Response, Rows, Token, Verdict
from tests.records import comparison, generation, prompt

ANNOTATOR = ANNOTATOR_2.name
NO_ASSETS = Library({}, [], Path("nowhere"))
read_judgments = BENCHMARK.files.read_judgments


def row(number: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "instruction": f"Q{number}",
        "generator_1": BASELINE_2,
        "output_1": "long answer",
        "generator_2": "mine",
        "output_2": "short",
        "annotator": ANNOTATOR,
        "preference": 1.25,
        **changes,
    }


def columns(*rows: dict[str, Any]) -> Any:
    return read_columns(rows, BASELINE_2)


def test_outputs_are_found_by_instruction() -> None:
    rows = [{"instruction": "Q", "output": "A", "generator": "m"}]
    assert read_outputs(rows) == {("Q",): ("A",)}


def test_annotations_hold_the_candidates_outputs_too() -> None:
    assert read_outputs([row()]) == {("Q0",): ("short",)}


def test_outputs_that_were_written_are_read_back() -> None:
    answers = [generation("A", prompt=prompt("Q")), generation("B\ud800", prompt=prompt("R"))]
    rows = json.loads(json.dumps(BENCHMARK.files.write_outputs(answers)))
    assert read_outputs(rows) == {("Q",): ("A",), ("R",): ("B\ud800",)}


def test_judgments_that_were_written_are_read_back() -> None:
    raw = Response("M", "length", (Token("M", -0.25, (("M", -0.25), ("m", -1.5))),))
    shown = comparison("C", "B")
    verdict = Verdict(shown, "j", 0.8, raw=generation(responses=(raw,)))
    rows = json.loads(json.dumps(BENCHMARK.files.write_judgments([verdict])))
    ((again, response, judge),) = read_judgments(rows)
    assert rows[0]["preference"] == 1.8
    assert (rows[0]["annotator"], judge) == (f"{ANNOTATOR}, j", "j")
    assert (again.candidate.text, again.baseline and again.baseline.text) == ("C", "B")
    assert (response.text, response.tokens) == (raw.text, raw.tokens)


def test_a_ranking_is_written_as_its_text_and_read_back() -> None:
    verdict = Verdict(comparison(), "j", 1.0, raw=generation("[{'model': 'model_1', 'rank': 2}]"))
    rows = VERSION_1.files.write_judgments([verdict])
    assert VERSION_1.files.read_judgments(rows)[0].raw.text == "[{'model': 'model_1', 'rank': 2}]"


def test_an_unread_verdict_is_written_as_null() -> None:
    rows = BENCHMARK.files.write_judgments([Verdict(comparison(), "j", None, "refused")])
    assert rows[0]["preference"] is None
    assert read_judgments(rows) == []


def test_a_raw_completion_may_be_a_plain_text_or_json() -> None:
    choice = {"text": "m", "finish_reason": "length", "logprobs": None, "total_tokens": 9.0}
    rows = [row(raw_completion="[1]"), row(1, raw_completion=json.dumps(choice))]
    assert [one.raw.text for one in read_judgments(rows)] == ["[1]", "m"]


@pytest.mark.parametrize(
    ("preference", "value"), [(1, 0.0), (2, 1.0), (1.25, 0.25), (0, 0.5), (0.0, 0.5), (1.5, 0.5)]
)
def test_a_published_preference_becomes_a_fraction(preference: float, value: float) -> None:
    assert columns(row(preference=preference)).preference_N.tolist() == [value]


@pytest.mark.parametrize("preference", [None, float("nan")])
def test_a_missing_preference_is_unread(preference: float | None) -> None:
    table = columns(row(preference=preference), row(1))
    assert str(table.preference_N.tolist()) == "[nan, 0.25]"


def test_lengths_are_those_of_the_texts_or_as_given() -> None:
    table = columns(row(), row(1, len_output_1=7, len_output_2=3))
    assert table.baseline_length_N.tolist() == [11, 7]
    assert table.candidate_length_N.tolist() == [5, 3]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no rows"),
        ([row(preference=3)], "preference from 1 to 2"),
        ([row(preference=0.7)], "preference from 1 to 2"),
        ([row(preference="good")], "preference from 1 to 2"),
        ([row(), row()], "row 1 repeats 'Q0'"),
        ([row(), row(1, generator_2="other")], "'generator_2' to be 'mine'"),
        ([row(generator_1="text_davinci_003")], "'generator_1' to be 'gpt4_1106_preview'"),
        ([row(), row(1, annotator="chatgpt")], f"'annotator' to be '{ANNOTATOR}'"),
        ([row(output_2=None)], "a text under 'output_2' in row 0"),
    ],
)
def test_rows_of_something_else_are_refused_in_one_line(
    rows: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        columns(*rows)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("rows", [[{"instruction": "Q"}], [{"question_id": 81, "turns": ["Q"]}]])
def test_outputs_of_another_form_are_refused(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(DataError, match="is this an AlpacaEval model_outputs"):
        read_outputs(rows)


def test_outputs_with_a_repeated_instruction_are_refused() -> None:
    with pytest.raises(DataError, match="row 1 repeats"):
        read_outputs([{"instruction": "Q", "output": "A"}] * 2)


@pytest.mark.parametrize(
    "raw", [7, {"text": "m"}, {"text": "m", "finish_reason": 1, "logprobs": 3}]
)
def test_a_raw_completion_of_no_known_form_is_refused(raw: Any) -> None:
    with pytest.raises(DataError, match="raw completion"):
        read_judgments([row(raw_completion=raw)])


@pytest.mark.parametrize("read", [read_judgments, lambda rows: rescore_2(rows, NO_ASSETS)])
def test_judgments_by_another_rubric_are_refused(read: Callable[[Rows], Any]) -> None:
    with pytest.raises(DataError, match=f"'annotator' to be '{ANNOTATOR}'.*'chatgpt' in row 0"):
        read([row(annotator="chatgpt", raw_completion="m")])


def test_the_official_judge_is_known_by_the_official_annotator() -> None:
    official = BENCHMARK.card.judge
    verdicts = [Verdict(comparison(), judge, 0.5) for judge in (official, "openai:gpt-4.1")]
    names = [one["annotator"] for one in BENCHMARK.files.write_judgments(verdicts)]
    assert names == [ANNOTATOR, f"{ANNOTATOR}, openai:gpt-4.1"]


def test_an_answer_that_never_came_is_not_written() -> None:
    answers = [generation("A"), generation(failure="too long")]
    assert [row["output"] for row in BENCHMARK.files.write_outputs(answers)] == ["A"]


def test_rows_short_of_805_take_difficulties_by_row(official: Assets) -> None:
    name = "alpaca_eval/annotations/gpt35_turbo_instruct.jsonl"
    rows = [json.loads(line) for line in official.read(name).splitlines()]
    assert columns(*rows).difficulty_row_N.tolist() == list(range(804))
    assert rescore_2(rows, official).scores[0].value == pytest.approx(0.1772, abs=2e-4)


def test_judgments_of_other_instructions_are_refused(official: Assets) -> None:
    with pytest.raises(DataError, match="instructions of AlpacaEval, came 'Q0' in row 0"):
        rescore_2([row()], official)


@pytest.mark.parametrize("model", ["alpaca-7b", "claude-2"])
def test_the_small_form_of_published_annotations_has_its_pinned_content(
    official: Assets, model: str
) -> None:
    full = official.read(f"alpaca_eval/annotations_full/{model}.json")
    assert without_texts(full, official) == official.read(f"alpaca_eval/annotations/{model}.jsonl")
