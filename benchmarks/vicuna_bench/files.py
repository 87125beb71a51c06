"""Vicuna-bench's files: answers in FastChat's older and newer form, and reviews of two answers.

Published reviews name nobody; rows that we write add both models, both answers and the judge, so
that they can be read again.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.vicuna_bench import rows as fields
from benchmarks.vicuna_bench.rows import Row
from benchmarks.vicuna_bench.rubric import LOWEST, Question, load_questions, read_scores
from harness.errors import DataError
from harness.types import (
    Assets,
    Comparison,
    Decoding,
    Generation,
    Prompt,
    Recorded,
    Response,
    Rows,
    Unread,
    Verdict,
)

Turns = tuple[str, ...]

BASELINE = "gpt-3.5-turbo"
DECODING = Decoding(1024, temperature=0.7)


def prompt(question: Question) -> Prompt:
    """What a model is asked."""
    return Prompt(f"vicuna_bench/{question.id}", (question.text,), DECODING)


def read_outputs(rows: Rows, assets: Assets) -> dict[Turns, Turns]:
    """One model's answers by their question; a failed call is no answer.

    Raises:
        DataError: A row is of an unknown question, has no text, or repeats a question.
    """
    questions = load_questions(assets)
    answers: dict[Turns, Turns] = {}
    for number, row in enumerate(rows):
        question = fields.question(row, number, questions)
        if (question.text,) in answers:
            raise DataError(
                f"expected each question once, row {number} repeats question {question.id}; keep "
                f"one answer for each"
            )
        answers[question.text,] = (fields.answer(row, number),)
    return {asked: said for asked, said in answers.items() if said[0] not in fields.FAILED}


def write_outputs(generations: Sequence[Generation]) -> list[dict[str, Any]]:
    """Rows of a model_answer file; a prompt that was never answered has none."""
    return [
        {
            "question_id": _id(one),
            "answer_id": _digest(one),
            "model_id": one.model,
            "choices": [{"index": 0, "turns": [one.text]}],
        }
        for one in generations
        if one.failure is None
    ]


def read_judgments(rows: Rows, assets: Assets) -> list[Recorded]:
    """The rows of reviews that hold both answers.

    Raises:
        DataError: A question with both answers was reviewed twice and differently.
    """
    questions = load_questions(assets)
    said: dict[Comparison, str] = {}
    recorded = []
    for number, row in enumerate(rows):
        if _is_whole(row):
            one = _recorded(row, number, questions)
            if said.setdefault(one.comparison, one.raw.text) != one.raw.text:
                raise DataError(
                    f"expected one review of each two answers, row {number} gives another to "
                    f"question {row['question_id']}; keep one"
                )
            recorded.append(one)
    return recorded


def _is_whole(row: Row) -> bool:
    """Whether the row holds both answers and the judge's words."""
    kept = [row.get(key) for key in ("answer_1", "answer_2", "text")]
    return all(isinstance(value, str) for value in kept) and row["text"] not in fields.FAILED


def _recorded(row: Row, number: int, questions: Mapping[int, Question]) -> Recorded:
    asked = prompt(fields.question(row, number, questions))
    first, second = (
        Generation(asked, str(row.get(f"model_{place}")), (Response(row[f"answer_{place}"]),))
        for place in (1, 2)
    )
    return Recorded(Comparison(second, first), Response(row["text"]), fields.judge(row))


def write_judgments(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Rows of reviews, one for each order; an unread one has the scores -1, as upstream's."""
    return [_review(verdict) for verdict in verdicts]


def _review(verdict: Verdict) -> dict[str, Any]:
    """Assistant 1 is the verdict's baseline, as it was shown."""
    candidate, baseline = verdict.comparison.candidate, verdict.comparison.baseline
    said = verdict.raw.text if verdict.raw and verdict.raw.responses else None
    found = Unread("") if said is None else read_scores(said)
    return {
        "question_id": _id(candidate),
        "model_1": baseline.model if baseline else None,
        "model_2": candidate.model,
        "answer_1": baseline.text if baseline else None,
        "answer_2": candidate.text if candidate.failure is None else None,
        "judge": verdict.judge,
        "text": said,
        "score": _written(verdict, found),
    }


def _written(verdict: Verdict, found: tuple[float, float] | Unread) -> list[float]:
    """The scores; of a tie that needed no judge two equal ones, of anything unread -1."""
    if not isinstance(found, Unread):
        return [*found]
    return [LOWEST, LOWEST] if verdict.raw is None and verdict.value == 0.5 else [-1, -1]


def _id(generation: Generation) -> int:
    return int(generation.prompt.id.rsplit("/", 1)[1])


def _digest(generation: Generation) -> str:
    """An id that the same answer always has."""
    said = repr([generation.model, generation.prompt.id, generation.text])
    return hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest()[:22]
