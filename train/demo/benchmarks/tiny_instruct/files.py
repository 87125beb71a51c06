"""TinyInstruct's answers and judgments as files, in the form of AlpacaEval's.

In these files `output_1` is the baseline's, `output_2` the candidate's, and `preference` runs from
1 (baseline better) to 2 (candidate better); null is unread, or an answer that never came.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.errors import DataError
from harness.types import (
    Comparison,
    Generation,
    Item,
    Prompt,
    Recorded,
    Rescored,
    Response,
    Rows,
    Verdict,
)
from train.demo.benchmarks.tiny_instruct.scores import scores

Row = Mapping[str, Any]
Questions = Callable[[], Sequence[Prompt]]
"""The prompts of a version, drawn when they are needed."""


def read_outputs(rows: Rows) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Answers by instruction, from outputs or from judgments with texts.

    Raises:
        DataError: A row lacks its instruction or output, or an instruction comes twice.
    """
    column = "output_2" if rows and "output_2" in rows[0] else "output"
    asked = [_text(row, number, "instruction") for number, row in enumerate(rows)]
    _check_once(asked)
    return {
        (one,): (_text(row, n, column),)
        for n, (one, row) in enumerate(zip(asked, rows, strict=True))
    }


def write_outputs(generations: Sequence[Generation]) -> list[dict[str, Any]]:
    """A row for each answer; a prompt that was never answered has none."""
    return [
        {"instruction": g.prompt.turns[0], "output": g.text, "generator": g.model}
        for g in generations
        if g.failure is None
    ]


def read_judgments(questions: Questions, rows: Rows) -> list[Recorded]:
    """The rows that carry a judge's own words.

    Raises:
        DataError: A row lacks a text, or its instruction is not of this version.
    """
    known = _by_text(questions)
    return [
        Recorded(
            _comparison(known, row, number),
            Response(_text(row, number, "raw_completion")),
            _text(row, number, "annotator"),
        )
        for number, row in enumerate(rows)
        if row.get("raw_completion") is not None
    ]


def write_judgments(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """A row for each verdict."""
    return [_judgment(verdict) for verdict in verdicts]


def rescore(questions: Questions, rows: Rows) -> Rescored:
    """Judgments of one model by one judge to scores, no judge asked.

    Raises:
        DataError: The rows are of several models, judges or versions, repeat an instruction, or
            lack a text or a preference.
    """
    known = _by_text(questions)
    model, judge = _one(rows, "generator_2"), _one(rows, "annotator")
    _check_once([_text(row, number, "instruction") for number, row in enumerate(rows)])
    verdicts = [
        _verdict(_comparison(known, row, number), judge, row, number)
        for number, row in enumerate(rows)
    ]
    items = [Item(v.comparison.candidate.prompt.id, v.value, v.cause) for v in verdicts]
    return Rescored(model, judge, scores(verdicts), items)


def _judgment(verdict: Verdict) -> dict[str, Any]:
    candidate, baseline = verdict.comparison.candidate, verdict.comparison.baseline
    return {
        "instruction": candidate.prompt.turns[0],
        "output_1": baseline.text if baseline else None,
        "generator_1": baseline.model if baseline else None,
        "output_2": candidate.text if candidate.failure is None else None,
        "generator_2": candidate.model,
        "annotator": verdict.judge,
        "preference": None if verdict.value is None else 1 + verdict.value,
        "raw_completion": verdict.raw.text if verdict.raw else None,
    }


def _comparison(known: Mapping[str, Prompt], row: Row, number: int) -> Comparison:
    instruction = _text(row, number, "instruction")
    if instruction not in known:
        raise DataError(
            f"expected instructions of this version of TinyInstruct, came {instruction!r:.60} in "
            f"row {number}; are these judgments of another version?"
        )
    asked = known[instruction]
    rival = Response(_text(row, number, "output_1"))
    return Comparison(
        _candidate(asked, row, number), Generation(asked, str(row.get("generator_1")), (rival,))
    )


def _candidate(asked: Prompt, row: Row, number: int) -> Generation:
    model = str(row.get("generator_2"))
    if "output_2" in row and row["output_2"] is None:
        return Generation(asked, model, (), failure="null in the file")
    return Generation(asked, model, (Response(_text(row, number, "output_2")),))


def _verdict(comparison: Comparison, judge: str, row: Row, number: int) -> Verdict:
    value = row.get("preference")
    if value is None:
        return Verdict(comparison, judge, None, "null in the file")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= 2:
        raise DataError(
            f"expected a preference from 1 to 2 (or null for unread) in row {number}, came "
            f"{value!r:.40}; is the file damaged?"
        )
    return Verdict(comparison, judge, value - 1)


def _by_text(questions: Questions) -> dict[str, Prompt]:
    return {prompt.turns[0]: prompt for prompt in questions()}


def _one(rows: Rows, column: str) -> str:
    """What a column says in every row."""
    found = dict.fromkeys(_text(row, number, column) for number, row in enumerate(rows))
    if len(found) != 1:
        raise DataError(
            f"expected one '{column}' in all rows, came {', '.join(found) or 'no rows'}; keep the "
            f"judgments of one model by one judge in a file"
        )
    return next(iter(found))


def _check_once(asked: Sequence[str]) -> None:
    seen: set[str] = set()
    for number, instruction in enumerate(asked):
        if instruction in seen:
            raise DataError(
                f"expected each instruction once, row {number} repeats {instruction!r:.60}; keep "
                f"one answer for each"
            )
        seen.add(instruction)


def _text(row: Row, number: int, column: str) -> str:
    value = row.get(column)
    if not isinstance(value, str):
        raise DataError(
            f"expected a text under '{column}' in row {number}, came {value!r:.40}; is this a "
            f"file of TinyInstruct's answers or judgments?"
        )
    return value
