"""Judges made of other judges: both orders of a pair, repeats of one judge, a jury of several.

Each keeps what it was made of as the `votes` of its verdicts, and reports how far they agree.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import fmean, median, variance

import numpy as np

from harness.errors import SpecError
from harness.judging import reported
from harness.stats.krippendorff import alpha
from harness.types import Comparison, Judge, Score, Verdict

Combine = Callable[[Comparison, Sequence[float]], float]
"""One value from the votes on a comparison that were read."""


@dataclass(frozen=True, slots=True)
class BothOrders:
    """Shows each pair in both orders; the verdict is the mean of what they say."""

    judge: Judge

    @property
    def name(self) -> str:
        """The judge's name behind "both:"."""
        return f"both:{self.judge.name}"

    @property
    def identity(self) -> Mapping[str, str]:
        """The judge's own identity, and that both orders are shown."""
        return {**self.judge.identity, "orders": "both"}

    def __call__(self, comparisons: Sequence[Comparison], /) -> list[Verdict]:
        """One verdict per comparison; unread when either order is, for one alone favours a place.

        Raises:
            SpecError: A response stands alone.
        """
        for comparison in comparisons:
            _check_pair(comparison)
        asked = [order for pair in comparisons for order in (pair, pair.swap())]
        verdicts = self.judge(asked)
        orders = zip(comparisons, verdicts[::2], verdicts[1::2], strict=True)
        return [self._both(pair, there, _turned(pair, back)) for pair, there, back in orders]

    def report(self, verdicts: Sequence[Verdict], /) -> list[Score]:
        """The share of pairs whose orders prefer different answers, and what the judge reports."""
        read = [v.votes for v in verdicts if v.value is not None]
        flips = [_sign(there) != _sign(back) for there, back in read]
        value = fmean(flips) if flips else None
        inner = [vote for verdict in verdicts for vote in verdict.votes]
        n_unread = len(verdicts) - len(read)
        return [Score("judge_flips", value, len(read), n_unread), *reported(self.judge, inner)]

    def _both(self, pair: Comparison, there: Verdict, back: Verdict) -> Verdict:
        votes = (there, back)
        if there.value is None or back.value is None:
            return Verdict(pair, self.name, None, there.cause or back.cause, votes=votes)
        return Verdict(pair, self.name, (there.value + back.value) / 2, votes=votes)


@dataclass(frozen=True, slots=True)
class Repeats:
    """Asks one judge several times; the verdict is the mean of what it says."""

    judges: Sequence[Judge]
    """The same judge, each drawing another sample."""

    @property
    def name(self) -> str:
        """The judge's name behind "repeats:" and the number."""
        return f"repeats:{len(self.judges)}:{self.judges[0].name}"

    @property
    def identity(self) -> Mapping[str, str]:
        """The judge's own identity, and how often it is asked."""
        return {**self.judges[0].identity, "repeats": str(len(self.judges))}

    def __call__(self, comparisons: Sequence[Comparison], /) -> list[Verdict]:
        """One verdict per comparison; unread unless more than half of the repeats were read."""
        return _together(self, self.judges, comparisons, _mean)

    def report(self, verdicts: Sequence[Verdict], /) -> list[Score]:
        """How much of the mean's error is the judge's own noise, and what the judge reports.

        judge_noise: sqrt(sum_i s_i^2 / n_i) / N, where s_i^2 is the variance (ddof 1) of the n_i
        repeats of item i and N the number of items, in the unit of the verdicts.
        """
        repeats = [[v.value for v in one.votes if v.value is not None] for one in verdicts]
        read = [values for values in repeats if len(values) > 1]
        noise = sqrt(sum(variance(values) / len(values) for values in read)) / max(len(read), 1)
        alone = all(verdict.comparison.baseline is None for verdict in verdicts)
        score = Score(
            "judge_noise",
            noise if read else None,
            len(read),
            len(verdicts) - len(read),
            unit="rating" if alone else "fraction",
        )
        first = [verdict.votes[0] for verdict in verdicts if verdict.votes]
        return [score, *reported(self.judges[0], first)]


