"""The canary: thirty pinned verdicts, asked anew before and after a judged run.

A judge that is not what it says, that was changed in silence, or that no longer gives
log-probabilities, gives itself away there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from time import time_ns

from harness import registry
from harness.chambers import Resampled
from harness.commands.models import Models, Wrap
from harness.commands.plan import Plan, judged_plan, questions
from harness.commands.sitting import Sitting, seat
from harness.errors import SpecError
from harness.judging import asking
from harness.names import public
from harness.report.table import Table
from harness.trials.cases import Trial
from harness.types import Benchmark, Judge, Matcher, Model, Rubric, Verdict

EXPECTED = 0.8
"""Share of the pinned verdicts that a judge worth its price agrees with."""
MOVED = 0.1
"""A change of this share between before and after is more than chance does at low temperature."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a judge said of the pinned verdicts at one time."""

    judge: str
    n: int
    right: int
    unread: int
    served_by: tuple[str, ...]
    """Every model with its fingerprint, at every address, that answered."""

    @property
    def agreement(self) -> float:
        """Share of all pinned verdicts that it gave; an unread one it did not give."""
        return self.right / self.n


def canary_of(benchmark: Benchmark, judge: str, models: Models, candidate: Model) -> Sitting | None:
    """The pinned verdicts, asked by the benchmark's own rubric or else by one that reads text.

    Returns:
        None where answers are matched, and for a judge that is recorded or compares none.
    """
    if isinstance(benchmark.grader(models.assets), Matcher):
        return None
    pinned = [trial for trial in registry.trials() if trial.pinned]
    ranked = sorted(pinned, key=lambda trial: _fit(trial, benchmark, models))
    for trial in ranked[:1]:
        try:
            sitting = seat(trial, judge, models, rubric=trial.rubric, candidate=candidate)
        except SpecError:
            return None
        return sitting if sitting.both_orders else None
    return None


def look(sitting: Sitting) -> Sighting:
    """Asks the judge about the pinned verdicts, past whatever is stored."""
    places: set[str] = set()

    def noted(model: Model, _rubric: Rubric) -> Model:
        if server := model.identity.get("server"):
            places.add(public(server))
        return model

    pairs = sitting.comparisons()
    golds = [pair.gold for case in sitting.cases for pair in case.pairs]
    verdicts = _afresh(sitting, noted)(pairs)
    values = [verdict.value for verdict in verdicts]
    served = {answer for verdict in verdicts for answer in _served(verdict)}
    return Sighting(
        sitting.judge,
        len(pairs),
        sum(
            value is not None and (value - 0.5) * (gold - 0.5) > 0
            for value, gold in zip(values, golds, strict=True)
        ),
        values.count(None),
        tuple(sorted(served | places)),
    )


def plan_canary(sitting: Sitting, label: str) -> Plan:
    """What both looks would ask; nobody is asked.

    Args:
        sitting: From `canary_of`.
        label: Of the benchmark whose judge it is.
    """
    asked = questions(partial(_afresh, sitting), sitting.comparisons())
    return judged_plan("canary", label, sitting.judge, len(sitting.cases), asked * 2)


def _afresh(sitting: Sitting, wrap: Wrap) -> Judge:
    """The judge, whose every answer is another than those that are stored; a recording has none."""
    now = time_ns() // 1_000_000 % 2**31

    def fresh(model: Model, rubric: Rubric) -> Model:
        wrapped = wrap(model, rubric)
        return wrapped if "recording" in model.identity else Resampled(wrapped, now)

    return sitting.open(fresh)


def suspicions(before: Sighting, after: Sighting) -> Iterator[str]:
    """What the two sightings give reason to doubt."""
    lost = max(before.unread, after.unread)
    if lost >= MOVED * before.n:
        yield f"canary: {lost} of {before.n} pinned verdicts are unread"
    low = min(before, after, key=lambda one: one.right)
    if low.agreement < EXPECTED:
        yield (
            f"canary: the judge agrees with {low.right} of {low.n} pinned verdicts, expected are "
            f"{EXPECTED * low.n:.0f} or more; is it the model that it says?"
        )
    if abs(before.agreement - after.agreement) >= MOVED:
        yield (
            f"canary: the judge agreed with {before.right} of {before.n} pinned verdicts before "
            f"the run and with {after.right} after it"
        )
    if before.served_by != after.served_by:
        yield (
            f"canary: served by {', '.join(before.served_by)} before the run, by "
            f"{', '.join(after.served_by)} after it"
        )


def canary_table(sightings: Sequence[tuple[Sighting, Sighting]]) -> Table:
    """A row for each judge before and after the run."""
    rows = [
        [one.judge, when, f"{one.right} of {one.n}", str(one.unread), ", ".join(one.served_by)]
        for pair in sightings
        for when, one in zip(("before", "after"), pair, strict=True)
    ]
    columns = ["judge", "run", "pinned verdicts", "unread", "served by"]
    return Table("Canary", columns, rows, words=2)


def _fit(trial: Trial, benchmark: Benchmark, models: Models) -> tuple[bool, int]:
    """The benchmark's own rubric first, then what reads no log-probabilities."""
    rubric = asking(registry.benchmark(trial.rubric).grader(models.assets))
    return trial.rubric != benchmark.card.label, rubric.decoding.top_logprobs


def _served(verdict: Verdict) -> Iterator[str]:
    for vote in verdict.votes:
        yield from _served(vote)
    for response in verdict.raw.responses if verdict.raw else ():
        if response.served_by:
            yield response.served_by
