"""AlpacaEval's published files: model_outputs.json and annotations.json, read and written.

In these files `output_1` is the baseline's, `output_2` the candidate's, and `preference` runs from
1 (baseline better) to 2 (candidate better); 0 is an old way to write a draw, null is unread.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.alpaca_eval.scores import Judged
from harness.errors import DataError
from harness.types import (
    Comparison,
    Decoding,
    Generation,
    Item,
    Prompt,
    Recorded,
    Response,
    Rows,
    Token,
    Usage,
    Verdict,
)

_KEPT = ("generator_1", "generator_2", "dataset", "annotator", "preference")


def read_outputs(rows: Rows) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Answers by instruction, from model_outputs.json or from annotations with texts.

    Raises:
        DataError: A row lacks its instruction or output, or an instruction comes twice.
    """
    answers: dict[tuple[str, ...], tuple[str, ...]] = {}
    for number, row in enumerate(rows):
        turns = (_text(row, number, "instruction"),)
        if turns in answers:
            raise DataError(
                f"expected each instruction once, row {number} repeats {turns[0][:60]!r}; "
                f"keep one answer for each"
            )
        answers[turns] = (_text(row, number, "output_2" if "output_2" in row else "output"),)
    return answers


def write_outputs(generations: Sequence[Generation]) -> list[dict[str, Any]]:
    """Rows of model_outputs.json; a prompt that was never answered has none."""
    return [
        {"instruction": g.prompt.turns[0], "output": g.text, "generator": g.model}
        for g in generations
        if g.failure is None
    ]


class Annotator(NamedTuple):
    """Who judges, as these files name it.

    The official annotator is the rubric under the official judge. Under another judge the name of
    that judge follows, so that no file passes for official which is not.
    """

    name: str
    judge: str
    """The official one."""

    def under(self, judge: str) -> str:
        """What the files call this rubric under a judge."""
        return self.name if judge == self.judge else f"{self.name}, {judge}"

    def judge_of(self, row: Mapping[str, Any], number: int) -> str:
        """The judge of a row.

        Raises:
            DataError: It was judged by another rubric.
        """
        name, _, judge = str(row.get("annotator")).partition(", ")
        if name != self.name:
            raise DataError(
                f"expected 'annotator' to be '{self.name}' in every row, came "
                f"{row.get('annotator')!r} in row {number}; are these judgments of this benchmark?"
            )
        return judge or self.judge


def read_judgments(rows: Rows, annotator: Annotator) -> list[Recorded]:
    """The rows of annotations.json that carry the judge's raw answer.

    Raises:
        DataError: A row lacks a text, its raw answer is of no known form, or it is of another
            rubric.
    """
    return [
        Recorded(
            _comparison(row, number),
            _response(row["raw_completion"], number),
            annotator.judge_of(row, number),
        )
        for number, row in enumerate(rows)
        if row.get("raw_completion") is not None
    ]


def write_judgments(verdicts: Sequence[Verdict], annotator: Annotator) -> list[dict[str, Any]]:
    """Rows of annotations.json."""
    return [_annotation(verdict, annotator.under(verdict.judge)) for verdict in verdicts]


def read_columns(rows: Rows, baseline: str) -> Judged:
    """The columns that scores are made of, from annotations with texts or with their lengths.

    A file of fewer than 805 rows takes prompt difficulties by row, as upstream does.

    Raises:
        DataError: The rows are of another baseline, of several models or judges, repeat an
            instruction, or hold a preference outside its range.
    """
    _check_all(rows, "generator_1", baseline)
    _check_all(rows, "annotator", str(rows[0].get("annotator")))
    _check_all(rows, "generator_2", str(rows[0].get("generator_2")))
    _check_unique(rows)
    return Judged(
        np.array([_preference(row, number) for number, row in enumerate(rows)]),
        np.array([_length(row, number, "output_2") for number, row in enumerate(rows)]),
        np.array([_length(row, number, "output_1") for number, row in enumerate(rows)]),
        np.arange(len(rows)),
    )


def read_items(rows: Rows, preference_N: NDArray[np.float64], order: Sequence[str]) -> list[Item]:
    """Each row's prompt with its preference in [0, 1].

    Args:
        rows: As published, with instructions or with their places.
        preference_N: Of the rows; NaN is unread.
        order: The instructions in published order.

    Raises:
        DataError: An instruction is not one of the benchmark's.
    """
    place = {instruction: index for index, instruction in enumerate(order)}
    indices = [row.get("instruction_index", place.get(row.get("instruction", ""))) for row in rows]
    if None in indices:
        number = indices.index(None)
        raise DataError(
            f"expected instructions of AlpacaEval, came {rows[number].get('instruction')!r:.60} in "
            f"row {number}; are these judgments of another benchmark?"
        )
    return [
        Item(f"alpaca_eval/{index}", None, "null in the file")
        if math.isnan(value)
        else Item(f"alpaca_eval/{index}", value, None)
        for index, value in zip(indices, preference_N.tolist(), strict=True)
    ]


