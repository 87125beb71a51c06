"""What a step trains on: prompts with their responses, as text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Answer(NamedTuple):
    """A response as it is trained on."""

    text: str
    ended: bool = True
    """Whether the model ended it: one that was cut at its longest length has no end token."""


@dataclass(frozen=True, slots=True)
class Example:
    """One prompt with its responses: one row of a batch."""

    said: tuple[str, ...]
    """The conversation before the response: user and assistant in turn, the user last."""
    responses: tuple[Answer, ...]
    """As the objective reads them: chosen and rejected; one alone; candidates, the best first, and
    after them the original."""
    facts: Mapping[str, float] = field(default_factory=dict)
    """What else the objective reads of the row, by its parameter's name without the shape."""
    condition: str | None = None
    """The class that the chat template tells, as its variable `condition`; None is its default."""
    system: str | None = None
