"""What the published files of both versions of Arena-Hard have in common.

Each function tells the row that it cannot read, and the version whose form was expected.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from harness.errors import DataError
from harness.types import Recorded, Rows

Row = Mapping[str, Any]

_SHOWN = re.compile(
    r"<\|User Prompt\|>\n(.*?)\n\n"
    r"<\|The Start of Assistant A's Answer\|>\n(.*)\n<\|The End of Assistant A's Answer\|>\n\n"
    r"<\|The Start of Assistant B's Answer\|>\n(.*)\n<\|The End of Assistant B's Answer\|>",
    re.DOTALL,
)
"""Where a judge's prompt holds the question and both answers. Where an answer holds such marks
itself the parts may be others, but put together again they are the same."""


def ids(rows: Rows, key: str, known: Collection[str], version: str) -> list[str]:
    """The question that each row is of.

    Raises:
        DataError: A question is not known, or comes twice.
    """
    found: dict[str, int] = {}
    for number, row in enumerate(rows):
        value = row.get(key)
        if not isinstance(value, str) or value not in known:
            raise DataError(
                f"expected a question of Arena-Hard {version} in row {number}, came {value!r:.40}; "
                f"is this of another benchmark or version?"
            )
        if found.setdefault(value, number) != number:
            raise DataError(
                f"expected each question once, row {number} repeats {value}; keep one row for each"
            )
    return list(found)


def games(row: Row, number: int, version: str) -> Sequence[Row | None]:
    """Both games of a row; one that was not played is None.

    Raises:
        DataError: There are not two.
    """
    found = row.get("games")
    if (
        not isinstance(found, list)
        or len(found) != 2
        or not all(game is None or isinstance(game, Mapping) for game in found)
    ):
        raise DataError(
            f"expected two games under 'games' in row {number}, came {found!r:.40}; are these "
            f"judgments of Arena-Hard {version}, in both orders?"
        )
    return found


def label(game: Row | None, labels: Mapping[str, float], number: int, version: str) -> float:
    """What a game's label is worth; NaN where it has none.

    Raises:
        DataError: It is none of the labels.
    """
    found = None if game is None else game.get("score")
    if found is None:
        return np.nan
    if found not in labels:
        raise DataError(
            f"expected a label, one of {', '.join(labels)}, or null under 'score' in row {number}, "
            f"came {found!r:.40}; are these judgments of Arena-Hard {version}?"
        )
    return labels[found]


def shown(asked: object, key: str, number: int, version: str) -> tuple[str, str, str]:
    """The question, assistant A's answer and assistant B's, from what a judge was asked.

    Raises:
        DataError: It is not of the published form.
    """
    found = _SHOWN.fullmatch(asked) if isinstance(asked, str) else None
    if found is None:
        raise DataError(
            f"expected a question and two answers under '{key}' in row {number}, came "
            f"{asked!r:.40}; are these judgments of Arena-Hard {version}?"
        )
    return found[1], found[2], found[3]


def agreed(found: Sequence[Recorded]) -> list[Recorded]:
    """The same judgments, of which no two of one game differ.

    Raises:
        DataError: A prompt was answered twice, differently.
    """
    answers: dict[tuple[object, ...], str] = {}
    for comparison, raw, judge in found:
        asked = comparison.candidate.prompt
        if answers.setdefault((judge, asked.turns, comparison.texts), raw.text) != raw.text:
            raise DataError(
                f"expected one judgment of each game, came two that differ of question "
                f"{asked.id.rsplit('/', 1)[-1]}; keep one"
            )
    return list(found)


def same(rows: Rows, key: str) -> str:
    """What all rows say under a key.

    Raises:
        DataError: They differ.
    """
    names = list(dict.fromkeys(str(row.get(key)) for row in rows))
    if len(names) != 1:
        raise DataError(
            f"expected judgments of one '{key}', came {', '.join(names[:3])}; "
            f"give each a file of its own"
        )
    return names[0]
