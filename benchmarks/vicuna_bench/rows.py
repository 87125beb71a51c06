"""Rows of Vicuna-bench's files of answers and reviews, each field read or refused in one line."""

from collections.abc import Mapping
from typing import Any

from benchmarks.vicuna_bench.rubric import Question
from harness.errors import DataError
from harness.rows import text_under

Row = Mapping[str, Any]

UNNAMED = "assistant 2"
UNNAMED_JUDGE = "a judge that the file does not name"
FAILED = frozenset({"$ERROR$", "ERROR", "error"})
"""What FastChat writes in the place of an answer or a review when a call failed."""


def question(row: Row, number: int, known: Mapping[int, Question]) -> Question:
    """The benchmark's question that a row is of.

    Raises:
        DataError: It is none.
    """
    value = row.get("question_id")
    if type(value) is not int or value not in known:
        raise DataError(
            f"expected a question of Vicuna-bench ({min(known)} to {max(known)}) in row {number}, "
            f"came {value!r:.40}; is this of another benchmark?"
        )
    return known[value]


def answer(row: Row, number: int) -> str:
    """The answer under `text`, or the first choice's only turn in the newer form.

    Raises:
        DataError: There is none.
    """
    if "choices" not in row:
        return text(row, number, "text")
    choices = row["choices"]
    first = choices[0] if isinstance(choices, list) and choices else None
    turns = first.get("turns") if isinstance(first, Mapping) else None
    if not isinstance(turns, list) or len(turns) != 1 or not isinstance(turns[0], str):
        raise DataError(
            f"expected one text under 'choices[0].turns' in row {number}, came {turns!r:.40}; is "
            f"this a file of answers to Vicuna-bench?"
        )
    return turns[0]


def text(row: Row, number: int, key: str) -> str:
    """The text under a key.

    Raises:
        DataError: There is none.
    """
    return text_under(row, number, key, "a file of answers to Vicuna-bench, or of its reviews")


def judge(row: Row) -> str:
    """Who judged, as far as the row says."""
    return str(row.get("judge", UNNAMED_JUDGE))
