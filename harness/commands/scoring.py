"""One run of `score`: its checkpoints on its benchmarks, asked, judged and graded, job by job."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from harness import registry
from harness.classes import Classes
from harness.commands.asked import ScoreRequest
from harness.commands.at_once import ask_at_once
from harness.commands.budget import Bought, Known, bought, bought_table, stopped
from harness.commands.canary import canary_of
from harness.commands.classify import read_classes
from harness.commands.foreseen import foresee
from harness.commands.gold import gilded
from harness.commands.importing import import_judgments
from harness.commands.jobs import Job, with_samples
from harness.commands.judge_eval import audit
from harness.commands.models import (
    EXACT,
    SELF,
    Models,
    bill,
    doubts,
    judge_name,
    named_benchmark,
)
from harness.commands.plan import Plan, plan, plan_answers, questions
from harness.commands.screening import suspicions
from harness.commands.setting import Setting
from harness.commands.shown import show_prompts, warnings
from harness.commands.until import Side, judged_as_needed, marked_stopped
from harness.commands.watching import Watch, doubted, watching
from harness.errors import BudgetError, DataError, SpecError
from harness.pipeline import Answers, Result, answer, grade, load, opposed, sampled
from harness.report.judge_eval import Findings, judge_eval_table
from harness.report.progress import Board, Shown
from harness.report.save import save_result
from harness.report.scores import SAMPLE_OF
from harness.report.story import Step
from harness.report.table import Table
from harness.spec import Checkpoint, Series
from harness.types import (
    Assets,
    Benchmark,
    Model,
    Rubric,
    close,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Run:
    """What `score` was asked, with everything opened that it takes."""

    request: ScoreRequest
    setting: Setting
    series: Series
    models: Models
    audited: list[Findings] = field(default_factory=list)
    """What trials found of checkpoints that judged themselves."""

    @property
    def folder(self) -> Path:
        """Where the run writes."""
        return self.request.out / self.models.run

    @property
    def assets(self) -> Assets:
        """The official files."""
        return self.models.assets

    def jobs(self) -> list[Job]:
        """Every checkpoint on every benchmark, once for each of its samples.

        A name that nothing answers to fails here.
        """
        benchmarks, checkpoints = self._benchmarks(), self.series.checkpoints
        for name in (*map(self._judge, benchmarks), self.request.gold_judge):
            if name is not None:
                registry.check_judge(name)
        opened = [self.models.of_checkpoint(c, benchmarks) for c in checkpoints]
        for benchmark in benchmarks:
            self.models.judge(self._judge(benchmark), benchmark, opened[0][0])
        opposing = [self._opposed(benchmark) for benchmark in benchmarks]  # may ask, so it is last
        jobs = [
            [
                Job(checkpoint, benchmark, self._judge(benchmark), model)
                for benchmark, model in zip(opposing, models, strict=True)
            ]
            for checkpoint, models in zip(checkpoints, opened, strict=True)
        ]
        return [job for own in jobs for job in with_samples(own, self.assets)]

    def golden(self, jobs: Sequence[Job]) -> list[Job]:
        """What the better judge decides about, if one was named: a few prompts of each job."""
        name, n = self.request.gold_judge, self.request.gold_n
        if name is None:
            return []
        return [
            job._replace(benchmark=sampled(job.benchmark, n), judge=name)
            for job in jobs
            if job.judge != EXACT and not job.sample
        ]

    def plan(self, job: Job) -> Plan:
        """What the job would ask; judgments that are already paid for are imported first.

        Raises:
            DataError: Not one of them is about the checkpoint's answers.
        """
        source = self._source(job)
        if source:
            import_judgments(source, job.judge, job.benchmark, self.models)
        judge = partial(job.opened, self.models)
        name = job.name
        planned = plan(name, job.benchmark, job.model, job.judge, judge, self.assets)
        if source and not planned.to_answer and planned.to_judge == planned.undecided > 0:
            raise DataError(
                f"expected judgments of the answers of '{name}' in {source}, none of "
                f"{planned.undecided} fits; are they of another model?"
            )
        return planned

    def plan_baseline(self) -> list[Plan]:
        """What a baseline of one's own would be asked on each benchmark."""
        name = self.request.baseline
        if name is None:
            return []
        opponent = Checkpoint(name="baseline", model=name)
        return [
            plan_answers(opponent.name, benchmark, model, self.assets)
            for benchmark in self._benchmarks()
            for model in self.models.of_checkpoint(opponent, [benchmark])
        ]

    def classes(self, jobs: Sequence[Job]) -> dict[str, Classes]:
        """The classes of the benchmark's prompts; none unless they were asked for.

        Raises:
            SpecError: There are several benchmarks.
        """
        by, benchmarks = self.request.by, {job.benchmark.card.label: job.benchmark for job in jobs}
        if by is None:
            return {}
        if len(benchmarks) > 1:
            raise SpecError(f"expected one benchmark with --by, came {', '.join(benchmarks)}")
        return read_classes(by, jobs[0].benchmark, self.assets)

    def show(self, jobs: Sequence[Job], plans: Sequence[Plan]) -> list[str]:
        """What looks wrong in prompts still to answer is told; all are shown, if asked for.

        Returns:
            A digest of the prompts that each job was shown to ask; empty where none was.
        """
        digests = [self._shown(job) for job in jobs]
        told = {
            f"{job.name}: {line}": None
            for job, planned in zip(jobs, plans, strict=True)
            if planned.to_answer and not job.sample
            for line in warnings(job.model, load(job.benchmark, self.assets))
        }
        for line in told:
            self.setting.note(line)
        return digests

    def _shown(self, job: Job) -> str:
        if not self.request.show_prompts or job.sample:
            return ""
        prompts = load(job.benchmark, self.assets)
        return show_prompts(job.name, job.model, prompts, self.setting)

    def bought(
        self, jobs: Sequence[Job], watch: Watch, shown: Sequence[str]
    ) -> list[tuple[str, Result]]:
        """All results by checkpoint: first all answers, then all judgments, under watch.

        Args:
            jobs: In order.
            watch: Over the judges.
            shown: From `show`.
        """
        answers = _with_shown(self.answers(jobs), shown)
        watch.begin()
        answers = self.needed(jobs, answers)
        if self.request.batch:
            self.judge_at_once(jobs, answers)
            few = [one for both in zip(jobs, answers, strict=True) for one in self._few(*both)]
            self.judge_at_once([job for job, _ in few], [given for _, given in few])
        return watch.end(self.results(jobs, answers))

    def answers(self, jobs: Sequence[Job]) -> list[Answers]:
        """All answers, before anything is judged.

        A model that has given its last is closed: a GPU holds one checkpoint after the other, then
        the judge.
        """
        if self.request.batch:
            asked = [(job.model, load(job.benchmark, self.assets)) for job in jobs]
            ask_at_once(asked, lambda model: Shown(model, Board(self.setting.err), "answering all"))
        return [self._closing(self._answer, job, after) for job, after in _with_next(jobs)]

    def judge_at_once(self, jobs: Sequence[Job], answers: Sequence[Answers]) -> None:
        """Buys by batch what the judges will be asked, of all checkpoints together."""
        asked = [
            (question.model, question.prompts)
            for job, given in zip(jobs, answers, strict=True)
            for question in questions(
                partial(job.opened, self.models),
                job.benchmark.compare(given.generations, self.assets),
            )
        ]
        ask_at_once(asked, lambda model: Shown(model, Board(self.setting.err), "judging all"))

    def results(self, jobs: Sequence[Job], answers: Sequence[Answers]) -> list[tuple[str, Result]]:
        """All results by checkpoint, each saved at once; one that judged itself is closed again."""
        given = iter(answers)
        named = {job.place: one for job, one in zip(jobs, answers, strict=True)}
        return [
            self._closing(lambda one: self._grade(one, next(given), named), job, after)
            for job, after in _with_next(jobs)
        ]

    def stopped(self, jobs: Sequence[Job]) -> BudgetError:
        """What the run ends with when its budget does; what it has bought is shown."""
        rows = [self._bought(job) for job in jobs]
        self.setting.show([bought_table(rows), *bill(self.models.store.spend(self.models.run))])
        spent = self.models.store.owed(self.models.run)
        plans = [self.plan(job) for job in (*jobs, *self.golden(jobs))]
        return stopped(self.request.budget or 0.0, spent, plans, rows, batch=self.request.batch)

    def _bought(self, job: Job) -> Bought:
        judge = partial(job.opened, self.models)
        answers = Known(job.model).generate(load(job.benchmark, self.assets))
        return bought(job.name, job.benchmark, answers, judge, self.assets)

    def _closing(self, work: Callable[[Job], T], job: Job, after: Job | None) -> T:
        done = work(job)
        if after is None or after.model is not job.model:
            close(job.model)
        return done

    def _answer(self, job: Job) -> Answers:
        label = f"{job.name}: answering"
        shown = Shown(job.model, Board(self.setting.err), label)
        return answer(job.benchmark, shown, self.assets)

    def audits(self) -> list[Table]:
        """Of the checkpoints that judged themselves, if any did."""
        return [judge_eval_table(SELF, self.audited)] if self.audited else []

    def watch(self, jobs: Sequence[Job]) -> Watch:
        """A canary for each judge that is asked; none unless it was asked for."""
        asked = {job.benchmark.card.label: job for job in jobs} if self.request.canary else {}
        return watching(
            {
                label: canary_of(job.benchmark, job.judge, self.models, job.model)
                for label, job in asked.items()
            }
        )

    def _grade(
        self, job: Job, answers: Answers, named: Mapping[tuple[str | None, str], Answers]
    ) -> tuple[str, Result]:
        board, name = Board(self.setting.err), job.name

        def shown(model: Model, rubric: Rubric) -> Model:
            return Shown(model, board, f"{name}: judging", rubric.read)

        judge = job.opened(self.models, shown)
        result = grade(job.benchmark, answers, judge, self.assets)
        if self.request.until_decided and job.judge != EXACT:
            result = marked_stopped(result, len(load(job.benchmark, self.assets)))
        for golden, few in self._few(job, answers):
            better = golden.opened(self.models, shown)
            said = better(golden.benchmark.compare(few.generations, self.assets))
            result = gilded(result, golden.benchmark.items(said), better)
        parent = named.get((job.checkpoint.parent, job.benchmark.card.label))
        judged = job.judge != EXACT
        suspected = suspicions(answers, result.verdicts, parent) if judged else []
        self.audited.extend(self._audit(job))
        marked = _marked(job.checkpoint, _placed(job, result), suspected)
        save_result(self.folder, name, job.benchmark, marked)
        return name, marked

    def needed(self, jobs: Sequence[Job], answers: list[Answers]) -> list[Answers]:
        """The answers that are judged: all, unless judging stops when it is decided."""
        if not self.request.until_decided:
            return answers
        board = Board(self.setting.err)

        def shown(model: Model, rubric: Rubric) -> Model:
            return Shown(model, board, "judging until decided", rubric.read)

        sides = [
            Side(
                Step(c.name, c.iteration, c.parent, c.method, c.trained_by_judge),
                job.benchmark,
                given,
                job.opened(self.models, shown),
            )
            for job, given in zip(jobs, answers, strict=True)
            for c in [job.checkpoint]
        ]
        return judged_as_needed(sides, self.assets, self.setting.note)

    def _few(self, job: Job, answers: Answers) -> Iterator[tuple[Job, Answers]]:
        """What the better judge decides about, with the answers; nothing unless one was named."""
        for golden in self.golden([job]):
            ids = {prompt.id for prompt in load(golden.benchmark, self.assets)}
            few = [one for one in answers.generations if one.prompt.id in ids]
            yield golden, answers._replace(generations=few)

    def _audit(self, job: Job) -> Iterator[Findings]:
        """How far a checkpoint that judges itself can be trusted to judge."""
        if not job.is_audited:
            return
        label, board = job.benchmark.card.label, Board(self.setting.err)
        for sitting in audit(job.judge, job.model, self.models, rubric=label):
            found = sitting.find(board, attack=False)
            yield found._replace(trial=f"{job.checkpoint.name}: {found.trial}")

    def _benchmarks(self) -> list[Benchmark]:
        asked, decoding, limit = self.request.benchmarks, self.request.decoding, self.request.limit
        return [named_benchmark(name, self.series, decoding, limit) for name in asked]

    def _opposed(self, benchmark: Benchmark) -> Benchmark:
        name = self.request.baseline
        return benchmark if name is None else opposed(benchmark, self._baseline(name, benchmark))

    def _baseline(self, name: str, benchmark: Benchmark) -> Answers:
        """What the named baseline answers; a dry run asks it nothing."""
        opponent = Checkpoint(name="baseline", model=name)
        (model,) = self.models.of_checkpoint(opponent, [benchmark])
        if self.request.dry_run:
            foreseen = foresee(benchmark, model, self.assets, place=2)
            return Answers(model.name, model.identity, foreseen)
        shown = Shown(model, Board(self.setting.err), "baseline: answering")
        answers = answer(benchmark, shown, self.assets)
        close(model)
        return answers

    def _judge(self, benchmark: Benchmark) -> str:
        return judge_name(benchmark, self.request.judge, self.series.judge)

    def _source(self, job: Job) -> str | None:
        """Published judgments to import: a series' own are by the official judge."""
        if self.models.doors.complete or job.sample:
            return None
        official = job.judge == job.benchmark.card.judge
        if job.checkpoint.judgments and not official:
            self.setting.note(
                f"{job.checkpoint.name}: published judgments left out, a series' own are by the "
                f"official judge; --judgments takes those of another"
            )
            return None
        return job.checkpoint.judgments or self.request.judgments


def _with_shown(answers: Sequence[Answers], digests: Sequence[str]) -> list[Answers]:
    """The answers, with the digest of what was shown before them in the model's identity."""
    return [
        one._replace(identity={**one.identity, "first prompts sha256": digest}) if digest else one
        for one, digest in zip(answers, digests, strict=True)
    ]


def _with_next(jobs: Sequence[Job]) -> Iterator[tuple[Job, Job | None]]:
    return zip(jobs, [*jobs[1:], None], strict=True)


def _placed(job: Job, result: Result) -> Result:
    """The result, with the checkpoint's place in its series as part of its identity."""
    kept = {"iteration", "parent", "method", "trained_by_judge"}
    facts = job.checkpoint.model_dump(include=kept)
    place = {f"model {key}": str(value) for key, value in facts.items() if value is not None}
    whose = {SAMPLE_OF: job.checkpoint.name} if job.sample else {}
    return replace(result, identity={**result.identity, **place, **whose})


def _marked(checkpoint: Checkpoint, result: Result, suspected: Sequence[str]) -> Result:
    """The result, with what the series and its answers give reason to doubt on its main score."""
    return doubted(result, [*suspected, *doubts(checkpoint, result.judge)])