def without_texts(raw: bytes, order: Sequence[str]) -> bytes:
    """Published annotations as JSON lines with the lengths of the texts in place of the texts.

    Args:
        raw: A published annotations.json.
        order: The instructions in published order; `instruction_index` is the place there.
    """
    place = {instruction: index for index, instruction in enumerate(order)}
    lines = [
        {
            "index": number,
            "instruction_index": place[row["instruction"]],
            **{key: row[key] for key in _KEPT},
            "len_output_1": len(row["output_1"]),
            "len_output_2": len(row["output_2"]),
        }
        for number, row in enumerate(json.loads(raw))
    ]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def _text(row: Mapping[str, Any], number: int, key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise DataError(
            f"expected a text under '{key}' in row {number}, came {value!r:.40}; "
            f"is this an AlpacaEval model_outputs.json or annotations.json?"
        )
    return value


def _comparison(row: Mapping[str, Any], number: int) -> Comparison:
    prompt = Prompt(
        f"alpaca_eval/{number}", (_text(row, number, "instruction"),), Decoding(max_tokens=1)
    )
    return Comparison(
        Generation(
            prompt, str(row.get("generator_2")), (Response(_text(row, number, "output_2")),)
        ),
        Generation(
            prompt, str(row.get("generator_1")), (Response(_text(row, number, "output_1")),)
        ),
    )


def _response(raw: Any, number: int) -> Response:
    """A raw completion: the text alone, or the choice of a chat completion, as JSON or not."""
    if isinstance(raw, str) and not raw.startswith('{"'):
        return Response(raw)
    choice = json.loads(raw) if isinstance(raw, str) else raw
    try:
        content = (choice.get("logprobs") or {}).get("content") or ()
        total = int(choice.get("total_tokens") or 0)
        return Response(
            choice["text"],
            choice["finish_reason"],
            tuple(
                Token(
                    token["token"],
                    token["logprob"],
                    tuple((top["token"], top["logprob"]) for top in token["top_logprobs"]),
                )
                for token in content
            ),
            Usage(prompt_tokens=max(total - len(content), 0), completion_tokens=len(content)),
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise DataError(
            f"expected a raw completion with text, finish_reason and logprobs in row {number}, "
            f"came {str(raw)[:60]!r}; is this an AlpacaEval annotations.json?"
        ) from error


def _annotation(verdict: Verdict, annotator: str) -> dict[str, Any]:
    candidate, baseline = verdict.comparison.candidate, verdict.comparison.baseline
    return {
        "instruction": candidate.prompt.turns[0],
        "output_1": baseline.text if baseline else None,
        "generator_1": baseline.model if baseline else None,
        "output_2": candidate.text,
        "generator_2": candidate.model,
        "annotator": annotator,
        "preference": None if verdict.value is None else 1 + verdict.value,
        "raw_completion": _raw_completion(verdict.raw.responses[-1])
        if verdict.raw and verdict.raw.responses
        else None,
    }


def _raw_completion(response: Response) -> dict[str, Any]:
    content = [
        {
            "token": token.text,
            "logprob": token.logprob,
            "top_logprobs": [{"token": text, "logprob": logp} for text, logp in token.top],
        }
        for token in response.tokens
    ]
    return {
        "finish_reason": response.finish_reason,
        "logprobs": {"content": content} if content else None,
        "text": response.text,
        "total_tokens": sum(response.usage),
    }


def _check_all(rows: Rows, key: str, expected: str) -> None:
    wrong = [number for number, row in enumerate(rows) if row.get(key) != expected]
    if wrong or not rows:
        came = repr(rows[wrong[0]].get(key)) if wrong else "no rows"
        raise DataError(
            f"expected '{key}' to be '{expected}' in every row, came {came}"
            f"{f' in row {wrong[0]}' if wrong else ''}; are these judgments of this benchmark, "
            f"of one model and by its official judge?"
        )


def _check_unique(rows: Rows) -> None:
    seen = set()
    for number, row in enumerate(rows):
        key = row.get("instruction", row.get("instruction_index"))
        if key in seen:
            raise DataError(
                f"expected each prompt once, row {number} repeats {str(key)[:60]!r}; "
                f"keep one judgment for each"
            )
        seen.add(key)


def _preference(row: Mapping[str, Any], number: int) -> float:
    value = row.get("preference")
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return math.nan
    if value == 0:
        return 0.5
    if not isinstance(value, int | float) or not 1 <= value <= 2:
        raise DataError(
            f"expected a preference from 1 to 2 (or 0 for a draw, null for unread) in row "
            f"{number}, came {value!r}; is the file damaged?"
        )
    return float(value) - 1


def _length(row: Mapping[str, Any], number: int, key: str) -> float:
    if f"len_{key}" in row:
        return float(row[f"len_{key}"])
    return float(len(_text(row, number, key)))
