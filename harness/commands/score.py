"""`score`: checkpoints through benchmarks, to a table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from harness import registry
from harness.classes import Classes
from harness.commands.at_once import ask_at_once
from harness.commands.budget import Bought, Known, bought, bought_table, stopped
from harness.commands.canary import canary_of
from harness.commands.classify import read_classes
from harness.commands.doors import Doors
from harness.commands.foreseen import foresee
from harness.commands.gold import gilded
from harness.commands.judge_eval import audit
from harness.commands.models import (
    EXACT,
    SELF,
    Buying,
    Models,
    bill,
    doubts,
    judge_name,
    named_benchmark,
    named_series,
    run_name,
)
from harness.commands.plan import Plan, plan, plan_answers, plan_table, probe, questions, retired
from harness.commands.provenance import provenance
from harness.commands.report import report_run
from harness.commands.runs import PROVENANCE
from harness.commands.screening import suspicions
from harness.commands.setting import Setting
from harness.commands.shown import show_prompts, warnings
from harness.commands.until import Side, judged_as_needed, marked_stopped
from harness.commands.watching import Watch, doubted, watching
from harness.errors import BudgetError, DataError, SpecError
from harness.judging import asking, judge_prompt
from harness.names import takes_part
from harness.pipeline import Answers, Result, answer, grade, load, opposed, sampled
from harness.published import published
from harness.report.breakdown import breakdown_data, breakdown_table
from harness.report.judge_eval import Findings, judge_eval_data, judge_eval_table
from harness.report.progress import Board, Shown
from harness.report.save import document, prepare, save_result, write_json, write_text
from harness.report.scores import parts_tables, results_table
from harness.report.story import Step
from harness.report.table import Table, to_markdown
from harness.rows import read_files
from harness.spec import Checkpoint, Series
from harness.store import Store
from harness.types import (
    Assets,
    Benchmark,
    Generation,
    Model,
    ModelOptions,
    Prompt,
    Response,
    Rows,
    Rubric,
    Unread,
    close,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRequest:
    """What the user asked for."""

    what: Sequence[str]
    """One series file, or model names."""
    benchmarks: Sequence[str]
    judge: str | None = None
    gold_judge: str | None = None
    """A better judge, asked about a few prompts alone."""
    gold_n: int = 100
    """About how many."""
    baseline: str | None = None
    """A model whose answers take the place of the published baseline's."""
    limit: int | None = None
    by: str | None = None
    """A file of classes of the prompts, by which results are broken down."""
    judgments: str | None = None
    """Published judgments of the one model, imported rather than bought again."""
    decoding: Mapping[str, float | None] = field(default_factory=dict)
    """Fields of the candidates' decoding that are set here; None leaves them as they are."""
    options: ModelOptions = field(default_factory=ModelOptions)
    store: Path = Path("results/store.sqlite")
    out: Path = Path("results")
    dry_run: bool = False
    show_prompts: bool = False
    """Whether the first prompts are printed, and their digest becomes part of the identity."""
    budget: float | None = None
    """USD that all that was ever asked under the run's name may cost."""
    batch: bool = False
    """Whether providers that sell batches are asked by batch."""
    until_decided: bool = False
    """Whether no more prompts are judged than decide who is better than the one before."""
    items: bool = False
    canary: bool = False
    """Whether each judge is asked pinned questions before and after the run."""

    def deciding(self) -> dict[str, Any]:
        """What of it decides the scores, as data."""
        kept = ["what", "benchmarks", "judge", "baseline", "limit", "decoding", "options"]
        everything = asdict(self)
        return {key: everything[key] for key in (*kept, "gold_judge", "gold_n", "until_decided")}


class _Job(NamedTuple):
    """One checkpoint on one benchmark."""

    checkpoint: Checkpoint
    benchmark: Benchmark
    judge: str
    model: Model
    """The checkpoint's own."""


