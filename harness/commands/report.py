"""`report`: the story of a series from saved runs, offline."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from harness import registry
from harness.classes import Classes
from harness.commands.beside import papers
from harness.commands.classify import read_classes
from harness.commands.embedded import embedded
from harness.commands.models import EXACT
from harness.commands.setting import Setting
from harness.errors import HarnessError, SpecError
from harness.pairing import meeting_items
from harness.report.forms import (
    data,
    every_eval_ever,
    html,
    latex,
    markdown,
    model_index,
    sheet,
)
from harness.report.save import prepare
from harness.report.story import Story, Vectors
from harness.report.table import Table
from harness.report.telling.cells import Cell, Protocol
from harness.report.telling.gaps import labelled
from harness.report.telling.saved import Saved, read_run
from harness.report.telling.tell import tell
from harness.report.told import changes_table, spreads_table
from harness.report.trials import Tried, read_trial, trials_beside
from harness.rows import read_files
from harness.types import Assets, Redrawn, one_each

FORMS: Sequence[Callable[[Story, Path], object]] = (
    markdown.write,
    data.write,
    sheet.write,
    latex.write,
    html.write,
    model_index.write,
    every_eval_ever.write,
)
"""What writes a story's files into a folder."""

_DIGEST = re.compile(r"-[0-9a-f]{8}$")


@dataclass(frozen=True, slots=True)
class Run:
    """A saved run with what its folder tells beside the scores."""

    saved: Saved
    assets: Assets

    def cells(self, *, refit: bool) -> list[Cell]:
        """The results, with lengths and refits as far as answers and judgments were kept."""
        return [
            replace(
                cell,
                length=self._length(cell),
                redrawn=self._redrawn(cell) if refit and cell.sample_of is None else None,
            )
            for cell in self.saved.cells
        ]

    def lacking(self) -> list[str]:
        """What cannot be told, since the folder does not hold what it is made of."""
        lost = [
            cell
            for cell in self.saved.own
            if registry.benchmark(cell.benchmark).files.redraw and not self._judgments(cell)
        ]
        return [
            f"{cell.checkpoint} on {cell.benchmark}: {cell.scores[0].metric} is not compared, its "
            f"judgments are not in {self.saved.folder}"
            for cell in lost
        ]

    def answers(self, cell: Cell) -> dict[tuple[str, ...], tuple[str, ...]]:
        """The answers by the turns of their prompts; empty where they were not kept.

        Answers that are matched are left out: a few words, or no words at all.
        """
        file = self._place(cell) / "model_outputs.json"
        benchmark = registry.benchmark(cell.benchmark)
        if benchmark.card.judge == EXACT or not file.is_file():
            return {}
        (rows,) = read_files(str(file), self.assets).values()
        return benchmark.files.read_outputs(rows, self.assets)

    def _length(self, cell: Cell) -> float | None:
        lengths = [len(text) for texts in self.answers(cell).values() for text in texts]
        return fmean(lengths) if lengths else None

    def _redrawn(self, cell: Cell) -> Redrawn | None:
        redraw = registry.benchmark(cell.benchmark).files.redraw
        file = self._judgments(cell)
        if redraw is None or file is None:
            return None
        (rows,) = read_files(str(file), self.assets).values()
        return redraw(rows, self.assets)

    def _judgments(self, cell: Cell) -> Path | None:
        file = self._place(cell) / "annotations.json"
        return file if file.is_file() else None

    def _place(self, cell: Cell) -> Path:
        return self.saved.folder / cell.benchmark / cell.checkpoint


def report(
    runs: Sequence[str],
    setting: Setting,
    *,
    out: Path | None = None,
    by: str | None = None,
    gold: str | None = None,
    embeddings: str | None = None,
) -> list[Table]:
    """Tells the story of one series from its runs; returns the tables that it printed.

    Args:
        runs: Folders that `score` or `compare` wrote, or files of theirs.
        setting: Where official files are and where output goes.
        out: Where the report is written; the run's own folder if absent, and of several runs a new
            one beside the first.
        by: A file of classes, for the one benchmark that publishes no categories.
        gold: The judge whose word is taken for the truth.
        embeddings: A model that makes vectors of what was asked and answered, for two figures.

    Raises:
        HarnessError: A run is not to be read, or nothing can be told.
    """
    saved = [read_run(Path(run)) for run in runs]
    folder = out or _place(saved)
    prepare(folder)
    assets = setting.library()
    told = read_story(saved, assets, {} if by is None else _classes(by, saved, assets))
    story = replace(told, gold=gold)
    _check_gold(story)
    if embeddings is not None:
        story = replace(story, vectors=_vectors(embeddings, saved, assets))
    write(story, folder)
    tables = _printed(story)
    setting.show(tables)
    for note in story.notes:
        setting.note(note)
    setting.note(f"report written to {folder}")
    setting.keep(data.to_data(story))
    return tables


