"""`compare`: checkpoints against each other, every pair in both orders, to a matrix."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path

from harness import registry
from harness.commands.at_once import ask_at_once
from harness.commands.budget import Bought, Known, bought_table, stopped
from harness.commands.foreseen import foresee
from harness.commands.meeting import Entrant, Meeting, facing
from harness.commands.models import (
    Buying,
    Models,
    as_asked,
    bill,
    judge_name,
    named_series,
    run_name,
)
from harness.commands.plan import Plan, plan_answers, plan_table, probe, retired
from harness.commands.prompts import is_file, prompt_set
from harness.commands.setting import Setting
from harness.commands.until import judged_until_decided
from harness.errors import BudgetError, ModelError, SpecError
from harness.pairing import MEAN, TIES
from harness.pipeline import Answers, Result, answer, grade, load
from harness.report.head_to_head import Match, draw, head_to_head_data, matrix_table, pairs_table
from harness.report.progress import Board, Shown
from harness.report.save import prepare, write_json, write_text
from harness.report.table import Table, to_markdown
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
    Rubric,
    close,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRequest:
    """What the user asked for."""

    what: Sequence[str]
    """One series file, or model names; two checkpoints at least."""
    benchmark: str
    """Whose prompts are answered, and whose rubric the judge is asked by; or a file of prompts."""
    judge: str | None = None
    rubric: str | None = None
    """The benchmark by whose rubric the judge is asked about a file's prompts."""
    ties: str = MEAN
    """What a prompt adds to a win rate: one of `pairing.TIES`."""
    limit: int | None = None
    decoding: Mapping[str, float | None] = field(default_factory=dict)
    """Fields of the checkpoints' decoding that are set here; None leaves them as they are."""
    options: ModelOptions = field(default_factory=ModelOptions)
    store: Path = Path("results/store.sqlite")
    out: Path = Path("results")
    dry_run: bool = False
    budget: float | None = None
    """USD that all that was ever asked under the run's name may cost."""
    batch: bool = False
    """Whether providers that sell batches are asked by batch."""
    until_decided: bool = False
    """Whether a pair is judged block by block, and no further than decides it."""
    items: bool = False


def compare(request: CompareRequest, setting: Setting) -> list[Table]:
    """Judges every pair of checkpoints in both orders; returns the tables that it printed.

    Raises:
        SpecError: There are fewer than two checkpoints, or the benchmark compares no answers.
        HarnessError: Something asked for is not to be had; what was answered so far is stored.
    """
    series = _several(named_series(request.what))
    _check_until(request)
    prepare(request.out)
    with Store(request.store) as store:
        run = _open(request, setting, series, store)
        plans = [*run.plan_answers(), *run.plan_pairs()]
        if request.dry_run:
            plans = [p.quoted(exact=True) for p in plans]
            return _finish(setting, [plan_table(plans)], {"plan": [p.data() for p in plans]})
        for line in retired(plans):
            setting.note(line)
        try:
            probe(plans)
            answers = run.answers()
            if request.batch:
                run.judge_at_once(answers)
            matches = run.matches(answers)
        except BudgetError as error:
            raise run.stopped() from error
        tables = [matrix_table(matches), pairs_table(matches), *bill(store.spend(run.models.run))]
        run.save(matches, tables)
        return _finish(setting, tables, head_to_head_data(matches, items=request.items))


