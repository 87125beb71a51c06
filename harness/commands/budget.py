"""What a run has bought when its budget ends, and what the rest would cost."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harness.commands.foreseen import asking_as
from harness.commands.models import Wrap
from harness.commands.plan import Plan
from harness.commands.quote import together
from harness.errors import BudgetError
from harness.report.scores import cell
from harness.report.table import Table
from harness.types import (
    UNWATCHED,
    Assets,
    Benchmark,
    Generation,
    Judge,
    Keeping,
    Model,
    Prompt,
    Rubric,
    Score,
    Watch,
)

_NOT_BOUGHT = "not bought yet"
_FEWEST = 10
"""Verdicts; an interval of fewer would say more of its assumptions than of them."""


@dataclass(frozen=True, slots=True)
class Known:
    """A model that answers what is stored, and asks nobody for the rest."""

    model: Model

    @property
    def name(self) -> str:
        """The model's own name."""
        return self.model.name

    @property
    def identity(self) -> Mapping[str, str]:
        """The model's own identity."""
        return self.model.identity

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        """One generation per prompt; a failure where there is no answer yet."""
        missing = set(self._missing(prompts))
        known = [prompt for prompt in prompts if prompt not in missing]
        answers = iter(self.model.generate(known, watch) if known else ())
        return [
            Generation(p, self.name, (), _NOT_BOUGHT) if p in missing else next(answers)
            for p in prompts
        ]

    def _missing(self, prompts: Sequence[Prompt]) -> Sequence[Prompt]:
        if isinstance(self.model, Keeping):
            return asking_as(self.model.missing(prompts), prompts)
        return () if "recording" in self.model.identity else prompts


def known(model: Model, _rubric: Rubric) -> Model:
    """What a judge is given in the place of the models that it would ask."""
    return Known(model)


class Bought(NamedTuple):
    """What the answers and judgments that are stored say of one checkpoint."""

    name: str
    benchmark: str
    judged: int
    verdicts: int
    """All that a full score is made of."""
    score: Score | None
    """The main one, of what is judged so far; None when that is too little to tell anything."""


def bought(
    name: str,
    benchmark: Benchmark,
    answers: Sequence[Generation],
    open_judge: Callable[[Wrap], Judge],
    assets: Assets,
) -> Bought:
    """The main score of what is stored, nobody asked; it is not withheld for its coverage."""
    verdicts = open_judge(known)(benchmark.compare(answers, assets))
    judged = sum(verdict.value is not None for verdict in verdicts)
    score = benchmark.aggregate(verdicts, assets)[0] if judged >= _FEWEST else None
    return Bought(name, benchmark.card.label, judged, len(verdicts), score)


def bought_table(rows: Iterable[Bought]) -> Table:
    """What the budget bought, a row for each checkpoint and benchmark."""
    return Table(
        "What the budget bought",
        ["checkpoint", "benchmark", "judged", "of", "main score so far"],
        [[b.name, b.benchmark, str(b.judged), str(b.verdicts), _figure(b)] for b in rows],
        ["Intervals are 95 %, of what is judged so far; the prompts were drawn as by chance."],
        words=2,
    )


def stopped(
    budget: float, spent: float, plans: Sequence[Plan], rows: Sequence[Bought], *, batch: bool
) -> BudgetError:
    """The one line that a run ends with when its budget does."""
    answers, judgments = sum(p.to_answer for p in plans), sum(p.to_judge for p in plans)
    quotes = together([plan.quote for plan in plans])
    price = quotes.usd_batched if batch else quotes.usd
    rest = "at an unknown price" if price is None else f"for at most {price:.2f} USD"
    so_far = "; ".join(f"{b.name} {_figure(b)} from {b.judged} of {b.verdicts}" for b in rows)
    return BudgetError(
        f"the budget of {budget:.2f} USD is used up: {spent:.2f} USD spent; {answers} answers and "
        f"{judgments} judgments are left {rest}; so far {so_far}; run again with a larger "
        f"--budget to ask only the rest"
    )


def _figure(row: Bought) -> str:
    return "–" if row.score is None else f"{row.score.metric} {cell(row.score)}"
