"""Judging that stops as soon as it is decided which of two checkpoints is better."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from harness.commands.models import EXACT
from harness.pairing import meetings
from harness.pipeline import Answers, Result, grade
from harness.report.story import Step
from harness.report.telling.cells import opponents
from harness.report.telling.stopped import ORDER, UNTIL, by_prompt, gains, in_order
from harness.stats.sequential import always_valid_p, confidence_sequence
from harness.types import Assets, Benchmark, Comparison, Judge, Verdict, prompt_of

BLOCK = 20
"""Prompts that are judged before it is looked whether they decide."""
SAID = f"{ORDER}, blocks of {BLOCK}"
"""What an identity says of it."""
_UNDECIDED = 0.5
_LEVEL = 0.05


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
    known = {one.prompt.id: one for one in every}
    order = [known[id_] for id_ in in_order([*known])]
    verdicts: list[Verdict] = []
    ends, judged = (0.0, 1.0), 0
    while judged < len(order) and not _leaves_out_half(ends):
        block = order[judged : judged + BLOCK]
        verdicts += judge(benchmark.compare(block, assets))
        judged += len(block)
        ends = _ends(verdicts, ends)
    given = _Given(judge.name, judge.identity, {one.comparison: one for one in verdicts})
    few = _only(answers, {one.prompt.id for one in order[:judged]})
    result = _told(grade(benchmark, few, given, assets), ends, judged, len(every))
    return Stopped(result, judged, len(every), _leaves_out_half(ends))


class Side(NamedTuple):
    """A checkpoint's answers to one benchmark with their judge."""

    step: Step
    benchmark: Benchmark
    answers: Answers
    judge: Judge


def judged_as_needed(
    sides: Sequence[Side], assets: Assets, note: Callable[[str], None]
) -> list[Answers]:
    """The answers of each side to as many prompts as decide who is better than the one before.

    All checkpoints of a benchmark are judged on the same prompts. A pair is decided at a level at
    which Holm's correction over all changes of the series cannot take it back. Where answers are
    matched, all are kept: that costs nothing.

    Args:
        sides: Every checkpoint on every benchmark; what is judged is in [0, 1].
        assets: Official files.
        note: Told how much was saved.
    """
    groups: dict[str, list[Side]] = {}
    for side in sides:
        groups.setdefault(side.benchmark.card.label, []).append(side)
    tests = sum(len(_pairs(group, of_base=True)) for group in groups.values())
    kept: dict[tuple[str, str], Answers] = {}
    for label, group in groups.items():
        judged = [side.answers for side in group]
        if group[0].benchmark.card.judge != EXACT:
            judged = _deciding(group, _LEVEL / max(tests, 1), assets)
            n, of = len(judged[0].generations), len(group[0].answers.generations)
            state = "decided" if n < of else "not decided any earlier"
            note(f"{label}: {state}, {n} of {of} prompts of each checkpoint")
        names = [(label, side.step.name) for side in group]
        kept |= zip(names, judged, strict=True)
    return [kept[side.benchmark.card.label, side.step.name] for side in sides]


def _pairs(group: Sequence[Side], *, of_base: bool) -> list[tuple[int, int]]:
    """Places of each checkpoint and of whom it is measured by: the one before, or the base too."""
    steps = [side.step for side in group]
    places = {step.name: place for place, step in enumerate(steps)}
    return [
        (places[step.name], places[other])
        for step in steps
        for other in opponents(steps, step)[: None if of_base else 1]
    ]


def _deciding(sides: Sequence[Side], level: float, assets: Assets) -> list[Answers]:
    order = in_order([one.prompt.id for one in sides[0].answers.generations])
    values: list[dict[str, float]] = [{} for _ in sides]
    pairs, judged = _pairs(sides, of_base=False), 0
    while judged < len(order) and not all(
        always_valid_p(gains(values[ours], values[theirs])) <= level for ours, theirs in pairs
    ):
        block = {*order[judged : judged + BLOCK]}
        for side, known in zip(sides, values, strict=True):
            known.update(_values(side, block, assets))
        judged += len(block)
    return [_only(side.answers, {*order[:judged]}) for side in sides]


def _values(side: Side, block: set[str], assets: Assets) -> dict[str, float]:
    few = _only(side.answers, block).generations
    items = side.benchmark.items(side.judge(side.benchmark.compare(few, assets)))
    return by_prompt([(prompt_of(item.id), item.value) for item in items])


def _only(answers: Answers, ids: set[str]) -> Answers:
    kept = [one for one in answers.generations if one.prompt.id in ids]
    return answers._replace(generations=kept)


def _ends(verdicts: Sequence[Verdict], before: tuple[float, float]) -> tuple[float, float]:
    """The interval of the mean preference by prompt, of those that were read."""
    values = by_prompt([(prompt_of(one.id), one.value) for one in meetings(verdicts)])
    if not values:
        return before
    sequence = confidence_sequence(np.array([*values.values()]))
    return float(sequence[-1, 0]), float(sequence[-1, 1])


def _leaves_out_half(ends: tuple[float, float]) -> bool:
    return not ends[0] <= _UNDECIDED <= ends[1]


def marked_stopped(result: Result, of: int) -> Result:
    """The result of so many prompts, with how it was stopped as part of its identity."""
    main, *others = result.scores
    n = len({prompt_of(item.id) for item in result.items})
    doubt = f"judged until decided: {n} of {of} prompts; its interval is as if that had been fixed"
    main = replace(main, doubts=(*main.doubts, doubt))
    return replace(result, scores=[main, *others], identity={**result.identity, UNTIL: SAID})


def _told(result: Result, ends: tuple[float, float], judged: int, of: int) -> Result:
    """The result with the interval that allows to stop, and with how it was stopped."""
    main, *others = result.scores
    doubt = (
        f"judged until decided: {judged} of {of} prompts, the interval is of a confidence sequence"
    )
    if main.value is not None:
        main = replace(main, interval=ends, standard_error=None)
    main = replace(main, doubts=(*main.doubts, doubt))
    identity = {**result.identity, UNTIL: SAID}
    return replace(result, scores=[main, *others], identity=identity)
