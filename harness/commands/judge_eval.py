"""`judge-eval`: a judge on published comparisons with known verdicts, to one table and a figure."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness import registry
from harness.commands.models import Models, bill
from harness.commands.plan import Plan, plan_table, probe, retired
from harness.commands.setting import Setting
from harness.commands.sitting import Sitting, seat
from harness.errors import ModelError, SpecError, UnknownNameError
from harness.report.judge_eval import JUDGE_EVAL, Findings, draw, judge_eval_data, judge_eval_table
from harness.report.progress import Board
from harness.report.save import prepare, write_json, write_text
from harness.report.table import Table, to_markdown
from harness.report.trials import read_trial
from harness.store import Store
from harness.trials.cases import Trial
from harness.trials.people import labelled
from harness.types import Assets, Model, ModelOptions

AUDITED = 20
"""Prompts of each trial that a checkpoint is tried on when it judges itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeEvalRequest:
    """What the user asked for."""

    judge: str
    data: Sequence[str] = ()
    """Names of trials, files of people's labels; none is every trial whose files are here."""
    rubric: str
    """The benchmark by whose rubric the judge is asked where the data leave that open."""
    limit: int | None = None
    """At most so many prompts of each."""
    attack: bool = False
    """Whether the first data are also used for answers that were made to win."""
    options: ModelOptions = field(default_factory=ModelOptions)
    store: Path = Path("results/store.sqlite")
    out: Path = Path("results")
    dry_run: bool = False


def judge_eval(request: JudgeEvalRequest, setting: Setting) -> list[Table]:
    """Tries the judge; returns the tables that it printed.

    Raises:
        HarnessError: Something asked for is not to be had; what was answered so far is stored.
    """
    assets, run = setting.library(), f"judge-eval-{_slug(request.judge)}"
    prepare(request.out)
    with Store(request.store) as store:
        models = Models(request.options, assets, store, run)
        sittings = _sittings(request, models, setting)
        before = _before(request.out / run / JUDGE_EVAL, request.judge)
        attacked = [request.attack, *(False for _ in sittings[1:])]
        pairs = list(zip(sittings, attacked, strict=True))
        plans = [sitting.plan(attack=attack) for sitting, attack in pairs]
        if request.dry_run:
            plans = [planned.quoted(exact=True) for planned in plans]
            return _finish(setting, [_planned(plans)], {"plan": [p.data() for p in plans]})
        for line in retired(plans):
            setting.note(line)
        probe(plans)
        board = Board(setting.err)
        found = [sitting.find(board, attack=attack) for sitting, attack in pairs]
        tables = [judge_eval_table(request.judge, found), *bill(store.spend(run))]
    kept = [one for one in before if one.trial not in {new.trial for new in found}]
    _save(request.out / run, request.judge, [*kept, *found], setting)
    return _finish(setting, tables, judge_eval_data(request.judge, found))


def audit(
    judge: str, candidate: Model, models: Models, *, rubric: str, limit: int = AUDITED
) -> list[Sitting]:
    """A checkpoint that judges, before the trials whose files are here: `find` says what it finds.

    Args:
        judge: Its name as a judge, in which `self` is the candidate.
        candidate: The checkpoint's model.
        models: Opens what else the judge asks.
        rubric: The benchmark by whose rubric it is asked; trials by others are left out.
        limit: At most so many prompts of each trial.
    """
    trials = [trial for trial in at_hand(models.assets) if trial.rubric in {"", rubric}]
    sittings = []
    for trial in trials:
        # A judge that neither compares nor rates such answers has nothing to be tried on.
        with suppress(SpecError):
            sittings.append(
                seat(trial, judge, models, rubric=rubric, limit=limit, candidate=candidate)
            )
    return sittings


def at_hand(assets: Assets) -> list[Trial]:
    """The trials whose files are on this machine; a canary is no trial."""
    known = set(assets.names(""))
    every = [trial for trial in registry.trials() if not trial.pinned]
    return [
        one for one in every if known.issuperset(one.assets) and all(map(assets.has, one.assets))
    ]


def _sittings(request: JudgeEvalRequest, models: Models, setting: Setting) -> list[Sitting]:
    """Before each trial that was named; unnamed ones that the judge cannot take are left out."""
    named = [_trial(name) for name in request.data]
    sittings = []
    for trial in named or at_hand(models.assets):
        try:
            sittings.append(
                seat(trial, request.judge, models, rubric=request.rubric, limit=request.limit)
            )
        except SpecError as error:
            if named:
                raise
            setting.note(f"{trial.name} left out: {error}")
    if not sittings:
        raise SpecError(
            f"expected data that '{request.judge}' can be tried on, came none; name some with "
            f"--data, or fetch official files: run_eval.py assets pull training_demo"
        )
    return sittings


def _trial(name: str) -> Trial:
    """The trial of that name, or the labels in that file.

    Raises:
        UnknownNameError: It is neither.
    """
    known = {trial.name: trial for trial in registry.trials()}
    if name in known:
        return known[name]
    if name.startswith("asset:") or Path(name).exists():
        return labelled(name)
    raise UnknownNameError("set of known verdicts", name, known)


def _before(file: Path, judge: str) -> Sequence[Findings]:
    """What earlier trials found of the judge: other data of it stay."""
    told = read_trial(file) if file.is_file() else None
    return told.found if told and told.judge == judge else []


def _save(folder: Path, judge: str, found: Sequence[Findings], setting: Setting) -> None:
    write_json(folder / JUDGE_EVAL, judge_eval_data(judge, found))
    write_text(folder / "judge_eval.md", to_markdown(judge_eval_table(judge, found)))
    try:
        draw(folder / "judge_eval.svg", found)
    except ModelError as error:
        setting.note(f"no figure: {error}")
    setting.note(f"written to {folder}")


def _planned(plans: Sequence[Plan]) -> Table:
    table = plan_table(plans)
    return replace(table, columns=["trial", "by the rubric of", *table.columns[2:]])


def _slug(judge: str) -> str:
    return re.sub(r"[^\w.-]+", "_", judge).strip("_.") or "judge"


def _finish(setting: Setting, tables: list[Table], data: dict[str, object]) -> list[Table]:
    setting.show(tables)
    setting.keep(data)
    return tables
