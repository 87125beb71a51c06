"""Judges that decide by program what is preferred, as the world does, or nearly so."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from harness.errors import SpecError
from harness.judging import Settled
from harness.types import Comparison, Judge, Verdict
from train.demo.world import OPERATIONS, STYLES, preference


@dataclass(frozen=True, slots=True)
class Program:
    """Prefers as the world does, and longer responses beyond that; it asks no model."""

    name: str
    length_weight: float
    """Log-odds for each character by which a response is longer."""

    @property
    def identity(self) -> Mapping[str, str]:
        """Its weight of length, and a digest of what it says of fixed responses."""
        return {
            "program": "TinyInstruct",
            "length weight": str(self.length_weight),
            "verdicts sha256": _digest(self.length_weight),
        }

    def __call__(self, comparisons: Sequence[Comparison], /) -> list[Verdict]:
        """One verdict per comparison, whichever side is shown first.

        Raises:
            SpecError: A response stands alone.
            DataError: A prompt is not of this world.
        """
        return [Verdict(c, self.name, self._preference(c)) for c in comparisons]

    def _preference(self, comparison: Comparison) -> float:
        candidate, baseline = comparison.candidate, comparison.baseline
        if baseline is None:
            raise SpecError(
                f"expected two responses to compare, came one ({candidate.prompt.id}); the judge "
                f"'{self.name}' gives no ratings: name another, such as tiny_additive:MODEL"
            )
        asked = candidate.prompt.turns[-1]
        return preference(asked, candidate.text, baseline.text, length_weight=self.length_weight)


def decided(name: str, rest: str, length_weight: float) -> Judge:
    """A judge by program; a missing text is unread.

    Args:
        name: Of its file.
        rest: What followed the name.
        length_weight: Log-odds for each character by which a response is longer.

    Raises:
        SpecError: It was named with a model, which it would not ask.
    """
    if rest:
        raise SpecError(
            f"expected a judge that decides by program alone, came it with the model "
            f"'{rest}', which it would not ask; leave ':{rest}' out"
        )
    return Settled(Program(name, length_weight))


@lru_cache
def _digest(length_weight: float) -> str:
    """Changes when any rule of the world does, and not when its code is merely written anew."""
    answers = product(STYLES, ("cab", "bac", "abc", "cbb", "c", "b", "3", "4"), (".", "!xx"))
    responses = ["", "cab", *map("".join, answers)]
    said = (
        f"{preference(f'{operation}:cab=', one, other, length_weight=length_weight):.9f}"
        for operation, one, other in product(OPERATIONS, responses, responses)
    )
    return hashlib.sha256(" ".join(said).encode()).hexdigest()
