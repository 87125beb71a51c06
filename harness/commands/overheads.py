"""What a run asks beside the answers and judgments of its scores, and pays all the same."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from harness.commands.canary import plan_canary
from harness.commands.foreseen import foresee
from harness.commands.jobs import Job
from harness.commands.judge_eval import audit
from harness.commands.models import Models
from harness.commands.plan import Plan, judged_plan, questions
from harness.commands.quote import together
from harness.commands.sitting import Sitting
from harness.pipeline import load
from harness.ranking import BestOf, contests
from harness.spec import BestOfSpec
from harness.types import Assets, Benchmark, Comparison, Generation, Prompt

_AT_ONCE = 20
"""Prompts whose samples are foreseen together: 16 samples of each meet in 4,800 questions."""


def overheads(
    jobs: Sequence[Job], canaries: Mapping[str, Sitting], models: Models
) -> Iterator[Plan]:
    """What picks the best of samples, what tries a checkpoint as a judge, and the canaries.

    Args:
        jobs: Of the run.
        canaries: By the label of the benchmark whose judge it is.
        models: Of the run.
    """
    for job in jobs:
        if isinstance(job.model, BestOf) and job.checkpoint.best_of is not None:
            yield _picking(job, job.model, job.checkpoint.best_of, models)
        if job.is_audited:
            for sitting in audit(job.judge, job.model, models, rubric=job.benchmark.card.label):
                tried = sitting.plan(attack=False).quoted(exact=True)
                yield replace(tried, checkpoint=f"{job.name}: {tried.checkpoint}")
    for label, sitting in canaries.items():
        yield plan_canary(sitting, label).quoted(exact=True)


def _picking(job: Job, best: BestOf, asked: BestOfSpec, models: Models) -> Plan:
    """What the judge of samples would be asked; those still to come are taken to differ."""
    prompts = load(job.benchmark, models.assets)
    blocks = [prompts[start : start + _AT_ONCE] for start in range(0, len(prompts), _AT_ONCE)]
    judge = partial(models.judge, asked.judge, job.benchmark, best.model)
    label, name = job.benchmark.card.label, f"{job.name}: the best of {best.n}"

    def planned(block: Sequence[Prompt]) -> Plan:
        shown = _contests(job.benchmark, block, best, models.assets)
        plan = judged_plan(name, label, asked.judge, len(block), questions(judge, shown))
        return replace(plan, questions=())  # all of them together would fill the memory

    plans = [planned(block) for block in blocks]
    return replace(
        plans[0],
        prompts=len(prompts),
        undecided=sum(one.undecided for one in plans),
        to_judge=sum(one.to_judge for one in plans),
        quote=together([one.quote for one in plans]),
    )


def _contests(
    benchmark: Benchmark, prompts: Sequence[Prompt], best: BestOf, assets: Assets
) -> list[Comparison]:
    def foreseen(k: int) -> list[Generation]:
        ours = [replace(best.samples(prompt)[k], id=prompt.id) for prompt in prompts]
        of_sample = replace(benchmark, load=lambda _: ours)
        return foresee(of_sample, best.model, assets, place=k + 1)

    groups = zip(*(foreseen(k) for k in range(best.n)), strict=True)
    return [Comparison(one, other) for _, one, other in contests([*groups])]
