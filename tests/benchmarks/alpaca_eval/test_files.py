import json
import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks.alpaca_eval import ANNOTATOR_1, ANNOTATOR_2, BENCHMARK, VERSION_1
from benchmarks.alpaca_eval.fields import length
from harness.assets import Library
from harness.errors import DataError
from harness.types import Benchmark, Comparison, Recorded, Response, Rows, Token, Verdict
from tests.benchmarks.alpaca_eval.rows import raw, row
from tests.records import comparison, generation, prompt

ANNOTATOR = ANNOTATOR_2.name
NO_ASSETS = Library({}, [], Path("no cache"))


def read_outputs(rows: Rows) -> dict[tuple[str, ...], tuple[str, ...]]:
    return BENCHMARK.files.read_outputs(rows, NO_ASSETS)


def read_judgments(rows: Rows, benchmark: Benchmark = BENCHMARK) -> list[Recorded]:
    return benchmark.files.read_judgments(rows, NO_ASSETS)


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
    said = Response("M", "length", (Token("M", -0.25, (("M", -0.25), ("m", -1.5))),))
    shown = comparison("C", "B")
    verdict = Verdict(shown, "j", 0.8, raw=generation(responses=(said,)))
    rows = json.loads(json.dumps(BENCHMARK.files.write_judgments([verdict])))
    ((again, response, judge),) = read_judgments(rows)
    assert rows[0]["preference"] == 1.8
    assert (rows[0]["annotator"], judge) == (f"{ANNOTATOR}, j", "j")
    assert (again.candidate.text, again.baseline and again.baseline.text) == ("C", "B")
    assert (response.text, response.tokens) == (said.text, said.tokens)


def test_a_ranking_is_written_as_its_text_and_read_back() -> None:
    verdict = Verdict(comparison(), "j", 1.0, raw=generation("[{'model': 'model_1', 'rank': 2}]"))
    rows = VERSION_1.files.write_judgments([verdict])
    assert read_judgments(rows, VERSION_1)[0].raw.text == "[{'model': 'model_1', 'rank': 2}]"


def test_an_unread_verdict_is_written_as_null() -> None:
    rows = BENCHMARK.files.write_judgments([Verdict(comparison(), "j", None, "refused")])
    assert rows[0]["preference"] is None
    assert read_judgments(rows) == []


def test_a_raw_completion_may_be_a_plain_text_or_json() -> None:
    answers = "[1]", json.dumps(raw(text="m"))
    rows = [row(i, annotator=ANNOTATOR_1.name, raw_completion=a) for i, a in enumerate(answers)]
    assert [one.raw.text for one in read_judgments(rows, VERSION_1)] == ["[1]", "m"]


@pytest.mark.parametrize("rows", [[{"instruction": "Q"}], [{"question_id": 81, "turns": ["Q"]}]])
def test_outputs_of_another_form_are_refused(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(DataError, match="is this an AlpacaEval model_outputs"):
        read_outputs(rows)


def test_outputs_with_a_repeated_instruction_are_refused() -> None:
    with pytest.raises(DataError, match="row 1 repeats"):
        read_outputs([{"instruction": "Q", "output": "A"}] * 2)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (7, "expected a raw completion .* in row 0, came '7'"),
        ('{"oops', "expected a raw completion .* in row 0, came '{\"oops'"),
        ({"text": "m"}, "expected a raw completion"),
        (raw(logprobs=3), "expected a raw completion"),
        (raw(logprobs={"content": [{"token": "M", "logprob": 0}]}), "expected a raw completion"),
        (raw(total_tokens="many"), "expected a raw completion"),
        (raw(total_tokens=math.inf), "expected a raw completion"),
        (raw(text=None), "expected a text under 'text' in row 0, came None"),
        (raw(None), "expected a number under 'logprob' in row 0, came None"),
        (raw("-0.25"), "expected a number under 'logprob' in row 0, came '-0.25'"),
        (raw(math.nan), "expected a number under 'logprob' in row 0, came nan"),
        (raw(logprob=False), "expected a number under 'logprob' in row 0, came False"),
    ],
)
def test_a_raw_completion_of_no_known_form_is_refused_in_one_line(
    answer: Any, message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_judgments([row(raw_completion=answer)])
    assert "\n" not in str(caught.value)


def test_an_instruction_that_is_no_text_is_refused() -> None:
    with pytest.raises(DataError, match="a text under 'instruction' in row 0, came \\['Q'\\]"):
        read_judgments([row(instruction=["Q"], raw_completion=raw())])


def test_a_question_with_two_raw_answers_is_refused() -> None:
    with pytest.raises(DataError, match="row 2 gives another to 'Q0'"):
        read_judgments([row(raw_completion=raw()), row(1), row(raw_completion=raw(-3.0))])


def test_a_question_may_be_answered_twice_alike_and_by_several_models() -> None:
    rows = [row(raw_completion=raw()), row(raw_completion=raw())]
    other = row(output_2="theirs", generator_2="theirs", raw_completion=raw(-3.0))
    assert len(read_judgments([*rows, other])) == 3


@pytest.mark.parametrize("content", [[], [{"token": "M", "logprob": -0.1, "top_logprobs": []}]])
def test_raw_answers_that_all_lack_log_probabilities_are_refused(content: list[Any]) -> None:
    bare = raw(logprobs={"content": content})
    rows = [row(raw_completion="M"), row(1, raw_completion=bare)]
    with pytest.raises(DataError, match="expected log-probabilities in the raw answers, came none"):
        read_judgments(rows)
    assert len(read_judgments([*rows, row(2, raw_completion=raw())])) == 3


def test_judgments_by_another_rubric_are_refused() -> None:
    with pytest.raises(DataError, match=f"'annotator' to be '{ANNOTATOR}'.*'chatgpt' in row 0"):
        read_judgments([row(annotator="chatgpt", raw_completion="m")])


def test_the_official_judge_is_known_by_the_official_annotator() -> None:
    official = BENCHMARK.card.judge
    verdicts = [Verdict(comparison(), judge, 0.5) for judge in (official, "openai:gpt-4.1")]
    names = [one["annotator"] for one in BENCHMARK.files.write_judgments(verdicts)]
    assert names == [ANNOTATOR, f"{ANNOTATOR}, openai:gpt-4.1"]


def test_an_answer_that_never_came_is_not_written() -> None:
    answers = [generation("A"), generation(failure="too long")]
    assert [row["output"] for row in BENCHMARK.files.write_outputs(answers)] == ["A"]


def test_an_answer_that_never_came_is_null_and_has_no_length_when_rescored() -> None:
    lost = Comparison(generation(failure="too long", prompt=prompt("Q0")), generation("long"))
    rows = BENCHMARK.files.write_judgments([Verdict(lost, "j", None, "no response")])
    assert rows[0]["output_2"] is None
    assert math.isnan(length(rows[0], 0, "output_2"))