def _place(saved: Sequence[Saved]) -> Path:
    """Where the report of runs lies, unless it is said: that of several is in none of them."""
    first, *others = [one.folder.resolve() for one in saved]
    if not set(others) - {first}:
        return saved[0].folder
    digest = hashlib.sha256("\n".join(map(str, (first, *others))).encode()).hexdigest()
    return saved[0].folder.with_name(f"report-{digest[:8]}")


def report_run(folder: Path, setting: Setting, classes: Mapping[str, Classes]) -> list[Table]:
    """The report of a run that was just made, beside it; returns the tables that are printed.

    What the run scored stands whatever becomes of its report.
    """
    try:
        story = read_story([read_run(folder)], setting.library(), classes)
        write(story, folder)
    except HarnessError as error:
        setting.note(f"no report: {error}")
        return []
    return _printed(story)


def _printed(story: Story) -> list[Table]:
    """What is shown at once; all else is in the files."""
    return [table for table in (changes_table(story), spreads_table(story)) if table.rows]


def read_story(saved: Sequence[Saved], assets: Assets, classes: Mapping[str, Classes]) -> Story:
    """The story of saved runs."""
    runs = [Run(one, assets) for one in saved]
    several = len({cell.checkpoint for one in saved for cell in one.own}) > 1
    cells = [cell for run in runs for cell in run.cells(refit=several)]
    matches = [match for one in saved for match in one.matches]
    labels = dict.fromkeys(cell.benchmark for cell in cells)
    protocols = {label: protocol(label, assets, classes) for label in labels}
    name = _DIGEST.sub("", saved[0].folder.resolve().name)
    story = tell(name, cells, protocols, matches)
    lacking = [note for run in runs for note in run.lacking()]
    judges = [*dict.fromkeys(track.judge for track in story.tracks if track.judge != EXACT)]
    trials, untried = _trials(saved, judges)
    notes = [*story.notes, *lacking, *untried]
    beside = papers([one for run in saved for one in run.results])
    return replace(story, notes=notes, classes=classes, trials=trials, papers=beside)


def _trials(saved: Sequence[Saved], judges: Sequence[str]) -> tuple[list[Tried], list[str]]:
    """What was found of these judges, and which of them nobody tried.

    It is taken from the runs themselves and from what `judge-eval` wrote beside them.
    """
    told = [read_trial(file) for one in saved for file in trials_beside(one.folder)]
    found = {one.judge: one for one in (*told, *(t for run in saved for t in run.trials))}
    trials = [one for one in found.values() if any(map(one.concerns, judges))]
    untried = [
        f"{judge} was not on trial here; judge-eval tells how far to trust it"
        for judge in judges
        if not any(one.concerns(judge) for one in trials)
    ]
    return trials, untried


def write(story: Story, folder: Path) -> None:
    """Writes every form of the report."""
    for form in FORMS:
        form(story, folder)


def _vectors(model: str, saved: Sequence[Saved], assets: Assets) -> list[Vectors]:
    """Of every benchmark whose answers were kept, those of a checkpoint once."""
    said: dict[str, dict[str, Mapping[tuple[str, ...], tuple[str, ...]]]] = {}
    for one in saved:
        for cell in one.own:
            answers = Run(one, assets).answers(cell)
            if answers:
                title = registry.benchmark(cell.benchmark).card.title
                said.setdefault(title, {}).setdefault(cell.checkpoint, answers)
    return embedded(model, said)


def _check_gold(story: Story) -> None:
    """That the gold judge judged, and had no part in training.

    Raises:
        SpecError: It is none of the runs', or labelled training data.
    """
    judges = dict.fromkeys(track.judge for track in story.tracks)
    known = [judge for judge in judges if not labelled(story.steps, judge)]
    if story.gold is not None and story.gold not in known:
        raise SpecError(
            f"expected with --gold a judge of these runs that labelled no training data: "
            f"{', '.join(known) or 'there is none'}; came '{story.gold}'"
        )


def _classes(by: str, saved: Sequence[Saved], assets: Assets) -> dict[str, Classes]:
    """The classes of a file.

    Raises:
        SpecError: It may be of several benchmarks.
    """
    labels = dict.fromkeys(cell.benchmark for one in saved for cell in one.cells)
    open_ = [label for label in labels if registry.benchmark(label).categories is None]
    if len(open_) != 1:
        raise SpecError(
            f"expected one benchmark without categories of its own with --by, came "
            f"{', '.join(open_) or 'none'}"
        )
    return read_classes(by, registry.benchmark(open_[0]), assets)


def protocol(label: str, assets: Assets, classes: Mapping[str, Classes]) -> Protocol:
    """What the story must know of a benchmark."""
    benchmark = registry.benchmark(label)
    categories: Mapping[str, str] = {}
    if benchmark.categories is not None:
        categories = benchmark.categories(assets)
    elif classes:
        categories = {id_: one.category for id_, one in classes.items() if one.category}
    averages = benchmark.items in {one_each, meeting_items}
    return Protocol(benchmark.card.title, benchmark.cluster, categories, averages)
