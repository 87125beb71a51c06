"""`score`: checkpoints through benchmarks, to a table."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from harness import registry
from harness.commands.foreseen import foresee
from harness.commands.models import (
    Models,
    bill,
    doubts,
    is_remote,
    named_benchmark,
    named_series,
    run_name,
)
from harness.commands.plan import Plan, plan, plan_table, retired
from harness.commands.setting import Setting
from harness.errors import DataError, SpecError
from harness.judging import judge_prompt, require
from harness.pipeline import Answers, Result, answer, grade, opposed
from harness.report.progress import Board, Shown
from harness.report.save import document, prepare, save_result, write_json, write_text
from harness.report.scores import results_table
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
    Unread,
    close,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRequest:
    """What the user asked for."""

    what: Sequence[str]
    """One series file, or model names."""
    benchmarks: Sequence[str]
    judge: str | None = None
    baseline: str | None = None
    """A model whose answers take the place of the published baseline's."""
    limit: int | None = None
    judgments: str | None = None
    """Published judgments of the one model, imported rather than bought again."""
    decoding: Mapping[str, float | None] = field(default_factory=dict)
    """Fields of the candidates' decoding that are set here; None leaves them as they are."""
    options: ModelOptions = field(default_factory=ModelOptions)
    store: Path = Path("results/store.sqlite")
    out: Path = Path("results")
    dry_run: bool = False
    items: bool = False


@dataclass(frozen=True, slots=True)
class _Job:
    """One checkpoint on one benchmark."""

    checkpoint: Checkpoint
    benchmark: Benchmark
    judge_name: str
    judge_model: Model


def score(request: ScoreRequest, setting: Setting) -> list[Table]:
    """Scores every checkpoint on every benchmark; returns the tables that it printed.

    Raises:
        HarnessError: Something asked for is not to be had; what was answered so far is stored.
    """
    series = named_series(request.what)
    if not request.benchmarks:
        raise SpecError("expected benchmarks after -b, came none; run_eval.py list names them")
    prepare(request.out)
    with Store(request.store) as store:
        run = _Run(request, setting, series, store, setting.library())
        jobs, models = run.jobs()
        plans = [run.plan(*pair) for pair in zip(jobs, models, strict=True)]
        if request.dry_run:
            plans = [*run.plan_baseline(), *plans]
            return _finish(setting, [plan_table(plans)], {"plan": [asdict(p) for p in plans]})
        run.check_judges(jobs, plans)
        answers = run.answers(jobs, models)
        results = [run.grade(*pair) for pair in zip(jobs, answers, strict=True)]
        tables = [*_tables(results), *bill(store.spend(run.name))]
        _save(run.folder, tables, results)
        setting.note(f"written to {run.folder}")
        return _finish(setting, tables, document(results, items=request.items))