def score(request: ScoreRequest, setting: Setting) -> list[Table]:
    """Scores every checkpoint on every benchmark; returns the tables that it printed.

    Raises:
        HarnessError: Something asked for is not to be had; what was answered so far is stored.
    """
    series = named_series(request.what)
    if not request.benchmarks:
        raise SpecError("expected benchmarks after -b, came none; run_eval.py list names them")
    prepare(request.out)
    _check_until(request, series)
    with Store(request.store) as store:
        run = _open(request, setting, series, store)
        jobs = run.jobs()
        classes = run.classes(jobs)
        plans = [run.plan(job) for job in jobs]
        shown = run.show(jobs, plans)
        plans += [run.plan(job) for job in run.golden(jobs)]
        if request.dry_run:
            plans = [p.quoted(exact=True) for p in (*run.plan_baseline(), *plans)]
            return _finish(setting, [plan_table(plans)], {"plan": [p.data() for p in plans]})
        for line in retired(plans):
            setting.note(line)
        watch = run.watch(jobs)
        try:
            probe(plans)
            results = run.bought(jobs, watch, shown)
        except BudgetError as error:
            raise run.stopped(jobs) from error
        broken, data = _broken_down(results, classes)
        paid = bill(store.spend(run.models.run))
        tables = [*_tables(results), *broken, *run.audits(), *watch.tables(), *paid]
        _save(run.folder, tables, results)
        made = provenance(request.deciding(), series, run.models.doors.opened, results)
        write_json(run.folder / PROVENANCE, {**made, "canary": watch.doubts()})
        setting.note(f"written to {run.folder}")
        for line in _beside(run.folder, results):
            setting.note(line)
        told = report_run(run.folder, setting, classes)
        audits = {"audit": judge_eval_data(SELF, run.audited)} if run.audited else {}
        whole = {**document(results, items=request.items), **data, **audits, **watch.data()}
        return _finish(setting, [*tables, *told], whole)


class Again(NamedTuple):
    """A saved run that is scored again from answers that are at hand."""

    request: ScoreRequest
    series: Series
    store: Store
    doors: Doors
    assets: Assets
    canary: Mapping[str, Sequence[str]]
    """What canaries gave reason to doubt, by benchmark: they cannot be asked again."""


def score_again(again: Again, setting: Setting) -> Path:
    """Scores a saved run again, nobody asked; returns the folder that it is written to.

    Raises:
        HarnessError: Something that the run used is not at hand.
    """
    run = _open(again.request, setting, again.series, again.store, again)
    jobs = run.jobs()
    results = [
        (name, doubted(result, again.canary.get(result.card.label, ())))
        for name, result in run.results(jobs, run.needed(jobs, run.answers(jobs)))
    ]
    _save(run.folder, _tables(results), results)
    return run.folder


def _open(
    request: ScoreRequest,
    setting: Setting,
    series: Series,
    store: Store,
    again: Again | None = None,
) -> "_Run":
    """The run, called by the series and what is asked of it, so that none overwrites another."""
    options, assets = request.options, again.assets if again else setting.library()
    settings = [request.benchmarks, request.judge, request.limit, options.chat_template]
    against = [] if request.baseline is None else [request.baseline]
    decoding = sorted(request.decoding.items())
    gold = [] if request.gold_judge is None else [request.gold_judge, request.gold_n]
    until = ["until decided"] if request.until_decided else []
    name = run_name(series, settings, options.dtype, decoding, *against, *gold, *until)
    buying = Buying(request.budget, request.batch, setting.note)
    doors = again.doors if again else Doors()
    models = Models(options, assets, store, name, buying, doors=doors)
    return _Run(request, setting, series, models)


