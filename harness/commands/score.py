"""`score`: checkpoints through benchmarks, to a table."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from harness.classes import Classes
from harness.commands.asked import ScoreRequest, check_until
from harness.commands.doors import Doors
from harness.commands.models import (
    SELF,
    Buying,
    Models,
    bill,
    named_series,
    run_name,
)
from harness.commands.overheads import overheads
from harness.commands.plan import plan_table, probe, retired
from harness.commands.provenance import provenance
from harness.commands.report import report_run
from harness.commands.scoring import Run
from harness.commands.setting import Setting
from harness.commands.watching import doubted
from harness.errors import BudgetError, SpecError
from harness.pipeline import Result
from harness.published import published
from harness.report.breakdown import breakdown_data, breakdown_table
from harness.report.judge_eval import JUDGE_EVAL, judge_eval_data
from harness.report.runs import PROVENANCE
from harness.report.save import document, prepare, write_json, write_text
from harness.report.scores import parts_tables, results_table
from harness.report.table import Table, to_markdown
from harness.spec import Series
from harness.store import Store
from harness.types import Assets


def score(request: ScoreRequest, setting: Setting) -> list[Table]:
    """Scores every checkpoint on every benchmark; returns the tables that it printed.

    Raises:
        HarnessError: Something asked for is not to be had; what was answered so far is stored.
    """
    series = named_series(request.what)
    if not request.benchmarks:
        raise SpecError("expected benchmarks after -b, came none; run_eval.py list names them")
    prepare(request.out)
    check_until(request, series)
    with Store(request.store) as store:
        run = _open(request, setting, series, store)
        jobs = run.jobs()
        classes = run.classes(jobs)
        plans = [run.plan(job) for job in jobs]
        shown = run.show(jobs, plans)
        plans += [run.plan(job) for job in run.golden(jobs)]
        watch = run.watch(jobs)
        if request.dry_run:
            asked = *run.plan_baseline(), *plans
            further = overheads(jobs, watch.canaries, run.models)
            plans = [*(p.quoted(exact=True) for p in asked), *further]
            return _finish(setting, [plan_table(plans)], {"plan": [p.data() for p in plans]})
        for line in retired(plans):
            setting.note(line)
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
        if run.audited:
            write_json(run.folder / JUDGE_EVAL, judge_eval_data(SELF, run.audited))
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
) -> Run:
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
    return Run(request, setting, series, models)


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
