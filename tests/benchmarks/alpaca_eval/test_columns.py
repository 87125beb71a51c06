import json
import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from benchmarks.alpaca_eval import ANNOTATOR_2, BASELINE_2, BENCHMARK, rescore_2, without_texts
from benchmarks.alpaca_eval.columns import items, read_columns
from benchmarks.alpaca_eval.scores import Judged
from harness.errors import DataError
from harness.types import Assets, Rescored, Rows, Verdict
from tests.benchmarks.alpaca_eval.rows import row
from tests.records import comparison, verdict

BY_ROW = "difficulties by row, as upstream does when rows are missing"
ORDER = [f"Q{place}" for place in range(9)]


def columns(*rows: dict[str, Any]) -> Judged:
    return read_columns(rows, BASELINE_2, ORDER)


def recorded(official: Assets, model: str) -> list[dict[str, Any]]:
    lines = official.read(f"alpaca_eval/annotations/{model}.jsonl").splitlines()
    return [json.loads(line) for line in lines]


def shuffled(rows: Sequence[Any]) -> list[Any]:
    return random.Random(0).sample(rows, len(rows))


def rescored(rows: Rows, official: Assets) -> Rescored:
    return BENCHMARK.files.rescore(rows, official)


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


def test_rows_are_put_into_official_order() -> None:
    table = columns(row(7, preference=2), row(2, output_2="!"))
    assert table.place_N.tolist() == table.difficulty_row_N.tolist() == [2, 7]
    assert table.candidate_length_N.tolist() == [1, 5]
    assert items(table) == [("alpaca_eval/2", 0.25, None), ("alpaca_eval/7", 1.0, None)]


def test_an_unread_row_has_no_value_and_a_cause() -> None:
    assert items(columns(row(preference=None))) == [("alpaca_eval/0", None, "null in the file")]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no rows"),
        ([row(preference=3)], "preference from 1 to 2"),
        ([row(preference=0.7)], "preference from 1 to 2"),
        ([row(preference="good")], "preference from 1 to 2"),
        ([row(preference=True)], "preference from 1 to 2.*came True"),
        ([row(preference=False)], "preference from 1 to 2.*came False"),
        ([row(), row()], "row 1 repeats 'Q0'"),
        ([row(), row(1, generator_2="other")], "'generator_2' to be 'mine'"),
        ([row(generator_1="text_davinci_003")], "'generator_1' to be 'gpt4_1106_preview'"),
        ([row(), row(1, annotator="chatgpt")], f"'annotator' to be '{ANNOTATOR_2.name}'"),
        ([row(output_2=7)], "a text under 'output_2' in row 0"),
        ([row(instruction=["Q"])], r"a text under 'instruction' in row 0, came \['Q'\]"),
        ([row(instruction="Q\ud800")], r"instructions of AlpacaEval, came 'Q\\ud800' in row 0"),
        ([row(len_output_2="abc")], "characters under 'len_output_2' in row 0, came 'abc'"),
        ([row(len_output_2=-1)], "characters under 'len_output_2' in row 0, came -1"),
        ([row(len_output_1=math.nan)], "characters under 'len_output_1' in row 0, came nan"),
    ],
)
def test_rows_of_something_else_are_refused_in_one_line(
    rows: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        columns(*rows)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", [None, -1, 805, True, "3"])
def test_a_place_that_no_prompt_has_is_refused(place: Any) -> None:
    small = {**row(len_output_1=1, len_output_2=1), "instruction_index": place}
    del small["instruction"]
    with pytest.raises(DataError, match=f"instructions of AlpacaEval, came {place!r} in row 0"):
        columns(small)


def test_judgments_of_other_instructions_are_refused(official: Assets) -> None:
    with pytest.raises(DataError, match="instructions of AlpacaEval, came 'Q0' in row 0"):
        rescore_2([row()], official)


def test_judgments_by_another_rubric_are_not_rescored(official: Assets) -> None:
    asked = BENCHMARK.load(official)[0].turns[0]
    with pytest.raises(DataError, match=r"'annotator' to be .*'chatgpt' in row 0"):
        rescore_2([row(instruction=asked, annotator="chatgpt")], official)


@pytest.mark.parametrize("some", [slice(None), slice(0, None, 8)])
def test_the_order_of_rows_changes_nothing(official: Assets, some: slice) -> None:
    rows = recorded(official, "alpaca-7b")[some]
    assert rescored(shuffled(rows), official) == rescored(rows, official)


def test_a_part_of_the_prompts_is_rescored_as_its_verdicts_score(official: Assets) -> None:
    rows, asked = recorded(official, "alpaca-7b")[::8], BENCHMARK.load(official)

    def again(row: Mapping[str, Any]) -> Verdict:
        texts = "c" * row["len_output_2"], "b" * row["len_output_1"]
        pair = comparison(*texts, asked[row["instruction_index"]])
        return verdict(row["preference"] - 1, comparison=pair)

    scores = BENCHMARK.aggregate(shuffled([again(row) for row in rows]), official)
    assert scores == rescored(rows, official).scores


def test_a_file_short_of_few_rows_takes_difficulties_by_row_and_says_so(official: Assets) -> None:
    rows = recorded(official, "gpt35_turbo_instruct")
    assert read_columns(rows, BASELINE_2).difficulty_row_N.tolist() == list(range(804))
    lc = rescored(rows, official).scores[0]
    assert lc.value == pytest.approx(0.1772, abs=2e-4)
    assert BY_ROW in lc.doubts


def test_out_of_official_order_such_a_file_takes_them_by_instruction(official: Assets) -> None:
    rows = recorded(official, "gpt35_turbo_instruct")
    table = read_columns(shuffled(rows), BASELINE_2)
    assert table.difficulty_row_N.tolist() == [r["instruction_index"] for r in rows]
    assert rescored(shuffled(rows), official).scores[0].doubts == ()


@pytest.mark.parametrize("n", [801, 805])
def test_other_files_take_difficulties_by_instruction(official: Assets, n: int) -> None:
    rows = recorded(official, "alpaca-7b")[-n:]
    assert read_columns(rows, BASELINE_2).difficulty_row_N.tolist() == list(range(805 - n, 805))
    assert BY_ROW not in rescored(rows, official).scores[0].doubts


@pytest.mark.parametrize("model", ["alpaca-7b", "claude-2"])
def test_the_small_form_of_published_annotations_has_its_pinned_content(
    official: Assets, model: str
) -> None:
    full = official.read(f"alpaca_eval/annotations_full/{model}.json")
    assert without_texts(full, official) == official.read(f"alpaca_eval/annotations/{model}.jsonl")
