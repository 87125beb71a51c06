"""Judging that stops as soon as it is decided which of two checkpoints is preferred."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from statistics import fmean
from typing import NamedTuple

import numpy as np

from harness.pairing import meetings
from harness.pipeline import Answers, Result, grade
from harness.stats.sequential import confidence_sequence
from harness.types import Assets, Benchmark, Comparison, Generation, Judge, Verdict, prompt_of

BLOCK = 20
"""Prompts that are judged before it is looked whether they decide."""
SEED = 0
"""Of the order in which prompts are judged, which must not depend on the answers."""
_UNDECIDED = 0.5


@dataclass(frozen=True, slots=True)
class _Given:
    """A judge that has already said all that it will be asked."""

    name: str
    identity: Mapping[str, str]
    verdicts: Mapping[Comparison, Verdict]

    def __call__(self, comparisons: Sequence[Comparison], /) -> list[Verdict]:
        return [self.verdicts[comparison] for comparison in comparisons]


class Stopped(NamedTuple):
    """What was judged until it was decided, or until there was nothing left."""

    result: Result
    """Of the prompts that were judged; the main score's interval holds however often one looks."""
    prompts: int
    """That were judged."""
    of: int
    """That there are."""
    decided: bool

    @property
    def saved(self) -> int:
        """Verdicts that were not asked for."""
        return len(self.result.verdicts) // self.prompts * (self.of - self.prompts)


def judged_until_decided(
    benchmark: Benchmark, answers: Answers, judge: Judge, assets: Assets
) -> Stopped:
    """Judges blocks of prompts in a random order until their preferences leave out 1/2.

    Args:
        benchmark: Whose comparisons are in both orders.
        answers: The first checkpoint's.
        judge: Asked about one block after the other.
        assets: Official files.
    """
    every = answers.generations
    order = Random(SEED).sample(every, len(every))
    verdicts: list[Verdict] = []
    ends, judged = (0.0, 1.0), 0
    while judged < len(order) and not _leaves_out_half(ends):
        block = order[judged : judged + BLOCK]
        verdicts += judge(benchmark.compare(block, assets))
        judged += len(block)
        ends = _ends(verdicts, ends)
    given = _Given(judge.name, judge.identity, {one.comparison: one for one in verdicts})
    few = answers._replace(generations=_kept(every, order[:judged]))
    result = _told(grade(benchmark, few, given, assets), ends, judged, len(every))
    return Stopped(result, judged, len(every), _leaves_out_half(ends))


def _ends(verdicts: Sequence[Verdict], before: tuple[float, float]) -> tuple[float, float]:
    """The interval of the mean preference by prompt, of those that were read."""
    values: dict[str, list[float]] = {}
    for one in meetings(verdicts):
        if one.value is not None:
            values.setdefault(prompt_of(one.id), []).append(one.value)
    if not values:
        return before
    sequence = confidence_sequence(np.array([fmean(turns) for turns in values.values()]))
    return float(sequence[-1, 0]), float(sequence[-1, 1])


def _leaves_out_half(ends: tuple[float, float]) -> bool:
    return not ends[0] <= _UNDECIDED <= ends[1]


def _kept(every: Sequence[Generation], judged: Sequence[Generation]) -> list[Generation]:
    """Those that were judged, in the order of the prompts."""
    ids = {one.prompt.id for one in judged}
    return [one for one in every if one.prompt.id in ids]


def _told(result: Result, ends: tuple[float, float], judged: int, of: int) -> Result:
    """The result with the interval that allows to stop, and with how it was stopped."""
    main, *others = result.scores
    doubt = (
        f"judged until decided: {judged} of {of} prompts, the interval is of a confidence sequence"
    )
    if main.value is not None:
        main = replace(main, interval=ends, standard_error=None)
    main = replace(main, doubts=(*main.doubts, doubt))
    identity = {**result.identity, "until decided": f"seed {SEED}, blocks of {BLOCK}"}
    return replace(result, scores=[main, *others], identity=identity)
