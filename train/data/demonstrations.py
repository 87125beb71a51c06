"""Responses that others wrote, by files and classes: the data of fine-tuning and of C-RLFT."""

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from harness.errors import DataError
from train.examples import Answer, Example
from train.prompts import read_rows
from train.workshop import Workshop

_ROLES = {
    "system": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
}
"""By the words of both common forms of a conversation."""

_TURNS = ("user", "assistant")


class Source(BaseModel):
    """Rows of one class: a file, or those of its rows that `where` describes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    file: str
    """As `train.prompts.read_rows` takes it."""
    prompt: str = "prompt"
    """The column that is asked."""
    response: str = "response"
    """The column that answers."""
    conversation: str | None = None
    """Instead of both, the column of a conversation: a list of {role, content} or {from, value}."""
    where: dict[str, str | int | bool] = {}
    """Columns with the value that a row must have to be of this source."""
    class_: str | None = Field(default=None, alias="class")
    """What the chat template is told as `condition`; None is its default."""
    weight: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    """Of each token of the responses, for objectives that weigh."""
    limit: int | None = Field(default=None, ge=1)
    """Most rows taken, drawn at random: a small expert set stays small."""


class Settings(BaseModel):
    """Whose responses are trained on."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    makes: ClassVar = frozenset({"response", "weight"})
    kind: Literal["demonstrations"]
    sources: list[Source] = Field(min_length=1)
    seed: int = 0
    """Of the rows that a limit draws."""


def check(settings: Settings, workshop: Workshop) -> None:
    """Sees that the files are there and as they should be."""
    for source in settings.sources:
        for row in _kept(source, _rows(source, workshop), random.Random(settings.seed)):
            _conversation(row)


def build(settings: Settings, workshop: Workshop) -> list[Example]:
    """An example for each response, with the fact `weight`, source by source in the files' order.

    Each turn of the assistant is an example with the turns before it as its history. Losses are
    sums over tokens, so the turns of a conversation add up to one pass over the whole.

    Source: arXiv 2309.11235v2, equations 3-6: the prompt tells the class, the class weighs.

    Raises:
        DataError: A file is absent, has no such rows, or one of them is not as described.
    """
    examples: list[Example] = []
    for source in settings.sources:
        rows = _rows(source, workshop)
        kept = _kept(source, rows, random.Random(settings.seed))
        made = [example for row in kept for example in _examples(row)]
        workshop.say(f"{source.file}: {len(made)} responses in {len(kept)} of {len(rows)} rows")
        examples += made
    return examples


class _Row(NamedTuple):
    source: Source
    number: int
    """From 1."""
    cells: Mapping[str, Any]

    def cell(self, column: str) -> Any:
        if column not in self.cells:
            raise self.wrong(f"a column '{column}'", ", ".join(self.cells) or "none")
        return self.cells[column]

    def text(self, column: str) -> str:
        value = self.cell(column)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(f"text in '{column}'", f"{value!r:.40}")
        return value

    def wrong(self, expected: str, came: str) -> DataError:
        return DataError(
            f"{self.source.file}, row {self.number}: expected {expected}, came {came}; "
            f"correct the row, or the source's columns"
        )


def _rows(source: Source, workshop: Workshop) -> list[_Row]:
    cells = read_rows(source.file, workshop.folder)
    return [_Row(source, number, row) for number, row in enumerate(cells, 1)]


def _kept(source: Source, rows: Sequence[_Row], rng: random.Random) -> list[_Row]:
    """The rows that are taken, in the file's order."""
    wanted = source.where.items()
    found = [row for row in rows if all(row.cell(column) == value for column, value in wanted)]
    if not found:
        described = " and ".join(f"{column} {value!r}" for column, value in wanted)
        raise DataError(
            f"expected rows in {source.file} with {described or 'a response'}, came {len(rows)} "
            f"without; correct the file, or the source's 'where'"
        )
    if source.limit is None or source.limit >= len(found):
        return found
    return sorted(rng.sample(found, source.limit), key=lambda row: row.number)


def _examples(row: _Row) -> Iterator[Example]:
    """One for each turn of the assistant."""
    system, turns = _conversation(row)
    facts, condition = {"weight": row.source.weight}, row.source.class_
    for end in range(1, len(turns), 2):
        yield Example(tuple(turns[:end]), (Answer(turns[end]),), facts, condition, system)


def _conversation(row: _Row) -> tuple[str | None, list[str]]:
    """The system message, and the turns of user and assistant."""
    source = row.source
    if source.conversation is None:
        return None, [row.text(source.prompt), row.text(source.response)]
    messages = row.cell(source.conversation)
    said = [_message(row, one) for one in messages] if isinstance(messages, list) else []
    system = said.pop(0)[1] if said and said[0][0] == "system" else None
    roles = [role for role, _ in said]
    if len(roles) < 2 or any(role != due for role, due in zip(roles, cycle(_TURNS), strict=False)):
        came = ", ".join(roles[:6]) or f"{messages!r:.40}"
        raise row.wrong("user and assistant in turn, the user first", came)
    return system, [text for _, text in said]


def _message(row: _Row, message: Any) -> tuple[str, str]:
    """Role and text."""
    if isinstance(message, Mapping):
        role = _ROLES.get(str(message.get("role") or message.get("from")))
        text = message.get("content") or message.get("value")
        if role and isinstance(text, str) and text.strip():
            return role, text
    raise row.wrong(f"a message with text by {', '.join(_ROLES)}", f"{message!r:.60}")
