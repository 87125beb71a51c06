"""`classify`: a benchmark's prompts put into classes by a judge, to a file for `--by`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness import registry
from harness.classes import (
    KINDS,
    Classes,
    questions,
    read_answers,
    read_rows,
    written,
)
from harness.commands.models import Models, bill, run_name
from harness.commands.setting import Setting
from harness.pipeline import limited, load
from harness.report.breakdown import distribution_table
from harness.report.progress import Board, Shown
from harness.report.save import foresee, prepare, write_text
from harness.report.table import Table
from harness.rows import read_files
from harness.spec import series_of
from harness.store import Store
from harness.types import Assets, Benchmark, ModelOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifyRequest:
    """What the user asked for."""

    benchmark: str
    judge: str
    file: Path
    """Where the classes are written."""
    limit: int | None = None
    options: ModelOptions = field(default_factory=ModelOptions)
    store: Path = Path("results/store.sqlite")


def classify(request: ClassifyRequest, setting: Setting) -> list[Table]:
    """Asks the judge two questions about each prompt; returns the tables that it printed.

    Answers are stored, so that a run that was stopped goes on where it was.

    Raises:
        HarnessError: Something asked for is not to be had; what was answered so far is stored.
    """
    foresee(request.file)
    prepare(request.store.parent)
    assets = setting.library()
    benchmark = limited(registry.benchmark(request.benchmark), request.limit)
    prompts = load(benchmark, assets)
    with Store(request.store) as store:
        name = run_name(series_of([request.judge]), "classify", benchmark.card.label)
        models = Models(request.options, assets, store, name)
        judge = Shown(models.live(request.judge), Board(setting.err), "classifying")
        classes = read_answers(judge.generate(questions(prompts)))
        lines = [json.dumps(row, ensure_ascii=True) for row in written(prompts, classes)]
        write_text(request.file, "\n".join(lines) + "\n")
        setting.note(f"written to {request.file}")
        title = f"Prompts of {benchmark.card.title} by {judge.name}"
        tables = [distribution_table(title, classes), *bill(store.spend(name))]
        setting.show(tables)
        setting.keep(_data(classes))
        return tables


def read_classes(file: str, benchmark: Benchmark, assets: Assets) -> dict[str, Classes]:
    """The classes of a benchmark's prompts, by prompt id.

    Raises:
        DataError: The file is not of that form or of other prompts.
    """
    (rows,) = read_files(file, assets).values()
    return read_rows(rows, load(benchmark, assets))


def _data(classes: Sequence[Classes]) -> Mapping[str, object]:
    """How many prompts there are, and how many are unread of each kind."""
    unread = {kind: sum(one[place] is None for one in classes) for place, kind in enumerate(KINDS)}
    return {"prompts": len(classes), "unread": unread}