@dataclass(frozen=True, slots=True)
class _Run:
    setting: Setting
    models: Models
    folder: Path
    """Where the run writes."""
    benchmark: Benchmark
    ties: str
    entrants: Sequence[tuple[Checkpoint, Model]]
    judge: str
    until_decided: bool

    @property
    def assets(self) -> Assets:
        """The official files."""
        return self.models.assets

    def plan_answers(self) -> list[Plan]:
        """What each checkpoint would be asked."""
        return [
            plan_answers(checkpoint.name, self.benchmark, model, self.assets)
            for checkpoint, model in self.entrants
        ]

    def plan_pairs(self) -> list[Plan]:
        """What the judge would be asked about each pair."""
        foreseen = [
            Answers(model.name, model.identity, answers)
            for place, (_, model) in enumerate(self.entrants, start=1)
            for answers in [foresee(self.benchmark, model, self.assets, place)]
        ]
        return [meeting.plan() for meeting in self._meetings(foreseen)]

    def stopped(self) -> BudgetError:
        """What the run ends with when its budget does; what it has bought is shown."""
        plans, rows = [*self.plan_answers(), *self.plan_pairs()], self._bought()
        self.setting.show([bought_table(rows), *bill(self.models.store.spend(self.models.run))])
        buying, spent = self.models.buying, self.models.store.owed(self.models.run)
        return stopped(buying.budget or 0.0, spent, plans, rows, batch=buying.batch)

    def _bought(self) -> list[Bought]:
        prompts = load(self.benchmark, self.assets)
        answered = [
            Answers(model.name, model.identity, Known(model).generate(prompts))
            for _, model in self.entrants
        ]
        return [meeting.bought() for meeting in self._meetings(answered)]

    def answers(self) -> list[Answers]:
        """All answers, before anything is judged; each checkpoint is closed before the next."""
        answers = []
        for checkpoint, model in self.entrants:
            shown = Shown(model, Board(self.setting.err), f"{checkpoint.name}: answering")
            answers.append(answer(self.benchmark, shown, self.assets))
            close(model)
        return answers

    def judge_at_once(self, answers: Sequence[Answers]) -> None:
        """Buys by batch what the judge will be asked, of all pairs together."""
        asked = [
            (question.model, question.prompts)
            for meeting in self._meetings(answers)
            for question in meeting.questions()
        ]
        ask_at_once(asked, lambda model: Shown(model, Board(self.setting.err), "judging all"))

    def matches(self, answers: Sequence[Answers]) -> list[Match]:
        """Every pair of checkpoints, judged."""
        return [meeting.match(self._judged(meeting)) for meeting in self._meetings(answers)]

    def _meetings(self, answers: Sequence[Answers]) -> list[Meeting]:
        """Every two checkpoints, with their answers in the order of the checkpoints."""
        sides = [Entrant(c, a) for (c, _), a in zip(self.entrants, answers, strict=True)]
        return [
            Meeting(first, second, faced, self.judge, self.models)
            for first, second in combinations(sides, 2)
            for faced in [facing(self.benchmark, second.answers, self.ties)]
        ]

    def save(self, matches: Sequence[Match], tables: Sequence[Table]) -> None:
        """Writes everything as data, with every item, and the tables as Markdown."""
        write_json(self.folder / "head_to_head.json", head_to_head_data(matches, items=True))
        write_text(self.folder / "head_to_head.md", "\n".join(map(to_markdown, tables)))
        try:
            draw(self.folder, matches)
        except ModelError as error:
            self.setting.note(f"no figures: {error}")
        self.setting.note(f"written to {self.folder}")

    def _judged(self, meeting: Meeting) -> Result:
        board = Board(self.setting.err)

        def shown(model: Model, rubric: Rubric) -> Model:
            return Shown(model, board, f"{meeting.name}: judging", rubric.read)

        judge, faced, ours = meeting.open_judge(shown), meeting.benchmark, meeting.first.answers
        if not self.until_decided:
            return grade(faced, ours, judge, self.assets)
        found = judged_until_decided(faced, ours, judge, self.assets)
        state = "decided" if found.decided else "not decided"
        self.setting.note(
            f"{meeting.name}: {state} after {found.prompts} of {found.of} prompts, "
            f"{found.saved} verdicts saved"
        )
        return found.result


def _open(request: CompareRequest, setting: Setting, series: Series, store: Store) -> _Run:
    """Everything that was named, opened; a name that nothing answers to fails here."""
    assets, options = setting.library(), request.options
    named = as_asked(_named(request, assets), series, request.decoding, request.limit)
    prompts = load(named, assets)
    benchmark = replace(named, load=lambda _: prompts)  # every pair asks for them again
    _check_pairwise(benchmark, prompts, assets)
    judge = judge_name(benchmark, request.judge, series.judge)
    asked = [benchmark.card.label, judge, request.limit, sorted(request.decoding.items())]
    further = (
        [] if (request.rubric, request.ties) == (None, MEAN) else [request.rubric, request.ties]
    )
    further += ["until decided"] if request.until_decided else []
    name = run_name(series, "head_to_head", asked, options.chat_template, options.dtype, *further)
    buying = Buying(request.budget, request.batch, setting.note)
    models = Models(options, assets, store, name, buying)
    models.judge(judge, benchmark)  # a name that nothing answers to fails here
    entrants = [(c, models.of_checkpoint(c, [benchmark])[0]) for c in series.checkpoints]
    folder, until = request.out / name, request.until_decided
    return _Run(setting, models, folder, benchmark, request.ties, entrants, judge, until)


def _named(request: CompareRequest, assets: Assets) -> Benchmark:
    """The benchmark that was named, or the prompts of a file under the rubric that was named."""
    if request.ties not in TIES:
        raise SpecError(f"expected one of {', '.join(TIES)} for ties, came '{request.ties}'")
    if not is_file(request.benchmark):
        return registry.benchmark(request.benchmark)
    if request.rubric is None:
        raise SpecError(
            f"expected a benchmark by whose rubric answers to {request.benchmark} are compared, "
            f"came none; name one with --rubric"
        )
    return prompt_set(request.benchmark, registry.benchmark(request.rubric), assets)


def _several(series: Series) -> Series:
    """The series, if there is a pair in it."""
    if len(series.checkpoints) < 2:
        raise SpecError(
            f"expected two checkpoints or more to compare, came '{series.checkpoints[0].name}' "
            f"alone; name another, or score it against the benchmark's baseline"
        )
    return series


def _check_until(request: CompareRequest) -> None:
    """What is bought at once cannot stop on the way, and only a mean has such an interval."""
    if request.until_decided and (request.batch or request.ties != MEAN):
        raise SpecError(
            "expected --until-decided with --ties mean and without --batch, came another way; "
            "leave one of them out"
        )


def _check_pairwise(benchmark: Benchmark, prompts: Sequence[Prompt], assets: Assets) -> None:
    """A judge that rates one answer at a time has no preference to give."""
    if benchmark.duel is not None:
        return
    blank = [Generation(prompt, "", (Response(""),)) for prompt in prompts]
    if any(comparison.baseline is None for comparison in benchmark.compare(blank, assets)):
        raise SpecError(
            f"expected a benchmark whose judge compares two answers, came "
            f"{benchmark.card.label}, whose judge rates one; score the checkpoints on it"
        )


def _finish(setting: Setting, tables: list[Table], data: dict[str, object]) -> list[Table]:
    setting.show(tables)
    setting.keep(data)
    return tables
