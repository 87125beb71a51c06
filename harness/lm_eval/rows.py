"""Answers to lm-eval's requests as rows of a file."""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from harness.errors import DataError
from harness.types import (
    GIVEN,
    LIKELIEST,
    Assets,
    Generation,
    Prompt,
    Response,
    Rows,
    Token,
    Verdict,
)


def write_outputs(answers: Sequence[Generation]) -> list[dict[str, Any]]:
    """A row for each prompt: texts, or log-likelihoods and whether each choice is the likeliest."""
    return [_row(answer) for answer in answers]


def _row(answer: Generation) -> dict[str, Any]:
    row = {"id": answer.prompt.id, "generator": answer.model}
    if answer.failure is not None:
        return {**row, "failure": answer.failure}
    if not answer.prompt.choices:
        return {**row, "output": answer.text}
    told = [[one.logprob, one.finish_reason == LIKELIEST] for one in answer.responses]
    return {**row, "loglikelihoods": told}


def read_answers(rows: Rows, prompts: Mapping[str, Prompt]) -> list[Generation]:
    """The answers that `write_outputs` has written.

    Raises:
        DataError: The rows are none of these, or are of other prompts.
    """
    try:
        found = [_answer(row, prompts[row["id"]]) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"expected rows with the id of a prompt and an output or loglikelihoods, came one "
            f"without or of another benchmark ({error}); name a model_outputs.json of `score`"
        ) from error
    if not found:
        raise DataError("expected answers, came no row; name a model_outputs.json of `score`")
    return found


def _answer(row: Mapping[str, Any], prompt: Prompt) -> Generation:
    if "failure" in row:
        return Generation(prompt, row["generator"], (), row["failure"])
    if not prompt.choices:
        return Generation(prompt, row["generator"], (Response(row["output"]),))
    responses = tuple(
        Response("", LIKELIEST if likeliest else GIVEN, (Token("", float(logprob), ()),))
        for logprob, likeliest in row["loglikelihoods"]
    )
    return Generation(prompt, row["generator"], responses)


def write_judgments(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """A row for each prompt with what it is worth."""
    return [
        {"id": v.comparison.candidate.prompt.id, "value": v.value, "cause": v.cause}
        for v in verdicts
    ]


def no_outputs(_rows: Rows, _assets: Assets) -> NoReturn:
    """Nothing: published outputs are texts, and do not tell log-likelihoods.

    Raises:
        DataError: Always.
    """
    raise DataError(
        "expected a model that can be asked, came recorded outputs: they do not tell how likely "
        "each choice is; name the model, or score a model_outputs.json with rescore --outputs"
    )


def no_judgments(_rows: Rows, _assets: Assets) -> NoReturn:
    """Nothing: answers are matched.

    Raises:
        DataError: Always.
    """
    raise DataError("expected answers, came judgments: lm-eval's tasks need no judge")


def no_rescore(rows: Rows, assets: Assets) -> NoReturn:
    """Nothing, as `no_judgments`.

    Raises:
        DataError: Always.
    """
    no_judgments(rows, assets)
