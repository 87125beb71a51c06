"""Rows of FastChat's files of answers and judgments, each field read or refused in one line."""

from collections.abc import Collection, Mapping
from typing import Any

from harness.errors import DataError
from harness.rows import text_under

Row = Mapping[str, Any]

FAILED = frozenset({"$ERROR$", "ERROR"})
"""What FastChat writes in the place of an answer when a call or a model failed."""


def text(row: Row, number: int, key: str) -> str:
    """The text under a key.

    Raises:
        DataError: There is none.
    """
    return text_under(row, number, key, "a FastChat file of answers or judgments")


def question(row: Row, number: int, known: Collection[int]) -> int:
    """The id of one of the benchmark's questions.

    Raises:
        DataError: It is none.
    """
    value = row.get("question_id")
    if type(value) is not int or value not in known:
        raise DataError(
            f"expected a question of MT-Bench ({min(known)} to {max(known)}) in row {number}, came "
            f"{value!r:.40}; is this of another benchmark?"
        )
    return value


def turn(row: Row, number: int) -> int:
    """Which turn was judged, from 0; the files count from 1.

    Raises:
        DataError: It is neither of two.
    """
    value = row.get("turn")
    if type(value) is not int or value not in {1, 2}:
        raise DataError(
            f"expected turn 1 or 2 in row {number}, came {value!r:.40}; was it written by a "
            f"FastChat of before June 2023?"
        )
    return value - 1


def turns(row: Row, number: int, expected: int) -> tuple[str, ...]:
    """The first choice's response to every turn.

    Raises:
        DataError: There is none to some turn, or what is there is no text.
    """
    choices = row.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    said = first.get("turns") if isinstance(first, Mapping) else None
    if not isinstance(said, list) or len(said) != expected or not all(map(_is_text, said)):
        raise DataError(
            f"expected {expected} texts under 'choices[0].turns' in row {number} (question "
            f"{row.get('question_id')}), came {said!r:.40}; every turn needs its response"
        )
    return tuple(said)


def judge(row: Row) -> tuple[str, str] | None:
    """The judge's name and its template's, or None where a file does not say."""
    value = row.get("judge")
    if isinstance(value, list) and len(value) == 2 and all(map(_is_text, value)):
        return judge_name(value[0]), value[1]
    return None


def judge_name(written: str) -> str:
    """A judge as we name it: FastChat writes OpenAI's models without their provider."""
    return written if ":" in written else f"openai:{written}"


def written_judge(name: str) -> str:
    """A judge as FastChat names it; others than OpenAI's keep their provider."""
    return name.removeprefix("openai:")


def score(row: Row, number: int) -> float:
    """The number that the file has for a judgment; -1 is unread.

    Raises:
        DataError: It is no number.
    """
    value = row.get("score")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataError(
            f"expected a number under 'score' in row {number}, came {value!r:.40}; "
            f"is this a FastChat file of single-answer judgments?"
        )
    return float(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
