"""AlpacaEval's published files: model_outputs.json and annotations.json, read and written.

In these files `output_1` is the baseline's, `output_2` the candidate's, and `preference` runs from
1 (baseline better) to 2 (candidate better); 0 is an old way to write a draw, null is unread.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmarks.alpaca_eval.fields import Row, logprob, text
from harness.errors import DataError
from harness.types import (
    Comparison,
    Decoding,
    Generation,
    Prompt,
    Recorded,
    Response,
    Rows,
    Token,
    Usage,
    Verdict,
)


def read_outputs(rows: Rows) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Answers by instruction, from model_outputs.json or from annotations with texts.

    Raises:
        DataError: A row lacks its instruction or output, or an instruction comes twice.
    """
    answers: dict[tuple[str, ...], tuple[str, ...]] = {}
    for number, row in enumerate(rows):
        turns = (text(row, number, "instruction"),)
        if turns in answers:
            raise DataError(
                f"expected each instruction once, row {number} repeats {turns[0][:60]!r}; "
                f"keep one answer for each"
            )
        answers[turns] = (text(row, number, "output_2" if "output_2" in row else "output"),)
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
    reads_logprobs: bool
    """Whether the verdict lies in the log-probabilities of the raw answer, not in its text."""

    def under(self, judge: str) -> str:
        """What the files call this rubric under a judge."""
        return self.name if judge == self.judge else f"{self.name}, {judge}"

    def judge_of(self, row: Row, number: int) -> str:
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
        DataError: A row lacks a text, its raw answer is of no known form, it is of another rubric,
            a question was answered twice and differently, or the rubric reads log-probabilities
            and no answer has any.
    """
    answered = [(i, row) for i, row in enumerate(rows) if row.get("raw_completion") is not None]
    recorded = [
        Recorded(
            _comparison(row, number),
            _response(row["raw_completion"], number),
            annotator.judge_of(row, number),
        )
        for number, row in answered
    ]
    _check_one_answer_each(answered)
    if annotator.reads_logprobs:
        _check_logprobs(recorded)
    return recorded


def write_judgments(verdicts: Sequence[Verdict], annotator: Annotator) -> list[dict[str, Any]]:
    """Rows of annotations.json."""
    return [_annotation(verdict, annotator.under(verdict.judge)) for verdict in verdicts]


def _check_one_answer_each(answered: Sequence[tuple[int, Row]]) -> None:
    """A question is an instruction with both outputs, since a file may be of several models."""
    answers: dict[tuple[str, ...], Any] = {}
    for number, row in answered:
        question = row["instruction"], row["output_1"], row["output_2"]
        if answers.setdefault(question, row["raw_completion"]) != row["raw_completion"]:
            raise DataError(
                f"expected one raw answer to each question, row {number} gives another to "
                f"{row['instruction']!r:.60}; keep one judgment for each"
            )


def _check_logprobs(recorded: Sequence[Recorded]) -> None:
    tops = [token.top for one in recorded for token in one.raw.tokens]
    if recorded and not any(tops):
        raise DataError(
            f"expected log-probabilities in the raw answers, came none in {len(recorded)}; "
            f"are these judgments of another rubric, or kept without them?"
        )


def _comparison(row: Row, number: int) -> Comparison:
    prompt = Prompt(
        f"alpaca_eval/{number}", (text(row, number, "instruction"),), Decoding(max_tokens=1)
    )
    return Comparison(
        Generation(prompt, str(row.get("generator_2")), (Response(text(row, number, "output_2")),)),
        Generation(prompt, str(row.get("generator_1")), (Response(text(row, number, "output_1")),)),
    )


def _response(raw: Any, number: int) -> Response:
    """A raw completion: the text alone, or the choice of a chat completion, as JSON or not."""
    if isinstance(raw, str) and not raw.startswith('{"'):
        return Response(raw)
    try:
        choice = json.loads(raw) if isinstance(raw, str) else raw
        content = (choice.get("logprobs") or {}).get("content") or ()
        total = int(choice.get("total_tokens") or 0)
        return Response(
            text(choice, number, "text"),
            str(choice["finish_reason"]),
            tuple(_token(token, number) for token in content),
            Usage(prompt_tokens=max(total - len(content), 0), completion_tokens=len(content)),
        )
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"expected a raw completion with text, finish_reason and logprobs in row {number}, "
            f"came {str(raw)[:60]!r}; is this an AlpacaEval annotations.json?"
        ) from error


def _token(token: Row, number: int) -> Token:
    likeliest = [
        (text(top, number, "token"), logprob(top, number)) for top in token["top_logprobs"]
    ]
    return Token(text(token, number, "token"), logprob(token, number), tuple(likeliest))


def _annotation(verdict: Verdict, annotator: str) -> dict[str, Any]:
    candidate, baseline = verdict.comparison.candidate, verdict.comparison.baseline
    return {
        "instruction": candidate.prompt.turns[0],
        "output_1": baseline.text if baseline else None,
        "generator_1": baseline.model if baseline else None,
        "output_2": candidate.text if candidate.failure is None else None,
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
        "total_tokens": response.usage.total,
    }
