"""Fields of a row of AlpacaEval's files, each read or refused in one line."""

import math
import sys
from collections.abc import Mapping
from typing import Any, TypeGuard

from harness.errors import DataError
from harness.rows import text_under

Row = Mapping[str, Any]


def text(row: Row, number: int, key: str) -> str:
    """The text under a key.

    Raises:
        DataError: There is none.
    """
    return text_under(row, number, key, "an AlpacaEval model_outputs.json or annotations.json")


def preference(row: Row, number: int) -> float:
    """Preference for the candidate in [0, 1]; NaN is unread.

    Raises:
        DataError: It is outside the range of the files, or no number.
    """
    value = row.get("preference")
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return math.nan
    if not _is_number(value) or not (value == 0 or 1 <= value <= 2):
        raise DataError(
            f"expected a preference from 1 to 2 (or 0 for a draw, null for unread) in row "
            f"{number}, came {value!r:.40}; is the file damaged?"
        )
    return float(value) - 1 if value else 0.5


def length(row: Row, number: int, key: str) -> float:
    """Characters of the text under a key, which the small form of the files gives in its place.

    A null is an answer that never came: NaN.

    Raises:
        DataError: There is neither the text nor a length.
    """
    if f"len_{key}" not in row:
        if key in row and row[key] is None:
            return math.nan
        return float(len(text(row, number, key)))
    value = row[f"len_{key}"]
    if not _is_number(value) or not 0 <= value < sys.maxsize:
        raise DataError(
            f"expected a number of characters under 'len_{key}' in row {number}, "
            f"came {value!r:.40}; is the file damaged?"
        )
    return float(value)


def logprob(token: Row, number: int) -> float:
    """A token's log-probability.

    Args:
        token: Or one of those that were likely in its place.
        number: Of the row.

    Raises:
        DataError: It is no number.
    """
    value = token.get("logprob")
    if not _is_number(value) or not value < sys.maxsize:
        raise DataError(
            f"expected a number under 'logprob' in row {number}, came {value!r:.40}; "
            f"is the judge's raw answer damaged?"
        )
    return float(value)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
