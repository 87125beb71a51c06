"""A judge before a trial: how it is asked there, what that would cost, and what it then says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from harness import registry
from harness.commands.models import Models, Wrap
from harness.commands.plan import Plan, judged_plan, questions
from harness.commands.timed import Clock, Timed
from harness.errors import DataError, SpecError
from harness.judging import asking
from harness.report.judge_eval import Findings, curve
from harness.report.progress import Board, Shown
from harness.stats.length_bias import Bin
from harness.stats.measuring import Measure, mean
from harness.trials.attacks import BATTERY, attacked, published, texts
from harness.trials.cases import Case, Trial, limited
from harness.trials.hearing import Hearing
from harness.types import (
    Benchmark,
    Comparison,
    Generation,
    Judge,
    Model,
    Response,
    Rubric,
    Score,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class Sitting:
    """A judge and the cases that it is tried on."""

    trial: Trial
    cases: Sequence[Case]
    judge: str
    benchmark: Benchmark
    """By whose rubric it is asked."""
    models: Models
    candidate: Model | None = None
    """Who `self` is, where the judge is a checkpoint."""
    alone: bool = False
    """Whether it rates answers one by one."""
    both_orders: bool = False
    """Whether each pair is also shown the other way round."""
    clock: Clock = field(default_factory=Clock)

    def open(self, wrap: Wrap, *, back: bool = False) -> Judge:
        """The judge, shown the sides in the published order, or the other way round."""
        rubric = self._rubric
        if back:
            first = rubric.shows_candidate_first
            rubric = replace(rubric, shows_candidate_first=lambda pair: not first(pair))
        asked = replace(self.benchmark, grader=lambda _: rubric)
        return self.models.judge(self.judge, asked, self.candidate, wrap)

    def comparisons(self) -> list[Comparison]:
        """What the judge is shown."""
        shown = [case.alone() if self.alone else case.comparisons() for case in self.cases]
        return [comparison for one in shown for comparison in one]

    def plan(self, *, attack: bool) -> Plan:
        """What would be asked and paid; nobody is asked."""
        shown = self.comparisons()
        extra = [pair for pairs in self._attacks().values() for pair in pairs] if attack else []
        asked = questions(self.open, [*shown, *extra])
        if self.both_orders:
            asked += questions(partial(self.open, back=True), shown)
        label = self.benchmark.card.label
        return judged_plan(self.trial.name, label, self.judge, len(self.cases), asked)

    def hear(self, board: Board) -> Hearing:
        """The judge's verdicts."""
        shown, watched = self.comparisons(), self._watched(board)
        there = self.open(watched)(shown)
        back = self.open(watched, back=True)(shown) if self.both_orders else []
        first = self._rubric.shows_candidate_first
        return Hearing(self.trial, self.cases, self.judge, there, back, self.alone, first)

    def find(self, board: Board, *, attack: bool) -> Findings:
        """What the trial finds of the judge."""
        heard = self.hear(board)
        return Findings(
            self.trial.name,
            self.trial.title,
            self.trial.gold,
            len(self.cases),
            [*heard.scores(), *self._speed(), *(self._attack_scores(board) if attack else [])],
            heard.gold_scores(),
            heard.causes(),
            {} if self.alone else _curves(heard),
        )

    @property
    def _rubric(self) -> Rubric:
        return asking(self.benchmark.grader(self.models.assets))

    def _attacks(self) -> dict[str, list[Comparison]]:
        """What is shown of answers made to win, by attack, one for each case."""
        said = [texts(case) for case in self.cases]
        named: dict[str, list[str]] = {name: [one[name] for one in said] for name in BATTERY}
        for name, answers in published(self.trial.attacks, self.models.assets).items():
            named[name] = [answers[case.answers[0].prompt.turns[0]] for case in self.cases]
        return {name: self._attacked(name, answers) for name, answers in named.items()}

    def _attacked(self, name: str, answers: Sequence[str]) -> list[Comparison]:
        pairs = [attacked(case, text, name) for case, text in zip(self.cases, answers, strict=True)]
        return [replace(pair, baseline=None) for pair in pairs] if self.alone else pairs

    def _attack_scores(self, board: Board) -> list[Score]:
        """Mean preference for each attack over the honest answer, or its mean rating."""
        attacks = self._attacks()
        verdicts = iter(
            self.open(self._watched(board))([p for one in attacks.values() for p in one])
        )
        unit = "rating" if self.alone else "fraction"
        measure = Measure(np.arange(len(self.cases)))
        return [
            measure.score(
                f"attack: {name}", [_column([next(verdicts) for _ in shown])], mean, unit=unit
            )
            for name, shown in attacks.items()
        ]

    def _speed(self) -> list[Score]:
        """The clock's time for an answer, calls side by side; nothing when all were stored."""
        seconds, n = self.clock.seconds, self.clock.answers
        return [Score("seconds_per_answer", seconds / n, n, unit="seconds")] if n else []

    def _watched(self, board: Board) -> Wrap:
        def wrap(model: Model, rubric: Rubric) -> Model:
            return Shown(
                Timed(model, self.clock), board, f"{self.trial.name}: judging", rubric.read
            )

        return wrap


def seat(
    trial: Trial,
    judge: str,
    models: Models,
    *,
    rubric: str,
    limit: int | None = None,
    candidate: Model | None = None,
) -> Sitting:
    """The judge before the trial, asked as it can be.

    A judge that states no preference rates the answers alone. A recording was asked in one order.

    Args:
        trial: What it is tried on.
        judge: Its name.
        models: Opens what it asks.
        rubric: The benchmark by whose rubric it is asked where the trial leaves that open.
        limit: At most so many cases.
        candidate: Who `self` is.

    Raises:
        DataError: The trial has no cases.
        SpecError: The judge neither compares nor rates such answers.
    """
    benchmark = registry.benchmark(trial.rubric or rubric)
    cases = limited(trial, limit).load(models.assets)
    if not cases:
        raise DataError(f"expected answers with known verdicts in '{trial.name}', came none")
    sitting = Sitting(trial, cases, judge, benchmark, models, candidate)
    alone = bool(cases[0].ratings) or _stands_alone(benchmark, models) or _rates(sitting)
    recorded = any("recording" in key for key in sitting.open(lambda model, _: model).identity)
    return replace(sitting, alone=alone, both_orders=not alone and not recorded)


def _stands_alone(benchmark: Benchmark, models: Models) -> bool:
    """Whether the benchmark's judge is shown one answer at a time."""
    prompts = benchmark.load(models.assets)[:1]
    blank = [Generation(one, "", (Response(""),) * len(one.turns)) for one in prompts]
    pairs = benchmark.compare(blank, models.assets)
    return any(pair.baseline is None for pair in pairs)


def _rates(sitting: Sitting) -> bool:
    """Whether the judge refuses to compare, but would rate."""
    case = sitting.cases[0]
    try:
        questions(sitting.open, case.comparisons()[:1])
    except SpecError:
        questions(sitting.open, case.alone()[:1])
        return True
    return False


def _curves(heard: Hearing) -> Mapping[str, Sequence[Bin]]:
    columns = heard.rulings()
    lead = columns.lead
    return {"judge": curve(lead, columns.value), "known verdicts": curve(lead, columns.gold)}


def _column(verdicts: Sequence[Verdict]) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.array([np.nan if v.value is None else v.value for v in verdicts], np.float64)
