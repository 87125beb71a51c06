"""What a series came to: the records behind every form of its report, and no way to show them.

Values are as in `Score`: fractions in [0, 1], ratings, characters. Percent are for showing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from harness.classes import Classes
from harness.report.reproduction import PaperTable
from harness.report.trials import Tried
from harness.stats.paired import Difference
from harness.stats.variance import Components
from harness.types import Item, Score

Ruling = Literal["better", "worse", "undecided"]
"""What a paired test says of a checkpoint, at 5 % over all tests of the series (Holm)."""


class Step(NamedTuple):
    """One checkpoint of the series."""

    name: str
    iteration: int | None
    parent: str | None
    """Name of the checkpoint that it was trained from."""
    method: str | None
    trained_by_judge: str | None


class Track(NamedTuple):
    """One benchmark under one judge: what is comparable."""

    benchmark: str
    """Its label, `NAME@VERSION`."""
    title: str
    judge: str
    main: str
    """The main metric."""
    identity: Mapping[str, str]
    """What decided all its scores, the checkpoints' own parts left out."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one checkpoint scored on one track."""

    step: str
    track: int
    """Place among the tracks."""
    scores: Sequence[Score]
    """The main one first."""
    items: Sequence[Item]
    flags: Sequence[str] = ()
    """Red flags of the gaming guard, and whatever else a careful reader must know."""


@dataclass(frozen=True, slots=True)
class Change:
    """A checkpoint against another on one track, prompt by prompt."""

    step: str
    against: str
    track: int
    metric: str
    difference: Difference
    adjusted_p: float
    """Holm's, over all changes of the series."""
    ruling: Ruling
    detectable: float | None
    """The least difference that so many prompts find with a power of 80 %."""
    prompts_needed: int | None
    """How many prompts would decide a difference as large as this one."""
    unlike: Sequence[str] = ()
    """Why the two are compared with care or not at all: prompts that one lacks, say."""


class Fallen(NamedTuple):
    """A prompt that a checkpoint does worse on than the one before it."""

    step: str
    against: str
    track: int
    id: str
    before: float
    after: float


class Part(NamedTuple):
    """A category of a track's prompts, and how a checkpoint changed in it."""

    step: str
    against: str
    track: int
    category: str
    difference: Difference
    ruling: Ruling
    """By the test of this part, Holm over the parts of one checkpoint and track."""


@dataclass(frozen=True, slots=True)
class Game:
    """Every pair of checkpoints, head to head on one track."""

    track: int
    steps: Sequence[str]
    preference: Sequence[Sequence[float]]
    """How likely the row is preferred to the column."""
    winner: Sequence[float]
    """Shares of the von Neumann winner."""
    exploitability: Sequence[float]
    """Of each checkpoint, in [0, 1]."""
    cycles: int
    triads: int
    residual: float
    """Largest distance of a preference from the best fit by strengths."""
    elo: Sequence[float] = ()
    """Bradley-Terry strengths in points of a chess rating, the first checkpoint's 0; infinite for
    one that won, or lost, everything."""


class Gap(NamedTuple):
    """How much more a judge that labelled training data likes a checkpoint than another judge."""

    step: str
    training: int
    """The track of the judge that labelled the data."""
    held_out: int
    """The track of the other judge."""
    value: float
    """Mean over the prompts of the first judge's verdict less the second's."""
    against: str | None
    """The checkpoint before; None for the first."""
    growth: Difference | None
    """How much more the gap is than that checkpoint's, prompt by prompt."""
    grown: bool
    """Whether that is so at 5 % over all gaps of the series (Holm): a sign of over-optimisation."""


class Spread(NamedTuple):
    """What the standard error of a score is made of, where answers or verdicts were repeated."""

    step: str
    track: int
    metric: str
    n: int
    """Verdicts, each the mean of the repeats."""
    samples: int
    """Answers to each prompt, of which the first was scored."""
    repeats: int
    """Verdicts on each answer."""
    mean: float
    """Of the scores of all samples."""
    components: Components

    @property
    def prompts(self) -> float:
        """The standard error if answers and verdicts were no matter of chance."""
        return sqrt(self.components.items / self.n)

    @property
    def answers(self) -> float | None:
        """The standard error by the chance in answering alone; None with one sample."""
        seeds = self.components.seeds
        return None if seeds is None else sqrt(seeds / self.n)

    @property
    def judge(self) -> float | None:
        """The standard error by the judge's noise alone; None with one repeat."""
        judge = self.components.judge
        return None if judge is None else sqrt(judge / (self.n * self.repeats))

    @property
    def error_of_mean(self) -> float:
        """The standard error of the mean over all samples."""
        return self.components.error_with(self.n, self.samples, self.repeats)

    def with_repeats(self, repeats: int) -> float:
        """The standard error, had the judge been asked so often."""
        return self.components.error_with(self.n, 1, repeats)


class Vectors(NamedTuple):
    """What was asked and answered on one benchmark, as vectors of one model."""

    title: str
    model: str
    asked_N_D: npt.NDArray[np.float64]
    answered: Mapping[str, npt.NDArray[np.float64]]
    """By checkpoint, each of shape [n, D]."""


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that a series report tells."""

    name: str
    steps: Sequence[Step]
    tracks: Sequence[Track]
    entries: Sequence[Entry]
    changes: Sequence[Change]
    """Each checkpoint against its parent and against the base, on every track."""
    fallen: Sequence[Fallen]
    """The prompts that got worse, the worst first."""
    parts: Sequence[Part]
    games: Sequence[Game]
    notes: Sequence[str]
    """What holds for the whole: unlike identities, judges that labelled training data, coverage."""
    gaps: Sequence[Gap] = ()
    """Of every judge that labelled training data to every one that did not, on one benchmark."""
    classes: Mapping[str, Classes] = field(default_factory=dict)
    """Of prompts by their ids, for scores by category, complexity and length; most have none."""
    gold: str | None = None
    """The judge whose word is taken for the truth, if one was named."""
    vectors: Sequence[Vectors] = ()
    """A benchmark each, if a model was named that makes them."""
    spreads: Sequence[Spread] = ()
    """Of every score that is a mean, where prompts were answered or judged repeatedly."""
    papers: Sequence[PaperTable] = ()
    """Tables of papers that print numbers of the same benchmarks."""
    trials: Sequence[Tried] = ()
    """What `judge-eval` found of the judges, as far as they were tried."""