@dataclass(frozen=True, slots=True)
class _Run:
    request: ScoreRequest
    setting: Setting
    series: Series
    store: Store
    assets: Assets

    @property
    def name(self) -> str:
        """The series with a digest of what is asked of it, so that no run overwrites another."""
        request, options = self.request, self.request.options
        settings = [request.benchmarks, request.judge, request.limit, options.chat_template]
        against = [] if request.baseline is None else [request.baseline]
        decoding = sorted(request.decoding.items())
        return run_name(self.series, settings, options.dtype, decoding, *against)

    @property
    def folder(self) -> Path:
        """Where the run writes."""
        return self.request.out / self.name

    def jobs(self) -> tuple[list[_Job], deque[Model]]:
        """Every checkpoint on every benchmark, and the model of each.

        A name that nothing answers to fails here.
        """
        benchmarks, checkpoints = self._benchmarks(), self.series.checkpoints
        judges = [self._judge(benchmark) for benchmark in benchmarks]
        opened = [self._models.of_checkpoint(c, benchmarks) for c in checkpoints]
        opposing = [self._opposed(benchmark) for benchmark in benchmarks]  # may ask, so it is last
        judged = [(b, *judge) for b, judge in zip(opposing, judges, strict=True)]
        jobs = [_Job(checkpoint, *pair) for checkpoint in checkpoints for pair in judged]
        return jobs, deque(model for models in opened for model in models)

    def plan(self, job: _Job, model: Model) -> Plan:
        """What the job would ask; judgments that are already paid for are imported first.

        Raises:
            DataError: Not one of them is about the checkpoint's answers.
        """
        source = self._source(job)
        if source:
            self._import(job, source)
        planned = plan(job.checkpoint.name, job.benchmark, model, job.judge_model, self.assets)
        if source and not planned.to_answer and planned.to_judge == planned.undecided > 0:
            raise DataError(
                f"expected judgments of the answers of '{job.checkpoint.name}' in {source}, none "
                f"of {planned.undecided} fits; are they of another model?"
            )
        return planned

    def plan_baseline(self) -> list[Plan]:
        """What a baseline of one's own would be asked on each benchmark."""
        name = self.request.baseline
        if name is None:
            return []
        opponent = Checkpoint(name="baseline", model=name)
        models = self._models
        return [
            plan(opponent.name, replace(b, compare=lambda _answers, _assets: []), model, judge, a)
            for b in self._benchmarks()
            for (model,) in [models.of_checkpoint(opponent, [b])]
            for (_, judge), a in [(self._judge(b), self.assets)]
        ]

    def check_judges(self, jobs: Sequence[_Job], plans: Sequence[Plan]) -> None:
        """Probes each hosted judge that will be asked, before anything else is spent.

        A local one would take the memory that the checkpoints need first.
        """
        for line in retired(plans):
            self.setting.note(line)
        asked = {
            (job.judge_name, job.benchmark.card.label): job
            for job, planned in zip(jobs, plans, strict=True)
            if planned.to_judge and is_remote(job.judge_model)
        }
        for job in asked.values():
            require(job.judge_model, job.benchmark.rubric(self.assets))

    def answer(self, job: _Job, model: Model) -> Answers:
        """The checkpoint's answers."""
        shown = Shown(model, Board(self.setting.err), f"{job.checkpoint.name}: answering")
        return answer(job.benchmark, shown, self.assets)

    def answers(self, jobs: Sequence[_Job], models: deque[Model]) -> list[Answers]:
        """All answers, before anything is judged.

        A model that has given its last is closed: a GPU holds one checkpoint after the other, then
        the judge.
        """
        answers = []
        for job in jobs:
            model = models.popleft()
            answers.append(self.answer(job, model))
            if not (models and models[0] is model):
                close(model)
        return answers

    def grade(self, job: _Job, answers: Answers) -> tuple[str, Result]:
        """The checkpoint's result by name, saved at once."""
        board, name = Board(self.setting.err), job.checkpoint.name
        rubric = job.benchmark.rubric(self.assets)
        judge_model = Shown(job.judge_model, board, f"{name}: judging", rubric.read)
        judge = registry.judge(job.judge_name, rubric, judge_model)
        result = grade(job.benchmark, answers, judge, self.assets)
        marked = _marked(job.checkpoint, _placed(job.checkpoint, result))
        save_result(self.folder, name, job.benchmark, marked)
        return name, marked

    @property
    def _models(self) -> Models:
        return Models(self.request.options, self.assets, self.store, self.name)

    def _benchmarks(self) -> list[Benchmark]:
        asked, decoding, limit = self.request.benchmarks, self.request.decoding, self.request.limit
        return [named_benchmark(name, self.series, decoding, limit) for name in asked]

    def _opposed(self, benchmark: Benchmark) -> Benchmark:
        name = self.request.baseline
        return benchmark if name is None else opposed(benchmark, self._baseline(name, benchmark))

    def _baseline(self, name: str, benchmark: Benchmark) -> Answers:
        """What the named baseline answers; a dry run asks it nothing."""
        opponent = Checkpoint(name="baseline", model=name)
        (model,) = self._models.of_checkpoint(opponent, [benchmark])
        if self.request.dry_run:
            foreseen = foresee(benchmark, model, self.assets, place=2)
            return Answers(model.name, model.identity, foreseen)
        shown = Shown(model, Board(self.setting.err), "baseline: answering")
        answers = answer(benchmark, shown, self.assets)
        close(model)
        return answers

    def _judge(self, benchmark: Benchmark) -> tuple[str, Model]:
        name = self.request.judge or self.series.judge or benchmark.card.judge
        return name, self._models.of_judge(name, benchmark)

    def _source(self, job: _Job) -> str | None:
        """Published judgments to import: a series' own are by the official judge."""
        official = job.judge_name == job.benchmark.card.judge
        if job.checkpoint.judgments and not official:
            self.setting.note(
                f"{job.checkpoint.name}: published judgments left out, by another judge"
            )
            return None
        return job.checkpoint.judgments or self.request.judgments

    def _import(self, job: _Job, source: str) -> None:
        for name, rows in read_files(source, self.assets).items():
            self.store.put(job.judge_model.identity, self._judged(job, rows, name), source=name)

    def _judged(self, job: _Job, rows: Rows, name: str) -> dict[Prompt, list[Response]]:
        """What the job's judge said of its prompts, as far as it can be read."""
        rubric = job.benchmark.rubric(self.assets)
        judgments = job.benchmark.files.read_judgments(rows)
        others = {one.judge for one in judgments} - {job.judge_name}
        if others or not judgments:
            came = f"by '{min(others)}'" if others else "without the judge's raw answers"
            raise DataError(
                f"expected judgments by '{job.judge_name}' in {name}, came some {came}; name "
                f"another judge with -j, or other judgments"
            )
        answers = {judge_prompt(rubric, one.comparison): one.raw for one in judgments}
        return {
            prompt: [raw]
            for prompt, raw in answers.items()
            if not isinstance(rubric.read(Generation(prompt, "", (raw,))), Unread)
        }


def _placed(checkpoint: Checkpoint, result: Result) -> Result:
    """The result, with the checkpoint's place in its series as part of its identity."""
    facts = checkpoint.model_dump(include={"iteration", "parent", "method", "trained_by_judge"})
    place = {f"model {key}": str(value) for key, value in facts.items() if value is not None}
    return replace(result, identity={**result.identity, **place})


def _marked(checkpoint: Checkpoint, result: Result) -> Result:
    """The result, with what the series gives reason to doubt on its main score."""
    main, *others = result.scores
    doubted = (*main.doubts, *doubts(checkpoint, result.judge))
    return replace(result, scores=[replace(main, doubts=doubted), *others])


def _tables(results: Sequence[tuple[str, Result]]) -> list[Table]:
    labels = dict.fromkeys(result.card.label for _, result in results)
    return [results_table([r for r in results if r[1].card.label == label]) for label in labels]


def _save(folder: Path, tables: Sequence[Table], results: Sequence[tuple[str, Result]]) -> None:
    write_json(folder / "scores.json", document(results, items=True))
    write_text(folder / "table.md", "\n".join(map(to_markdown, tables)))


def _finish(setting: Setting, tables: list[Table], data: dict[str, object]) -> list[Table]:
    setting.show(tables)
    setting.keep(data)
    return tables
