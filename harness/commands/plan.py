"""What a run would ask and pay, before it asks anybody."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from harness.commands.foreseen import foresee, unanswered
from harness.commands.models import Wrap, is_remote
from harness.commands.quote import Quote, quote, together
from harness.judging import require
from harness.pipeline import examine, load
from harness.price_list import retires
from harness.ranking import BestOf
from harness.report.table import Table
from harness.types import (
    UNWATCHED,
    Assets,
    Benchmark,
    Comparison,
    Generation,
    Judge,
    Model,
    Prompt,
    Rubric,
    Watch,
)

_NOTHING = Quote()
_ESTIMATED = (
    "tokens with ≈ are estimated: their model's vocabulary is not on this machine (for OpenAI, "
    "tiktoken and a vocabulary that it has downloaded)"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one checkpoint needs on one benchmark."""

    checkpoint: str
    benchmark: str
    judge: str
    prompts: int
    to_answer: int
    """Prompts that the checkpoint has not answered yet, each sample of a best of several."""
    undecided: int
    """Judgments that only a model can give: of no tie, and of no missing answer."""
    to_judge: int
    """Of those, the ones that are not stored yet."""
    quote: Quote = _NOTHING
    """What all that would cost."""
    answers: tuple[Model, Sequence[Prompt]] | None = None
    """What the checkpoint would still be asked."""
    questions: tuple["Question", ...] = ()
    """What the judge would still ask, model by model."""

    def data(self) -> dict[str, Any]:
        """The counts and the price, for programs."""
        left_out = {"answers", "questions", "quote"}
        kept = [f.name for f in fields(self) if f.name not in left_out]
        return {name: getattr(self, name) for name in kept} | self.quote._asdict()

    def quoted(self, *, exact: bool) -> "Plan":
        """The plan with its price.

        Args:
            exact: Whether tokenizers may be loaded to count what would be read.
        """
        asked = [*filter(None, [self.answers]), *((q.model, q.prompts) for q in self.questions)]
        return replace(self, quote=together([quote(*one, exact=exact) for one in asked]))


class Question(NamedTuple):
    """What a judge would ask one model by one rubric."""

    model: Model
    rubric: Rubric
    prompts: list[Prompt]


OpenJudge = Callable[[Wrap], Judge]
"""A judge whose models are wrapped."""


def questions(open_judge: OpenJudge, comparisons: Sequence[Comparison]) -> list[Question]:
    """Whatever the judge would ask about the comparisons, however it is composed; nobody is asked.

    Args:
        open_judge: Makes the judge. It must decide what to ask before it hears an answer.
        comparisons: With foreseen answers where there are none yet.
    """
    found: list[Question] = []

    def listing(model: Model, rubric: Rubric) -> Model:
        found.append(Question(model, rubric, []))
        return _Listing(model.name, model.identity, found[-1].prompts)

    open_judge(listing)(comparisons)
    return found


@dataclass(frozen=True, slots=True)
class _Listing:
    """In the place of a model: it notes what it is asked."""

    name: str
    identity: Mapping[str, str]
    prompts: list[Prompt]

    def generate(
        self,
        prompts: Sequence[Prompt],
        watch: Watch = UNWATCHED,  # noqa: ARG002 - the protocol's
    ) -> list[Generation]:
        self.prompts.extend(prompts)
        return [Generation(prompt, self.name, (), "not asked yet") for prompt in prompts]


def plan(
    name: str,
    benchmark: Benchmark,
    model: Model,
    judge: str,
    open_judge: OpenJudge,
    assets: Assets,
) -> Plan:
    """Counts what is not stored.

    Answers still to come are taken to be as long as the baseline's; judge prompts are measured as
    they would be sent.
    """
    answering = plan_answers(name, benchmark, model, assets)
    comparisons = benchmark.compare(foresee(benchmark, model, assets), assets)
    return _judged(answering, judge, questions(open_judge, comparisons))


def judged_plan(name: str, label: str, judge: str, prompts: int, asked: list[Question]) -> Plan:
    """Counts the judgments that are not stored, of answers that are all there.

    Args:
        name: Of what is judged.
        label: Of the benchmark by whose rubric.
        judge: Its name.
        prompts: How many the answers are to.
        asked: What it would ask.
    """
    return _judged(Plan(name, label, "", prompts, 0, 0, 0), judge, asked)


def _judged(answering: Plan, judge: str, asked: list[Question]) -> Plan:
    still = [question._replace(prompts=unanswered(*question[::2])) for question in asked]
    planned = replace(
        answering,
        judge=judge,
        undecided=sum(len(question.prompts) for question in asked),
        to_judge=sum(len(question.prompts) for question in still),
        questions=tuple(question for question in still if question.prompts),
    )
    return planned.quoted(exact=False)


def plan_answers(name: str, benchmark: Benchmark, model: Model, assets: Assets) -> Plan:
    """Counts the answers that are not stored; nothing is judged."""
    prompts = load(benchmark, assets)
    examine(model, prompts)
    asked, every = model, prompts
    if isinstance(model, BestOf):
        asked, every = model.model, [one for prompt in prompts for one in model.samples(prompt)]
    to_answer = unanswered(asked, every)
    counts = len(prompts), len(to_answer), 0, 0
    planned = Plan(name, benchmark.card.label, "", *counts, answers=(asked, to_answer))
    return planned.quoted(exact=False)


def plan_table(plans: Sequence[Plan]) -> Table:
    """The plan, a row for each checkpoint and benchmark, and the sum."""
    known = together([p.quote for p in plans if p.quote.usd is not None])
    unknown = sum(p.quote.usd is None for p in plans)
    note = f"at most {_usd(known.usd)} USD, or {_usd(known.usd_batched)} by --batch" + (
        f", and {unknown} rows whose price is not known" if unknown else ""
    )
    estimates = [] if all(p.quote.counted for p in plans) else [_ESTIMATED]
    return Table(
        "What this run would ask",
        [
            "checkpoint",
            "benchmark",
            "prompts",
            "to answer",
            "to judge",
            "tokens",
            "USD",
            "by batch",
        ],
        [
            [
                p.checkpoint,
                p.benchmark,
                str(p.prompts),
                str(p.to_answer),
                str(p.to_judge),
                f"{'' if p.quote.counted else '≈ '}{p.quote.tokens}",
                _usd(p.quote.usd),
                _usd(p.quote.usd_batched),
            ]
            for p in plans
        ],
        [note, *estimates, *retired(plans)],
        words=2,
    )


def retired(plans: Sequence[Plan]) -> list[str]:
    """A line for each judge that would be asked though its provider has taken it away."""
    asked = {q.model.name: retires(q.model.name) for p in plans for q in p.questions}
    return [
        f"{judge} was announced to retire on {last}; name another with -j (its scores are not "
        f"comparable), or import published judgments with --judgments"
        for judge, last in asked.items()
        if last and last < datetime.now(UTC).date()
    ]


def probe(plans: Sequence[Plan]) -> None:
    """Asks each hosted model that judges one short question, before anything else is spent.

    A local one would take the memory that the checkpoints need first.

    Raises:
        ModelError: One cannot be reached, or not be read by its rubric.
    """
    asked = {(q.model.name, q.rubric.digest): q for p in plans for q in p.questions}
    for question in asked.values():
        if is_remote(question.model):
            require(question.model, question.rubric)


def _usd(price: float | None) -> str:
    return "?" if price is None else f"{price:.2f}"
