"""What a run would ask and pay, before it asks anybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.commands.foreseen import foresee, unanswered
from harness.judging import judge_prompt, settle
from harness.pipeline import load
from harness.pricing import estimate_tokens, price, retires
from harness.report.table import Table
from harness.types import (
    Assets,
    Benchmark,
    Model,
    Prompt,
    Usage,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one checkpoint needs on one benchmark."""

    checkpoint: str
    benchmark: str
    judge: str
    prompts: int
    to_answer: int
    """Prompts that the checkpoint has not answered yet."""
    undecided: int
    """Comparisons that only a judge can decide: no tie, no missing answer."""
    to_judge: int
    """Of those, the ones whose judgment is not stored yet."""
    usd: float | None
    """Estimated price of all that; None when a price is not known."""


def plan(name: str, benchmark: Benchmark, model: Model, judge_model: Model, assets: Assets) -> Plan:
    """Counts what is not stored.

    Answers still to come are taken to be as long as the baseline's; judge prompts are measured as
    they would be sent.
    """
    prompts = load(benchmark, assets)
    to_answer = unanswered(model, prompts)
    comparisons = benchmark.compare(foresee(benchmark, model, assets), assets)
    rubric = benchmark.rubric(assets)
    asked = [judge_prompt(rubric, c) for c in comparisons if settle(c, "") is None]
    to_judge = unanswered(judge_model, asked)
    usd = _price(judge_model.name, to_judge), _price(model.name, to_answer)
    total = None if None in usd else sum(filter(None, usd))
    label, judge = benchmark.card.label, judge_model.name
    counts = len(prompts), len(to_answer), len(asked), len(to_judge)
    return Plan(name, label, judge, *counts, total)


def plan_table(plans: Sequence[Plan]) -> Table:
    """The plan, a row for each checkpoint and benchmark, and the sum."""
    known = [p.usd for p in plans if p.usd is not None]
    unknown = len(plans) - len(known)
    note = f"estimated price {sum(known):.2f} USD" + (
        f", and {unknown} rows whose price is not known" if unknown else ""
    )
    return Table(
        "What this run would ask",
        ["checkpoint", "benchmark", "prompts", "to answer", "to judge", "≈ USD"],
        [
            [
                p.checkpoint,
                p.benchmark,
                str(p.prompts),
                str(p.to_answer),
                str(p.to_judge),
                "?" if p.usd is None else f"{p.usd:.2f}",
            ]
            for p in plans
        ],
        [note, *retired(plans)],
        words=2,
    )


def retired(plans: Sequence[Plan]) -> list[str]:
    """A line for each judge that would be asked though its provider has taken it away."""
    asked = {p.judge: retires(p.judge) for p in plans if p.to_judge}
    return [
        f"{judge} was announced to retire on {last}; name another with -j (its scores are not "
        f"comparable), or import published judgments with --judgments"
        for judge, last in asked.items()
        if last and last < datetime.now(UTC).date()
    ]


def _price(name: str, prompts: Sequence[Prompt]) -> float | None:
    """Reading is estimated from the texts, writing is taken at its most."""
    if not prompts:
        return 0.0
    read = sum(estimate_tokens("".join(p.turns) + (p.system or "")) for p in prompts)
    written = sum(p.decoding.max_tokens for p in prompts)
    return price(name, Usage(read, written))