@dataclass(frozen=True, slots=True)
class _Run:
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

    def jobs(self) -> list[_Job]:
        """Every checkpoint on every benchmark.

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
        return [
            _Job(checkpoint, benchmark, self._judge(benchmark), model)
            for checkpoint, models in zip(checkpoints, opened, strict=True)
            for benchmark, model in zip(opposing, models, strict=True)
        ]

    def golden(self, jobs: Sequence[_Job]) -> list[_Job]:
        """What the better judge decides about, if one was named: a few prompts of each job."""
        name, n = self.request.gold_judge, self.request.gold_n
        if name is None:
            return []
        return [
            job._replace(benchmark=sampled(job.benchmark, n), judge=name)
            for job in jobs
            if job.judge != EXACT
        ]

    def plan(self, job: _Job) -> Plan:
        """What the job would ask; judgments that are already paid for are imported first.

        Raises:
            DataError: Not one of them is about the checkpoint's answers.
        """
        source = self._source(job)
        if source:
            self._import(job, source)
        judge = partial(self.models.judge, job.judge, job.benchmark, job.model)
        name = job.checkpoint.name
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

    def classes(self, jobs: Sequence[_Job]) -> dict[str, Classes]:
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

    def show(self, jobs: Sequence[_Job], plans: Sequence[Plan]) -> list[str]:
        """What looks wrong in prompts still to answer is told; all are shown, if asked for.

        Returns:
            A digest of the prompts that each job was shown to ask; empty where none was.
        """
        digests = [self._shown(job) for job in jobs]
        told = {
            f"{job.checkpoint.name}: {line}": None
            for job, planned in zip(jobs, plans, strict=True)
            if planned.to_answer
            for line in warnings(job.model, load(job.benchmark, self.assets))
        }
        for line in told:
            self.setting.note(line)
        return digests

    def _shown(self, job: _Job) -> str:
        if not self.request.show_prompts:
            return ""
        prompts = load(job.benchmark, self.assets)
        return show_prompts(job.checkpoint.name, job.model, prompts, self.setting)

    def bought(
        self, jobs: Sequence[_Job], watch: Watch, shown: Sequence[str]
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

    def answers(self, jobs: Sequence[_Job]) -> list[Answers]:
        """All answers, before anything is judged.

        A model that has given its last is closed: a GPU holds one checkpoint after the other, then
        the judge.
        """
        if self.request.batch:
            asked = [(job.model, load(job.benchmark, self.assets)) for job in jobs]
            ask_at_once(asked, lambda model: Shown(model, Board(self.setting.err), "answering all"))
        return [self._closing(self._answer, job, after) for job, after in _with_next(jobs)]

    def judge_at_once(self, jobs: Sequence[_Job], answers: Sequence[Answers]) -> None:
        """Buys by batch what the judges will be asked, of all checkpoints together."""
        asked = [
            (question.model, question.prompts)
            for job, given in zip(jobs, answers, strict=True)
            for question in questions(
                partial(self.models.judge, job.judge, job.benchmark, job.model),
                job.benchmark.compare(given.generations, self.assets),
            )
        ]
        ask_at_once(asked, lambda model: Shown(model, Board(self.setting.err), "judging all"))

    def results(self, jobs: Sequence[_Job], answers: Sequence[Answers]) -> list[tuple[str, Result]]:
        """All results by checkpoint, each saved at once; one that judged itself is closed again."""
        given = iter(answers)
        named = {_place(job): one for job, one in zip(jobs, answers, strict=True)}
        return [
            self._closing(lambda one: self._grade(one, next(given), named), job, after)
            for job, after in _with_next(jobs)
        ]

    def stopped(self, jobs: Sequence[_Job]) -> BudgetError:
        """What the run ends with when its budget does; what it has bought is shown."""
        rows = [self._bought(job) for job in jobs]
        self.setting.show([bought_table(rows), *bill(self.models.store.spend(self.models.run))])
        spent, plans = self.models.store.owed(self.models.run), [self.plan(job) for job in jobs]
        return stopped(self.request.budget or 0.0, spent, plans, rows, batch=self.request.batch)

    def _bought(self, job: _Job) -> Bought:
        judge = partial(self.models.judge, job.judge, job.benchmark, job.model)
        answers = Known(job.model).generate(load(job.benchmark, self.assets))
        return bought(job.checkpoint.name, job.benchmark, answers, judge, self.assets)

    def _closing(self, work: Callable[[_Job], T], job: _Job, after: _Job | None) -> T:
        done = work(job)
        if after is None or after.model is not job.model:
            close(job.model)
        return done

    def _answer(self, job: _Job) -> Answers:
        label = f"{job.checkpoint.name}: answering"
        shown = Shown(job.model, Board(self.setting.err), label)
        return answer(job.benchmark, shown, self.assets)

    def audits(self) -> list[Table]:
        """Of the checkpoints that judged themselves, if any did."""
        return [judge_eval_table(SELF, self.audited)] if self.audited else []

    def watch(self, jobs: Sequence[_Job]) -> Watch:
        """A canary for each judge that is asked; none unless it was asked for."""
        asked = {job.benchmark.card.label: job for job in jobs} if self.request.canary else {}
        return watching(
            {
                label: canary_of(job.benchmark, job.judge, self.models, job.model)
                for label, job in asked.items()
            }
        )

    def _grade(
        self, job: _Job, answers: Answers, named: Mapping[tuple[str | None, str], Answers]
    ) -> tuple[str, Result]:
        board, name = Board(self.setting.err), job.checkpoint.name

        def shown(model: Model, rubric: Rubric) -> Model:
            return Shown(model, board, f"{name}: judging", rubric.read)

        judge = self.models.judge(job.judge, job.benchmark, job.model, shown)
        result = grade(job.benchmark, answers, judge, self.assets)
        if self.request.until_decided and job.judge != EXACT:
            result = marked_stopped(result, len(load(job.benchmark, self.assets)))
        for golden, few in self._few(job, answers):
            better = self.models.judge(golden.judge, golden.benchmark, golden.model, shown)
            said = better(golden.benchmark.compare(few.generations, self.assets))
            result = gilded(result, golden.benchmark.items(said), better)
        parent = named.get((job.checkpoint.parent, job.benchmark.card.label))
        judged = job.judge != EXACT
        suspected = suspicions(answers, result.verdicts, parent) if judged else []
        self.audited.extend(self._audit(job))
        marked = _marked(job.checkpoint, _placed(job.checkpoint, result), suspected)
        save_result(self.folder, name, job.benchmark, marked)
        return name, marked

    def needed(self, jobs: Sequence[_Job], answers: list[Answers]) -> list[Answers]:
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
                self.models.judge(job.judge, job.benchmark, job.model, shown),
            )
            for job, given in zip(jobs, answers, strict=True)
            for c in [job.checkpoint]
        ]
        return judged_as_needed(sides, self.assets, self.setting.note)

    def _few(self, job: _Job, answers: Answers) -> Iterator[tuple[_Job, Answers]]:
        """What the better judge decides about, with the answers; nothing unless one was named."""
        for golden in self.golden([job]):
            ids = {prompt.id for prompt in load(golden.benchmark, self.assets)}
            few = [one for one in answers.generations if one.prompt.id in ids]
            yield golden, answers._replace(generations=few)

    def _audit(self, job: _Job) -> Iterator[Findings]:
        """How far a checkpoint that judges itself can be trusted to judge."""
        if not takes_part(SELF, job.judge):
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

    def _source(self, job: _Job) -> str | None:
        """Published judgments to import: a series' own are by the official judge."""
        if self.models.doors.complete:
            return None
        official = job.judge == job.benchmark.card.judge
        if job.checkpoint.judgments and not official:
            self.setting.note(
                f"{job.checkpoint.name}: published judgments left out, by another judge"
            )
            return None
        return job.checkpoint.judgments or self.request.judgments

    def _import(self, job: _Job, source: str) -> None:
        rubric = asking(job.benchmark.grader(self.assets))
        identity = self.models.of_judge(job.judge, job.benchmark, rubric).identity
        for name, rows in read_files(source, self.assets).items():
            self.models.store.put(identity, self._judged(job, rubric, rows, name), source=name)

    def _judged(
        self, job: _Job, rubric: Rubric, rows: Rows, name: str
    ) -> dict[Prompt, list[Response]]:
        """What the job's judge said of its prompts, as far as it can be read."""
        judgments = job.benchmark.files.read_judgments(rows, self.assets)
        others = {one.judge for one in judgments} - {job.judge}
        if others or not judgments:
            came = f"by '{min(others)}'" if others else "without the judge's raw answers"
            raise DataError(
                f"expected judgments by '{job.judge}' in {name}, came some {came}; name "
                f"another judge with -j, or other judgments"
            )
        answers = {judge_prompt(rubric, one.comparison): one.raw for one in judgments}
        return {
            prompt: [raw]
            for prompt, raw in answers.items()
            if not isinstance(rubric.read(Generation(prompt, "", (raw,))), Unread)
        }


