"""What a judge said on trial, as the columns that statistics are made of."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.pricing import price
from harness.stats.agreement import BEST, Rated, agreement
from harness.stats.marks import Marks, gold_marks_scores, marks_scores
from harness.stats.measuring import Measure, mean
from harness.stats.prompt_bootstrap import DRAWS, Draws
from harness.stats.rulings import Rulings, gold_scores, rulings_scores
from harness.trials.cases import Case, Trial
from harness.trials.people import PEOPLE
from harness.types import Comparison, Generation, Score, Verdict

_FEWEST_RANKED = 3
"""Two answers have no order beyond which is the better."""
_OF_JUDGES = ("first_slot", "saturation")
"""What cannot be said of people, whose order of reading and whose certainty are not told."""
_RANKINGS = ("exact_match", "spearman_rho", "kendall_tau_b")


@dataclass(frozen=True, slots=True)
class Hearing:
    """A judge's verdicts on the cases of a trial."""

    trial: Trial
    cases: Sequence[Case]
    judge: str
    verdicts: Sequence[Verdict]
    """In the published order of the sides: of every pair, or of every answer alone."""
    back: Sequence[Verdict] = ()
    """Of every pair with the sides exchanged; none when that was not asked."""
    alone: bool = False
    """Whether the judge rated answers one by one."""
    shows_candidate_first: Callable[[Comparison], bool] = lambda _: False
    """The published order."""

    def scores(self, draws: Draws = DRAWS) -> list[Score]:
        """All that the verdicts tell of the judge, its price last."""
        cost = list(self._cost(draws))
        if self.alone:
            rated = bool(self.cases[0].ratings)
            return [*marks_scores(self.marks(), top=self._top(), rated=rated, draws=draws), *cost]
        both = bool(self.back)
        scores = rulings_scores(self.rulings(), both_orders=both, draws=draws)
        return [*scores, *self._rankings(draws), *cost]

    def gold_scores(self, draws: Draws = DRAWS) -> list[Score]:
        """What can be said of the known verdicts by the same names."""
        if not self.alone:
            scores = gold_scores(self.rulings(), draws=draws)
            people = self.trial.gold == PEOPLE
            return [one for one in scores if not (people and one.metric in _OF_JUDGES)]
        if not self.cases[0].ratings:
            return []
        return gold_marks_scores(self.marks(), top=self.trial.top, draws=draws)

    def causes(self) -> Counter[str]:
        """Why verdicts are unread, and how many of each cause."""
        every = (*self.verdicts, *self.back)
        return Counter(verdict.cause or "unknown" for verdict in every if verdict.value is None)

    def rulings(self) -> Rulings:
        """The verdicts on pairs as columns."""
        pairs = [
            (number, comparison, pair.gold)
            for number, case in enumerate(self.cases)
            for comparison, pair in zip(case.comparisons(), case.pairs, strict=True)
        ]
        comparisons = [comparison for _, comparison, _ in pairs]
        systems = _numbers([comparison.candidate.model for comparison in comparisons])
        value = _values(self.verdicts)
        return Rulings(
            prompt=np.array([number for number, _, _ in pairs], np.int64),
            system=np.array(systems, np.int64),
            gold=np.array([gold for _, _, gold in pairs], np.float64),
            value=value,
            other=_values(self.back) if self.back else np.full(len(value), np.nan),
            candidate_first=np.array(
                [self.shows_candidate_first(c) for c in comparisons], np.bool_
            ),
            lead=np.array([_lead(comparison) for comparison in comparisons], np.float64),
            own=np.array([self._side(comparison) for comparison in comparisons], np.float64),
        )

    def marks(self) -> Marks:
        """The ratings as columns."""
        answers = [
            (number, answer, comparison, standing)
            for number, case in enumerate(self.cases)
            for answer, comparison, standing in zip(
                case.answers, case.alone(), case.standings(), strict=True
            )
        ]
        return Marks(
            prompt=np.array([number for number, *_ in answers], np.int64),
            system=np.array(_numbers([answer.model for _, answer, *_ in answers]), np.int64),
            gold=np.array([standing for *_, standing in answers], np.float64),
            value=_values(self.verdicts),
            length=np.array([len(c.texts[0]) for _, _, c, _ in answers], np.float64),
            own=np.array([is_own(a.model, self.judge) for _, a, *_ in answers], np.float64),
        )

    def _rankings(self, draws: Draws) -> list[Score]:
        """Whether answers to one prompt are put into the known order, where three or more are."""
        verdicts = iter(self.verdicts)
        groups = []
        for case in self.cases:
            values = [next(verdicts).value for _ in case.pairs]
            read = [value for value in values if value is not None]
            complete = len(read) == len(values)
            ratings = _rounded(case.mean_preferences(read)) if complete else []
            if len(case.answers) >= _FEWEST_RANKED:
                ranks = [-gold for gold in _rounded(case.standings())]
                groups.append(Rated(ranks, ratings or [None] * len(ranks)))
        scores = agreement(groups, seed=draws.seed) if groups else []
        return [score for score in scores if score.metric in _RANKINGS]

    def _cost(self, draws: Draws) -> Iterator[Score]:
        """USD for a thousand verdicts, each with both orders where both were asked."""
        orders = [self.verdicts, self.back] if self.back else [self.verdicts]
        usd = [sum(map(_price, together)) for together in zip(*orders, strict=True)]
        if usd and not np.isnan(usd).any():
            column = 1000 * np.array(usd, np.float64)
            prompt = self.marks().prompt if self.alone else self.rulings().prompt
            yield Measure(prompt, draws).score("usd_per_1000", [column], mean, unit="USD")

    def _side(self, comparison: Comparison) -> int:
        theirs = comparison.baseline.model if comparison.baseline else ""
        return is_own(comparison.candidate.model, self.judge) - is_own(theirs, self.judge)

    def _top(self) -> float:
        """The highest rating of the judge's scale; of two common ones, where none is given."""
        if self.cases[0].ratings:
            return self.trial.top
        read = [verdict.value for verdict in self.verdicts if verdict.value is not None]
        return BEST if max(read, default=0) <= BEST else self.trial.top


def is_own(system: str, judge: str) -> bool:
    """Whether a system is called as one of the models in a judge's name is.

    Signs do not count, so that gpt4_1106_preview is openai:gpt-4-1106-preview.
    """
    models = re.split(r"[:,#/]", judge)
    return bool(system) and _bare(system) in {_bare(model) for model in models}


def _bare(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))


def _lead(comparison: Comparison) -> int:
    ours, theirs = comparison.texts
    return len(ours) - len(theirs or "")


def _rounded(values: Sequence[float]) -> list[float]:
    """Published preferences end at the tenth digit: what differs only there is a tie."""
    return [round(value, 6) for value in values]


def _values(verdicts: Sequence[Verdict]) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.array([np.nan if v.value is None else v.value for v in verdicts], np.float64)


def _numbers(names: Sequence[str]) -> list[int]:
    places = {name: place for place, name in enumerate(dict.fromkeys(names))}
    return [places[name] for name in names]


def _price(verdict: Verdict) -> float:
    """What a verdict cost, with all the votes behind it; NaN when a price is not known."""
    if verdict.votes:
        return sum(map(_price, verdict.votes))
    return 0.0 if verdict.raw is None else _answer_price(verdict.raw)


def _answer_price(answer: Generation) -> float:
    prices = [price(answer.model, response.usage) for response in answer.responses]
    return float("nan") if None in prices else sum(filter(None, prices))
