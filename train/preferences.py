"""Labelled comparisons: which of two responses to a prompt somebody chose."""

import random
from collections.abc import Sequence
from typing import NamedTuple

from harness.errors import DataError
from harness.models.local.pair_encoding import Pair
from harness.types import Rows


class Preference(NamedTuple):
    """A labelled comparison."""

    prompt: str
    chosen: str
    rejected: str


def preferences(rows: Rows, origin: str) -> list[Preference]:
    """Labelled comparisons from rows of `prompt`, `chosen` and `rejected`; other keys are ignored.

    Raises:
        DataError: A row lacks one of them, or it is no text.
    """
    keys = Preference._fields
    for number, row in enumerate(rows, start=1):
        wrong = [key for key in keys if not isinstance(row.get(key), str)]
        if wrong:
            raise DataError(
                f"{origin}, row {number}: expected '{wrong[0]}' to be a text, came "
                f"{row.get(wrong[0])!r:.40}; each row has prompt, chosen and rejected"
            )
    return [Preference(*(row[key] for key in keys)) for row in rows]


def split(
    pairs: Sequence[Preference], held_out: float, seed: int
) -> tuple[list[Preference], list[Preference]]:
    """Comparisons to learn from and to be tried with, which have no prompt in common.

    Args:
        pairs: Those of equal responses are left out.
        held_out: Share of the prompts to be tried with, in (0, 1); at least one is.
        seed: Of the choice.

    Raises:
        DataError: There are not two prompts with different responses.
    """
    told = [pair for pair in pairs if pair.chosen != pair.rejected]
    prompts = sorted({pair.prompt for pair in told})
    if len(prompts) < 2:
        raise DataError(
            f"expected comparisons of different responses to two prompts or more, came "
            f"{len(prompts)}; a judge is tried with prompts that it did not learn from"
        )
    random.Random(seed).shuffle(prompts)
    n = min(max(1, round(held_out * len(prompts))), len(prompts) - 1)
    held = frozenset(prompts[:n])
    kept = [pair for pair in told if pair.prompt not in held]
    return kept, [pair for pair in told if pair.prompt in held]


def both_orders(pairs: Sequence[Preference]) -> list[Pair]:
    """Every comparison with the chosen response first, then all of them the other way round."""
    there = [Pair(*pair) for pair in pairs]
    return there + [Pair(pair.source, pair.second, pair.first) for pair in there]