@dataclass(frozen=True, slots=True)
class Jury:
    """Several judges decide together."""

    name: str
    judges: Sequence[Judge]
    rule: str
    """One of RULES."""

    @property
    def identity(self) -> Mapping[str, str]:
        """The rule, and the identity of every member."""
        members = {
            f"{judge.name} {key}": value
            for judge in self.judges
            for key, value in judge.identity.items()
        }
        return {"jury": self.rule, **members}

    def __call__(self, comparisons: Sequence[Comparison], /) -> list[Verdict]:
        """One verdict per comparison; unread unless more than half of the members were read.

        Raises:
            SpecError: A majority is asked for of ratings.
        """
        return _together(self, self.judges, comparisons, RULES[self.rule])

    def report(self, verdicts: Sequence[Verdict], /) -> list[Score]:
        """How far the members agree beyond chance, and what each reports of itself.

        agreement_alpha: Krippendorff's alpha of their values at the interval level; none when all
        values are the same.
        """
        asked = [verdict.votes for verdict in verdicts if verdict.votes]
        values_M_N = np.array(
            [[np.nan if v.value is None else v.value for v in votes] for votes in asked]
        ).T
        agreed = alpha(values_M_N, "interval") if asked else np.nan
        value = None if np.isnan(agreed) else agreed
        return [
            Score("agreement_alpha", value, len(asked), unit="correlation"),
            *self._members(verdicts),
        ]

    def _members(self, verdicts: Sequence[Verdict]) -> list[Score]:
        return [
            replace(score, metric=f"{score.metric} of {judge.name}")
            for place, judge in enumerate(self.judges)
            for score in reported(judge, [v.votes[place] for v in verdicts if v.votes])
        ]


def _together(
    panel: Judge, judges: Sequence[Judge], comparisons: Sequence[Comparison], combine: Combine
) -> list[Verdict]:
    ballots = zip(*(judge(comparisons) for judge in judges), strict=True)
    return [
        _decided(panel.name, comparison, votes, combine)
        for comparison, votes in zip(comparisons, ballots, strict=True)
    ]


def _decided(
    name: str, comparison: Comparison, votes: tuple[Verdict, ...], combine: Combine
) -> Verdict:
    read = [vote.value for vote in votes if vote.value is not None]
    if 2 * len(read) <= len(votes):
        cause = next(vote.cause for vote in votes if vote.value is None)
        cause = f"{len(read)} of {len(votes)} votes were read: {cause}"
        return Verdict(comparison, name, None, cause, votes=votes)
    return Verdict(comparison, name, combine(comparison, read), votes=votes)


def _mean(_comparison: Comparison, values: Sequence[float]) -> float:
    return fmean(values)


def _median(_comparison: Comparison, values: Sequence[float]) -> float:
    return median(values)


def _majority(comparison: Comparison, values: Sequence[float]) -> float:
    """1, 0 or a tie: the side that more voters prefer than the other."""
    if comparison.baseline is None:
        raise SpecError(
            "expected preferences for a majority to decide, came ratings; use jury:median:A,B,C"
        )
    balance = sum((value > 0.5) - (value < 0.5) for value in values)
    return ((balance > 0) - (balance < 0) + 1) / 2


RULES: Mapping[str, Combine] = {"mean": _mean, "median": _median, "majority": _majority}
"""How a jury's votes become a verdict."""


def _check_pair(comparison: Comparison) -> None:
    if comparison.baseline is None:
        raise SpecError(
            f"expected two answers to show in both orders, came one "
            f"({comparison.candidate.prompt.id}), which is rated alone; leave 'both:' out"
        )


def _turned(pair: Comparison, back: Verdict) -> Verdict:
    """The verdict on the swapped pair as one on the pair."""
    return replace(back, comparison=pair, value=None if back.value is None else 1 - back.value)


def _sign(verdict: Verdict) -> int:
    value = 0.5 if verdict.value is None else verdict.value
    return (value > 0.5) - (value < 0.5)
