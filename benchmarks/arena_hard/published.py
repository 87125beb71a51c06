"""What the published files of both versions of Arena-Hard have in common.

A `Form` is what sets them apart. Whatever cannot be read is told with its row and the version whose
form was expected.
"""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from harness.errors import DataError
from harness.types import Item, Prompt, Recorded, Rows

Row = Mapping[str, Any]

_SHOWN = re.compile(
    r"<\|User Prompt\|>\n(.*?)\n\n"
    r"<\|The Start of Assistant A's Answer\|>\n(.*)\n<\|The End of Assistant A's Answer\|>\n\n"
    r"<\|The Start of Assistant B's Answer\|>\n(.*)\n<\|The End of Assistant B's Answer\|>",
    re.DOTALL,
)
"""Where a judge's prompt holds the question and both answers. Where an answer holds such marks
itself the parts may be others, but put together again they are the same."""


class Form(NamedTuple):
    """What sets the files of one version apart."""

    version: str
    question: str
    """Under which a row names its question."""
    judge: str
    """The official judge, as files call it: without its provider."""
    labels: Mapping[str, float]
    """What each label is worth to the answer that is shown second, those asked for first."""

    def ids(self, rows: Rows, known: Collection[str]) -> list[str]:
        """The question that each row is of.

        Raises:
            DataError: A question is not known, or comes twice.
        """
        found: dict[str, int] = {}
        for number, row in enumerate(rows):
            value = row.get(self.question)
            if not isinstance(value, str) or value not in known:
                raise DataError(
                    f"expected a question of Arena-Hard {self.version} in row {number}, came "
                    f"{value!r:.40}; is this of another benchmark or version?"
                )
            if found.setdefault(value, number) != number:
                raise DataError(
                    f"expected each question once, row {number} repeats {value}; "
                    f"keep one row for each"
                )
        return list(found)

    def games(self, row: Row, number: int) -> Sequence[Row | None]:
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
                f"judgments of Arena-Hard {self.version}, in both orders?"
            )
        return found

    def preferences(self, row: Row, number: int) -> tuple[float, float]:
        """For the candidate, in both games; NaN where there is no label.

        Raises:
            DataError: The row has no two games, or a label that is none.
        """
        first, second = (self._worth(game, number) for game in self.games(row, number))
        return first, 1 - second

    def shown(self, asked: object, key: str, number: int) -> tuple[str, str, str]:
        """The question, assistant A's answer and assistant B's, from what a judge was asked.

        Args:
            asked: What stands in the file.
            key: Where it stands.
            number: Of the row.

        Raises:
            DataError: It is not of the published form.
        """
        found = _SHOWN.fullmatch(asked) if isinstance(asked, str) else None
        if found is None:
            raise DataError(
                f"expected a question and two answers under '{key}' in row {number}, came "
                f"{asked!r:.40}; are these judgments of Arena-Hard {self.version}?"
            )
        return found[1], found[2], found[3]

    def judge_name(self, written: str) -> str:
        """A judge as we name it, from how a file does."""
        return f"openai:{written}" if written == self.judge else written

    def judge_written(self, name: str) -> str:
        """A judge as a file names it."""
        return self.judge if name == f"openai:{self.judge}" else name

    def label(self, value: float | None) -> str | None:
        """The nearest label to a preference; None of what was not read."""
        if value is None:
            return None
        return min(self.labels, key=lambda label: abs(self.labels[label] - value))

    def _worth(self, game: Row | None, number: int) -> float:
        found = None if game is None else game.get("score")
        if found is None:
            return math.nan
        if found not in self.labels:
            raise DataError(
                f"expected a label, one of {', '.join(self.labels)}, or null under 'score' in row "
                f"{number}, came {found!r:.40}; are these judgments of Arena-Hard {self.version}?"
            )
        return self.labels[found]


def item(prompt_id: str, values: Sequence[float]) -> Item:
    """What both games of a prompt say together; nothing unless both have a label."""
    if any(map(math.isnan, values)):
        return Item(prompt_id, None, "no label in the file")
    return Item(prompt_id, sum(values) / 2, None)


def question_of(prompt: Prompt) -> str:
    """The id of a prompt's question, as files have it."""
    return prompt.id.rsplit("/", 1)[-1]


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
