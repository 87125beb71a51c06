"""Each checkpoint against the one before it and against its base, with one ruling for each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from statistics import NormalDist

import numpy as np

from harness.report.scores import metric_title
from harness.report.story import Change, Ruling, Step
from harness.report.telling.cells import opponents
from harness.report.telling.stopped import UNTIL, by_prompt, stopped_difference
from harness.report.telling.tracks import Row
from harness.stats.paired import (
    Difference,
    Pair,
    detectable,
    holm,
    paired_differences,
    prompts_needed,
)
from harness.types import Redrawn, prompt_of

LEVEL = 0.05
LEAST_COMMON = 0.8
"""Below this share of items that both were scored on two checkpoints are not compared."""
_ROUNDING = 1e-9
"""A spread that is so much smaller than the difference is none."""


@dataclass(frozen=True, slots=True)
class Duel:
    """Two checkpoints of one row that may be compared."""

    row: Row
    place: int
    """Of the row."""
    step: str
    against: str
    is_next: bool
    """Whether the other is the one before it."""

    @property
    def pair(self) -> Pair:
        """Their items."""
        values = self.row.values
        limits = (-1.0, 1.0) if self.row.unit == "fraction" else (-inf, inf)
        return Pair(values[self.step], values[self.against], self.row.clusters_N, limits)

    @property
    def common(self) -> float:
        """Share of the items of either that were read for both."""
        either = len(self.row.asked(self.step) | self.row.asked(self.against))
        read = np.isnan(self.pair.ours_N) | np.isnan(self.pair.theirs_N)
        return (len(read) - int(read.sum())) / either if either else 0.0

    @property
    def fits(self) -> tuple[Redrawn, Redrawn] | None:
        """Their scores that are no means of items, where both have one."""
        ours, theirs = (self.row.cells[name].redrawn for name in (self.step, self.against))
        return None if ours is None or theirs is None else (ours, theirs)

    @property
    def is_stopped(self) -> bool:
        """Whether judging went no further than it took to decide."""
        return UNTIL in self.row.track.identity

    @property
    def label(self) -> str:
        """How it is called in notes."""
        return f"{self.step} against {self.against} on {self.row.track.benchmark}"


def duels(known: Sequence[Step], rows: Sequence[Row]) -> Iterator[Duel]:
    """All pairs that a story compares, whether they can be or not."""
    for place, row in enumerate(rows):
        for step in known:
            for number, other in enumerate(opponents(known, step)):
                if {step.name, other} <= row.cells.keys():
                    yield Duel(row, place, step.name, other, is_next=not number)


def refused(duel: Duel) -> str | None:
    """Why two checkpoints are not compared; None when they are."""
    if any(duel.row.cells[name].scores[0].value is None for name in (duel.step, duel.against)):
        return f"{duel.label}: not compared, a score is withheld"
    if duel.common < LEAST_COMMON:
        return (
            f"{duel.label}: not compared, only {duel.common:.0%} of the prompts of either were "
            f"read for both"
        )
    return None


def changes(found: Sequence[Duel], replicates: int) -> list[Change]:
    """What changed, in means of items and in refitted scores, Holm over all of it."""
    means = paired_differences([duel.pair for duel in found], replicates=replicates)
    tested: list[Change] = []
    for duel, mean in zip(found, means, strict=True):
        difference = _stopped(duel, mean) if duel.is_stopped else mean
        tested += [*_refitted(duel), _change(duel, duel.row.metric, difference)]
    adjusted = holm([change.difference.p_value for change in tested])
    return [
        replace(change, adjusted_p=p, ruling=ruling(change.difference, p))
        for change, p in zip(tested, adjusted, strict=True)
    ]


def ruling(difference: Difference, adjusted_p: float) -> Ruling:
    """Better or worse if that is significant, else undecided."""
    if adjusted_p > LEVEL or not difference.value:
        return "undecided"
    return "better" if difference.value > 0 else "worse"


def refit_difference(ours: Redrawn, theirs: Redrawn, n: int) -> Difference:
    """The difference of two refitted scores, whose draws were of the same prompts.

    The interval is of the percentiles of the differences, draw by draw; the p-value the normal one
    of the value over the spread of the draws.
    """
    draws_b = np.asarray(ours.draws_b) - np.asarray(theirs.draws_b)
    value, error = ours.value - theirs.value, float(draws_b.std(ddof=1))
    low, high = np.percentile(draws_b, [2.5, 97.5])
    p = 2 * NormalDist().cdf(-abs(value) / error) if error else float(not value)
    return Difference(value, (float(low), float(high)), error, p, n)


def unfitted(duel: Duel) -> str | None:
    """Why main scores of two checkpoints are not compared, though their items are."""
    main = duel.row.track.main
    if duel.is_stopped or (duel.fits is None and duel.row.metric == main):
        return None
    if duel.fits is None:
        why = f"{metric_title(main)} is not compared, it is no mean of items and was not refitted"
        return f"{duel.label}: {why}"
    if _of_same_prompts(*duel.fits):
        return None
    metric = metric_title(duel.fits[0].metric)
    return f"{duel.label}: {metric} is not compared, it was fitted on other prompts"


def _of_same_prompts(ours: Redrawn, theirs: Redrawn) -> bool:
    return ours.prompts == theirs.prompts


def _refitted(duel: Duel) -> Iterator[Change]:
    if duel.is_stopped or duel.fits is None or not _of_same_prompts(*duel.fits):
        return
    ours, theirs = duel.fits
    read = ~np.isnan(duel.pair.ours_N - duel.pair.theirs_N)
    yield _change(duel, ours.metric, refit_difference(ours, theirs, int(read.sum())))


def _stopped(duel: Duel, mean: Difference) -> Difference:
    ours, theirs = (
        by_prompt([(prompt_of(item.id), item.value) for item in duel.row.cells[name].items])
        for name in (duel.step, duel.against)
    )
    return stopped_difference(mean, ours, theirs)


def _change(duel: Duel, metric: str, difference: Difference) -> Change:
    error = difference.standard_error or 0.0
    # What a test of a fixed number of prompts finds is nothing that one finds which may stop.
    is_spread = error > _ROUNDING * abs(difference.value) and not duel.is_stopped
    return Change(
        duel.step,
        duel.against,
        duel.place,
        metric,
        difference,
        difference.p_value,
        "undecided",
        detectable(error) if is_spread else None,
        prompts_needed(difference) if is_spread else None,
        _unlike(duel),
    )


def _unlike(duel: Duel) -> list[str]:
    ours, theirs = duel.row.asked(duel.step), duel.row.asked(duel.against)
    alone, both = len(ours ^ theirs), sorted(ours & theirs)
    pair = duel.pair
    read = int((~np.isnan(pair.ours_N - pair.theirs_N)).sum())
    return [
        *([f"on the {len(both)} prompts of both; {alone} are of one alone"] if alone else []),
        *([f"pairs left out as unread: {len(both) - read}"] if read < len(both) else []),
        *(["judged until decided: interval and p hold whenever it stopped"] * duel.is_stopped),
        *(["every pair is equal"] if not np.nan_to_num(pair.ours_N - pair.theirs_N).any() else []),
    ]
