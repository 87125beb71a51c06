import json
from typing import Any

import pytest

from harness.commands.setting import Setting
from harness.errors import DataError
from harness.models.scripted import Scripted
from harness.types import Assets, Rows, Verdict
from tests.records import generation, prompt
from train.demo.benchmarks.tiny_instruct import BENCHMARK
from train.demo.benchmarks.tiny_instruct.scores import scores
from train.demo.sets import prompts

FILES = BENCHMARK.files
ASKED = prompts("test")[:3]


@pytest.fixture
def assets() -> Assets:
    return Setting().library()


def row(number: int = 0, **changes: Any) -> dict[str, Any]:
    plain = {
        "instruction": ASKED[number],
        "output_1": "*a.",
        "generator_1": "noisy",
        "output_2": "*b.",
        "generator_2": "mine",
        "annotator": "j",
        "preference": 1.25,
        "raw_completion": None,
    }
    return plain | changes


def verdicts(assets: Assets) -> list[Verdict]:
    """Read, unread by a judge that spoke, and never answered."""
    answers = Scripted(lambda _: "*abc.x", "mine").generate(BENCHMARK.load(assets)[:3])
    answers[2] = generation(prompt=answers[2].prompt, model="mine", failure="too long")
    one, two, three = BENCHMARK.compare(answers, assets)
    return [
        Verdict(one, "j", 0.75),
        Verdict(two, "j", None, "?", generation("hm")),
        Verdict(three, "j", None, "no response"),
    ]


def as_json(rows: Rows) -> Rows:
    again: Rows = json.loads(json.dumps(rows))
    return again


def test_outputs_that_were_written_are_read_back(assets: Assets) -> None:
    answers = [
        generation("A", prompt=prompt("Q")),
        generation(prompt=prompt("R"), failure="too long"),
    ]
    rows = FILES.write_outputs(answers)
    assert rows == [{"instruction": "Q", "output": "A", "generator": "candidate"}]
    assert FILES.read_outputs(as_json(rows), assets) == {("Q",): ("A",)}


def test_judgments_hold_the_candidates_answers_too(assets: Assets) -> None:
    assert FILES.read_outputs([row()], assets) == {(ASKED[0],): ("*b.",)}


def test_a_file_without_answers_has_none(assets: Assets) -> None:
    assert FILES.read_outputs([], assets) == {}


def test_an_instruction_that_comes_twice_is_refused(assets: Assets) -> None:
    with pytest.raises(DataError, match=r"each instruction once, row 1 repeats"):
        FILES.read_outputs([row(), row()], assets)


def test_judgments_that_were_written_give_the_same_scores(assets: Assets) -> None:
    rows = as_json(FILES.write_judgments(verdicts(assets)))
    model, judge, found, items = FILES.rescore(rows, assets)
    assert (model, judge) == ("mine", "j")
    assert found == scores(verdicts(assets))
    assert [item.value for item in items] == [0.75, None, None]
    assert [item.id for item in items] == [f"tiny_instruct/test/{n}" for n in range(3)]
    assert [item.cause for item in items] == [None, "null in the file", "null in the file"]


def test_the_order_of_the_rows_does_not_matter(assets: Assets) -> None:
    rows = [row(n, preference=1 + n / 2) for n in range(3)]
    assert FILES.rescore(rows[::-1], assets).scores == FILES.rescore(rows, assets).scores


def test_only_a_judges_own_words_are_recorded(assets: Assets) -> None:
    rows = as_json(FILES.write_judgments(verdicts(assets)))
    ((shown, raw, judge),) = FILES.read_judgments(rows, assets)
    assert (raw.text, judge, shown.candidate.text) == ("hm", "j", "*abc.x")
    assert shown == verdicts(assets)[1].comparison


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"instruction": "Why?"}, "this version of TinyInstruct, came 'Why.' in row 0"),
        ({"instruction": None}, "a text under 'instruction' in row 0, came None"),
        ({"output_1": None}, "a text under 'output_1' in row 0"),
        ({"output_2": 3}, "a text under 'output_2' in row 0, came 3"),
        ({"preference": 0.5}, "preference from 1 to 2 .* row 0, came 0.5"),
        ({"preference": True}, "preference from 1 to 2 .* row 0, came True"),
        ({"preference": "1.5"}, "preference from 1 to 2 .* row 0, came '1.5'"),
        ({"preference": float("nan")}, "preference from 1 to 2 .* row 0, came nan"),
        ({"annotator": None}, "a text under 'annotator' in row 0"),
    ],
)
def test_damaged_rows_are_refused_in_one_line(
    changes: dict[str, Any], message: str, assets: Assets
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        FILES.rescore([row(**changes)], assets)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("column", ["generator_2", "annotator"])
def test_judgments_of_two_are_refused(column: str, assets: Assets) -> None:
    with pytest.raises(DataError, match=rf"one '{column}' in all rows, came \w+, other"):
        FILES.rescore([row(), row(1, **{column: "other"})], assets)


def test_no_judgments_are_refused(assets: Assets) -> None:
    with pytest.raises(DataError, match="came no rows"):
        FILES.rescore([], assets)


def test_a_prompt_judged_twice_is_refused(assets: Assets) -> None:
    with pytest.raises(DataError, match="row 1 repeats"):
        FILES.rescore([row(), row(preference=2)], assets)


def test_a_column_that_is_absent_is_no_missing_answer(assets: Assets) -> None:
    cut = {key: value for key, value in row().items() if key != "output_2"}
    with pytest.raises(DataError, match="a text under 'output_2'"):
        FILES.rescore([cut], assets)