def _check_until(request: ScoreRequest, series: Series) -> None:
    """What cannot stop on the way.

    Raises:
        SpecError: It was asked to.
    """
    if not request.until_decided:
        return
    judge = request.judge or series.judge or ""
    together = {"--batch": request.batch, "--gold-judge": request.gold_judge is not None}
    wrong = [name for name, given in together.items() if given]
    wrong += ["a checkpoint as its own judge"] if takes_part(SELF, judge) else []
    wrong += ["a single checkpoint"] if len(series.checkpoints) < 2 else []
    rating = [b for b in request.benchmarks if registry.benchmark(b).duel is not None]
    wrong += [f"{name}, which rates answers" for name in rating]
    if wrong:
        raise SpecError(
            f"expected --until-decided with preferences of several checkpoints by another judge, "
            f"came {', '.join(wrong)}; leave it out"
        )


def _with_shown(answers: Sequence[Answers], digests: Sequence[str]) -> list[Answers]:
    """The answers, with the digest of what was shown before them in the model's identity."""
    return [
        one._replace(identity={**one.identity, "first prompts sha256": digest}) if digest else one
        for one, digest in zip(answers, digests, strict=True)
    ]


def _with_next(jobs: Sequence[_Job]) -> Iterator[tuple[_Job, _Job | None]]:
    return zip(jobs, [*jobs[1:], None], strict=True)


