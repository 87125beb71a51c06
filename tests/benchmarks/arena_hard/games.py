"""Arena-Hard games in one line."""

from collections.abc import Sequence

import numpy as np

from benchmarks.arena_hard.scores import Games
from harness.types import Verdict
from tests.records import comparison, prompt


def games(*pairs: tuple[float, float]) -> Games:
    """The games of a prompt for each pair of preferences for the candidate; NaN is unread."""
    return Games(np.repeat(np.arange(len(pairs)), 2), np.array(pairs, np.float64).reshape(-1))


def verdicts(*pairs: tuple[float | None, float | None], texts: Sequence[str] = ()) -> list[Verdict]:
    """Verdicts on both orders, each a preference for the side shown second."""
    found = []
    for number, pair in enumerate(pairs):
        asked = prompt(f"q{number}", id=f"arena_hard/{number}")
        once = comparison(texts[number] if texts else "yes", "no", asked)
        orders = (once, once.swap())
        found += [
            Verdict(order, "judge", value, None if value is not None else "no verdict label")
            for order, value in zip(orders, pair, strict=True)
        ]
    return found
