"""Answers with known verdicts, whoever gave them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from harness.types import Assets, Comparison, Generation


class Pair(NamedTuple):
    """Two answers of a case, of which it is known how far the first is preferred."""

    candidate: int
    """Its place among the case's answers."""
    baseline: int
    gold: float
    """The known preference for the candidate, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Case:
    """Answers to one prompt, or to one turn of it, with what is known of them."""

    answers: tuple[Generation, ...]
    pairs: tuple[Pair, ...] = ()
    """Of these answers; none where they are known by ratings."""
    ratings: tuple[float, ...] = ()
    """The known rating of each answer; none where they are known by pairs."""
    turn: int = -1
    """Which turn was judged, as an index into the responses."""

    def comparisons(self) -> list[Comparison]:
        """What a judge that compares is asked."""
        return [
            Comparison(self.answers[pair.candidate], self.answers[pair.baseline], self.turn)
            for pair in self.pairs
        ]

    def alone(self) -> list[Comparison]:
        """What a judge that rates is asked."""
        return [Comparison(answer, None, self.turn) for answer in self.answers]

    def standings(self) -> list[float]:
        """The known ratings, or each answer's mean known preference over those it met."""
        if self.ratings:
            return list(self.ratings)
        return self.mean_preferences([pair.gold for pair in self.pairs])

    def mean_preferences(self, values: Sequence[float]) -> list[float]:
        """Each answer's mean preference over those it met, by a value for each pair."""
        met: list[list[float]] = [[] for _ in self.answers]
        for pair, value in zip(self.pairs, values, strict=True):
            met[pair.candidate].append(value)
            met[pair.baseline].append(1 - value)
        return [sum(one) / len(one) if one else 0.5 for one in met]


@dataclass(frozen=True, slots=True)
class Trial:
    """A set of answers with known verdicts."""

    name: str
    """As it is asked for."""
    title: str
    gold: str
    """Whose verdicts are known: a judge's name, or "people"."""
    load: Callable[[Assets], list[Case]]
    rubric: str = ""
    """The benchmark, NAME@VERSION, by whose rubric a judge is asked; "" leaves it open."""
    assets: tuple[str, ...] = ()
    """Names of the official files that it reads."""
    top: float = 10
    """The highest rating, where answers are known by ratings."""
    attacks: tuple[str, ...] = ()
    """Official files of answers that were made to win under this rubric."""
    pinned: bool = False
    """Whether it is a canary: few verdicts that any judge should give."""


def limited(trial: Trial, limit: int | None) -> Trial:
    """The trial with so many of its cases, spread evenly over all of them; None is all."""

    def some(assets: Assets) -> list[Case]:
        cases = trial.load(assets)
        kept = min(limit or len(cases), len(cases))
        return [cases[place * len(cases) // kept] for place in range(kept)]

    return replace(trial, load=some)