def _placed(checkpoint: Checkpoint, result: Result) -> Result:
    """The result, with the checkpoint's place in its series as part of its identity."""
    facts = checkpoint.model_dump(include={"iteration", "parent", "method", "trained_by_judge"})
    place = {f"model {key}": str(value) for key, value in facts.items() if value is not None}
    return replace(result, identity={**result.identity, **place})


def _place(job: _Job) -> tuple[str | None, str]:
    return job.checkpoint.name, job.benchmark.card.label


def _marked(checkpoint: Checkpoint, result: Result, suspected: Sequence[str]) -> Result:
    """The result, with what the series and its answers give reason to doubt on its main score."""
    return doubted(result, [*suspected, *doubts(checkpoint, result.judge)])


def _tables(results: Sequence[tuple[str, Result]]) -> list[Table]:
    labels = dict.fromkeys(result.card.label for _, result in results)
    rows = [[r for r in results if r[1].card.label == label] for label in labels]
    return [table for some in rows for table in (results_table(some), *parts_tables(some))]


def _broken_down(
    results: Sequence[tuple[str, Result]], classes: Mapping[str, Classes]
) -> tuple[list[Table], dict[str, object]]:
    """The results by class, as a table and as data; neither without classes."""
    if not classes:
        return [], {}
    return [breakdown_table(results, classes)], {"by_class": breakdown_data(results, classes)}


def _save(folder: Path, tables: Sequence[Table], results: Sequence[tuple[str, Result]]) -> None:
    write_json(folder / "scores.json", document(results, items=True))
    write_text(folder / "table.md", "\n".join(map(to_markdown, tables)))


def _beside(folder: Path, results: Sequence[tuple[str, Result]]) -> Iterator[str]:
    """Where papers print what was scored, and what shows their numbers beside these."""
    for label in dict.fromkeys(result.card.label for _, result in results):
        if tables := published().printing(label):
            told = f", {', '.join(tables[1:])} too" if tables[1:] else ""
            yield (
                f"papers' numbers of {label} beside these: reproduce {tables[0]} --runs {folder} "
                f"--as CHECKPOINT=ROW{told}"
            )


def _finish(setting: Setting, tables: list[Table], data: dict[str, object]) -> list[Table]:
    setting.show(tables)
    setting.keep(data)
    return tables
