"""Vicuna-bench's files: answers in FastChat's older and newer form, and reviews of two answers.

A row of a review holds two scores: of assistant 1, who is the baseline where a baseline is shown
first, and of assistant 2. Published reviews name nobody; rows that we write add both models, both
answers and the judge, so that they can be read again.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.vicuna_bench.rubric import (
    Question,
    load_questions,
    preference,
    read_scores,
)
from benchmarks.vicuna_bench.scores import Reviewed, outcome, scores
from harness.errors import DataError
from harness.types import (
    Assets,
    Comparison,
    Decoding,
    Generation,
    Item,
    Prompt,
    Recorded,
    Rescored,
    Response,
    Rows,
    Unread,
    Verdict,
)

Row = Mapping[str, Any]
Turns = tuple[str, ...]

DECODING = Decoding(1024, temperature=0.7)
UNNAMED = "assistant 2"
UNNAMED_JUDGE = "a judge that the file does not name"
_FAILED = frozenset({"$ERROR$", "ERROR", "error"})
"""What FastChat writes in the place of an answer or a review when a call failed."""


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
        question = _question(row, number, questions)
        if (question.text,) in answers:
            raise DataError(
                f"expected each question once, row {number} repeats question {question.id}; keep "
                f"one answer for each"
            )
        answers[question.text,] = (_answer(row, number),)
    return {asked: said for asked, said in answers.items() if said[0] not in _FAILED}


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
        if not {"answer_1", "answer_2"} <= row.keys() or not isinstance(row.get("text"), str):
            continue
        asked = prompt(_question(row, number, questions))
        first, second = (
            Generation(asked, str(row.get(f"model_{n}")), (Response(_text(row, number, f"answer_{n}")),))
            for n in (1, 2)
        )
        one = Recorded(Comparison(second, first), Response(row["text"]), _judge(row))
        if said.setdefault(one.comparison, one.raw.text) != one.raw.text:
            raise DataError(
                f"expected one review of each two answers, row {number} gives another to question "
                f"{row['question_id']}; keep one"
            )
        recorded.append(one)
    return recorded


def write_judgments(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Rows of reviews, one for each order; an unread one has the scores -1, as upstream's."""
    return [_review(verdict) for verdict in verdicts]


def rescore(rows: Rows, _assets: Assets) -> Rescored:
    """Reviews of one pair of models, in one order or in both, read anew from the judge's words.

    Raises:
        DataError: The rows are of several pairs or judges, or of an unknown question.
    """
    questions = load_questions(_assets)
    candidate = str(rows[0].get("model_2", UNNAMED))
    found: defaultdict[int, list[_Game]] = defaultdict(list)
    for number, row in enumerate(rows):
        game = _game(row, number, candidate)
        found[_question(row, number, questions).id].append(game)
