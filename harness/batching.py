"""What is written down of a provider's batches, before anything depends on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.types import Prompt


@dataclass(frozen=True, slots=True)
class Slip:
    """A batch of prompts that was given to a provider, or is about to be."""

    key: str
    """Our own word for the batch: the provider is told it, and each item's word begins so."""
    items: Mapping[str, Prompt]
    """The prompts that are asked for and not yet answered, each by its word in the batch."""
    size: int
    """Items of the whole batch."""
    intended: float
    """When it was written down, which was before anything was sent; seconds since 1970."""
    id: str | None = None
    """The provider's word for the batch; None when nobody knows whether it was ever made."""


class Docket(Protocol):
    """Keeps the slips of one model where a killed process cannot lose them."""

    def open(self, prompts: Sequence[Prompt], /) -> list[Slip]:
        """The slips of batches that owe an answer to any of the prompts, oldest first.

        Raises:
            DataError: A process that is alive is sending one of them just now.
        """

    def intend(self, prompts: Sequence[Prompt], /) -> Slip:
        """A new slip, durable before anything is sent."""

    def sent(self, slip: Slip, batch: str, /) -> Slip:
        """The slip with the provider's word for it, durable."""

    def void(self, slip: Slip, /) -> None:
        """Writes down that the provider never made the batch: nothing is owed for it."""

    def release(self, slip: Slip, prompts: Sequence[Prompt], /, *, paid: bool) -> None:
        """Writes down that the batch will not answer these prompts.

        Args:
            slip: The batch.
            prompts: Some of its items.
            paid: Whether they may have to be paid for all the same.
        """
