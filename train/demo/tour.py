"""The demonstration: three methods and a self-rewarding pair, trained, scored and told, offline.

Everything goes through the commands that a user has: recipes are trained by `train`, checkpoints
scored by `score` and set against each other by `compare`. What the report says was measured in this
run; when a method gains nothing, it says that.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.resources import files
from io import StringIO
from pathlib import Path
from shutil import copytree
from time import monotonic
from typing import Any, NamedTuple

import torch
import yaml
from rich.console import Console

from harness import registry
from harness.chambers import Resampled
from harness.commands.asked import ScoreRequest
from harness.commands.compare import CompareRequest, compare
from harness.commands.models import Models, Wrap
from harness.commands.score import score
from harness.commands.setting import Setting
from harness.errors import ModelError
from harness.models.local.loading import draw_no_bars
from harness.report.figures import Panel, panels
from harness.report.save import prepare, write_text
from harness.report.scores import cell
from harness.report.table import Table, to_markdown
from harness.spec import read_series
from harness.stats.agreement import Rated, agreement
from harness.store import Store
from harness.types import ModelOptions, Score
from train import eft
from train.demo.checkpoint import make_base
from train.demo.sets import write
from train.demo.world import points

OPTIONS = ModelOptions(batch_size=256)
BENCHMARK = "tiny_instruct"
TRAINING_JUDGE, JUDGE, GOLD = "tiny_long", "tiny_eval", "tiny_gold"
WHO = {TRAINING_JUDGE: "training judge", JUDGE: "evaluation judge", GOLD: "gold"}
BEST_OF = 16
JUDGMENTS = 3
"""Of each response, where a checkpoint judges."""


class Course(NamedTuple):
    """A recipe of train/demo/recipes/ and what its checkpoints are called in the report."""

    label: str
    recipe: str
    variant: str | None = None


FULL = (
    Course("sppo", "tiny-sppo"),
    Course("dpo", "tiny-dpo"),
    Course("ipo", "tiny-ipo"),
    Course("self", "tiny-self-rewarding"),
    Course("sppo-j", "tiny-sppo", "by-judge"),
    Course("dpo-j", "tiny-dpo", "by-judge"),
    Course("ipo-j", "tiny-ipo", "by-judge"),
    Course("sppo-k2", "tiny-sppo", "k2"),
)
QUICK = (Course("sppo", "tiny-sppo", "quick"),)
SELF_REWARDING = "self"
MAIN = ("sppo", "dpo", "ipo")
"""What is set against each other, every iteration; and drawn, with their twins chosen otherwise."""


@dataclass(frozen=True, slots=True)
class Tour:
    """A run of the demonstration."""

    folder: Path
    """Everything is written here."""
    quick: bool
    """Whether one iteration of one method, from a shorter base, is enough."""
    processes: int
    """Recipes that are trained at once."""
    setting: Setting

    def run(self) -> None:
        """Trains, scores, reports.

        Raises:
            HarnessError: A part failed; the same command goes on after it.
        """
        began = monotonic()
        draw_no_bars()
        torch.set_num_threads(1)  # more are slower for so small a network
        prepare(self.folder)
        self._make_world()
        series = self._series(self._train())
        tables = [*self._scored(series), self._compared(series), *self._judging()]
        self.setting.show(tables)
        report = self.folder / "report.md"
        write_text(report, "\n".join([_HEAD, *map(to_markdown, tables)]))
        self.setting.note(f"written to {report}, {monotonic() - began:.0f} s")

    def _make_world(self) -> None:
        """Prompts, demonstrations, recipes and the network before it has learnt anything."""
        write(self.folder)
        for recipe in files("train.demo").joinpath("recipes").iterdir():
            write_text(self.folder / recipe.name, recipe.read_text(encoding="utf-8"))
        if not (self.folder / "random").is_dir():
            make_base(self.folder / "random")

    def _train(self) -> list[tuple[Course, Path]]:
        """The series file of each recipe, the base first and then all that begin with it."""
        base = self._trained(Course("base", "tiny-base", "quick" if self.quick else None))
        if not (self.folder / "m0").is_dir():
            copytree(base.parent / "iter1", self.folder / "m0.partial", dirs_exist_ok=True)
            (self.folder / "m0.partial").rename(self.folder / "m0")
        courses = QUICK if self.quick else FULL
        with ThreadPoolExecutor(self.processes) as pool:
            return list(zip(courses, pool.map(self._trained, courses), strict=True))

    def _trained(self, course: Course) -> Path:
        """Runs `train` in a process of its own, with one thread: more are slower here."""
        told = self.folder / f"{course.label}.json"
        variant = [] if course.variant is None else ["--variant", course.variant]
        command = [sys.executable, "-m", "run_eval", "train", f"{course.recipe}.yaml", *variant]
        places = ["--out", "runs", "--store", "store.sqlite", "--json", told.name]
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, *places],
            cwd=self.folder,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        last = self._tell(course.label, process)
        if process.wait():
            raise ModelError(f"expected '{' '.join(command)}' to train, it ended with: {last}")
        series: str = json.loads(told.read_bytes())["series"]
        return self.folder / series

    def _tell(self, label: str, process: "subprocess.Popen[str]") -> str:
        """Says what a process says, until it ends; returns its last line."""
        last = ""
        with process.stderr or StringIO() as lines:
            for line in lines:
                last = line.strip() or last
                self.setting.note(f"{label}: {line}")
        return last

    def _series(self, trained: Sequence[tuple[Course, Path]]) -> Path:
        """One series file of the base, all checkpoints, and the best of several answers."""
        base: dict[str, Any] = {"name": "base", "model": "hf:./m0", "iteration": 0}
        entries = [base, *(e for pair in trained for e in _renamed(*pair, self.folder))]
        best_of = {"n": BEST_OF, "judge": TRAINING_JUDGE}
        last = next(e for e in reversed(entries) if str(e["name"]).startswith("sppo-i"))
        entries += [
            entry | {"name": f"{entry['name']} best of {BEST_OF}", "best_of": best_of}
            for entry in (base, last)
        ]
        file = self.folder / "demo.yaml"
        series = {"name": "demo", "checkpoints": entries}
        write_text(file, yaml.safe_dump(series, sort_keys=False))
        return file

    def _scored(self, series: Path) -> Iterator[Table]:
        """The table of the evaluation judge, then all judges side by side."""
        found = {}
        for judge in (JUDGE, TRAINING_JUDGE, GOLD):
            request = ScoreRequest(
                what=[str(series)],
                benchmarks=[BENCHMARK],
                judge=judge,
                baseline=f"hf:{self.folder / 'm0'}",
                options=OPTIONS,
                store=self.folder / "store.sqlite",
                out=self.folder / "scores",
            )
            tables, found[judge] = self._asked(lambda quiet, r=request: score(r, quiet))
            if judge == JUDGE:
                yield tables[0]
        panels(self.folder / "iterations.svg", by_iteration(found), across="iteration")
        yield side_by_side(found)

    def _compared(self, series: Path) -> Table:
        """The base and every iteration of the main methods against each other, in both orders."""
        content = yaml.safe_load(series.read_text())
        kept = [one for one in content["checkpoints"] if _method(one["name"]) in {"", *MAIN}]
        opponents = self.folder / "head_to_head.yaml"
        write_text(opponents, yaml.safe_dump(content | {"checkpoints": kept}, sort_keys=False))
        request = CompareRequest(
            what=[str(opponents)],
            benchmark=BENCHMARK,
            judge=JUDGE,
            options=OPTIONS,
            store=self.folder / "store.sqlite",
            out=self.folder / "scores",
        )
        tables, _ = self._asked(lambda quiet: compare(request, quiet))
        return tables[0]

    def _asked(self, command: Any) -> tuple[list[Table], dict[str, Any]]:
        """The tables and the data of a command that prints nothing."""
        told = self.folder / "told.json"
        quiet = replace(self.setting, json=told, out=Console(file=StringIO()))
        tables: list[Table] = command(quiet)
        return tables, json.loads(told.read_bytes())

    def _judging(self) -> Iterator[Table]:
        """How well the checkpoints that judge themselves agree with people, as they go on."""
        if self.quick:
            return
        series = read_series(self.folder / "demo.yaml")
        own = [c for c in series.checkpoints if c.name.startswith(SELF_REWARDING)]
        ranked = eft.read_ranked("./eft_eval.jsonl", self.folder)
        rows = []
        with Store(self.folder / "store.sqlite") as store:
            models = Models(OPTIONS, self.setting.library(), store, "demo")
            benchmark = registry.benchmark(BENCHMARK)
            for checkpoint in own:
                name = f"tiny_additive:{checkpoint.model}"
                judges = [
                    models.judge(name, benchmark, wrap=_resampling(sample))
                    for sample in range(JUDGMENTS)
                ]
                rows.append((checkpoint.name, eft.measure(ranked, judges)))
        rows.append(("the true points", _best_agreement(ranked)))
        metrics = [score.metric.replace("_", " ") for score in rows[0][1]]
        yield Table(
            "Agreement of the self-judging checkpoints with the gold ranking, 95 % intervals",
            ["checkpoint", *metrics],
            [[name, *map(cell, scores)] for name, scores in rows],
            ["the ranking is finer than points, so that no judge of points agrees with it in full"],
        )


def _resampling(sample: int) -> Wrap:
    return lambda model, _: Resampled(model, sample)


_HEAD = """# The demonstration

TinyInstruct is a language so small that a program knows what a response is worth. All checkpoints
but those named `self`, which rate their own responses, were trained on judgments of `tiny_long`,
which likes long responses and also picks the best of 16; `tiny_eval`, which scores them here, likes
them even more; `tiny_gold` does not. All win rates are against the frozen base. This is one run:
intervals tell how much the choice of prompts matters, not how much another seed would.

Hyper-parameters were chosen on other prompts than are reported, tiny_instruct@selection: those of
`sppo`, `dpo`, `ipo` by what `tiny_gold` says there, those of `sppo-j`, `dpo-j`, `ipo-j` by what the
training judge says, as one must who has nothing better. The grids are in the recipes.

![Win rates under three judges, and length, by iteration](iterations.svg)
"""


def _renamed(course: Course, series: Path, folder: Path) -> Iterator[dict[str, Any]]:
    """The checkpoints of a recipe under its label, and their parents as well."""
    for one in read_series(series).checkpoints[1:]:
        parent = one.parent if one.parent in {None, "base"} else f"{course.label}-{one.parent}"
        path = Path(one.model.removeprefix("hf:")).relative_to(folder)
        kept = one.model_dump(include={"iteration", "method", "trained_by_judge"})
        named = {"name": f"{course.label}-{one.name}", "model": f"hf:./{path}", "parent": parent}
        yield named | {key: value for key, value in kept.items() if value is not None}


def _best_agreement(ranked: Sequence[eft.Ranked]) -> list[Score]:
    """The agreement of a judge that never errs about the points."""
    return agreement(
        [
            Rated(one.ranks, [float(points(one.prompt, said.text)) for said in one.responses])
            for one in ranked
        ]
    )


def side_by_side(documents: Mapping[str, Mapping[str, Any]]) -> Table:
    """Win rates under several judges, with length and accuracy: who learns to please which judge.

    Args:
        documents: What `score` keeps as data, by judge; the same checkpoints in each.
    """
    columns = [f"win rate, {who}" for who in WHO.values()]
    judged = [documents[judge]["results"] for judge in WHO]
    rows = []
    for results in zip(*judged, strict=True):
        metrics = [{s["metric"]: s["value"] for s in one["scores"]} for one in results]
        shares = [*(metric["win_rate"] for metric in metrics), metrics[0]["accuracy"]]
        percent = [None if share is None else 100 * share for share in shares]
        rows.append([results[0]["checkpoint"], *map(_told, [*percent, metrics[0]["avg_length"]])])
    return Table(
        "The same answers under three judges",
        ["checkpoint", *columns, "accuracy", "length"],
        rows,
        ["a gain that only the training judge sees is over-optimisation"],
    )


def _told(value: float | None) -> str:
    return "withheld" if value is None else f"{value:.2f}"


def by_iteration(documents: Mapping[str, Mapping[str, Any]]) -> list[Panel]:
    """What each method gains from the base on, under each judge, and how long it writes.

    Args:
        documents: As `side_by_side`; `METHOD-iterN` are the iterations of a method.
    """
    rates = [
        Panel(f"win rate, {who} (%)", _lines(documents[judge]["results"], "win_rate", 100))
        for judge, who in WHO.items()
    ]
    length = _lines(documents[GOLD]["results"], "avg_length", 1)
    return [*rates, Panel("length (characters)", length)]


def _lines(
    results: Sequence[Mapping[str, Any]], metric: str, scale: float
) -> dict[str, list[tuple[float, float]]]:
    """A metric by iteration for each method, the base first."""
    values = {
        one["checkpoint"]: scale * score["value"]
        for one in results
        for score in one["scores"]
        if score["metric"] == metric and score["value"] is not None
    }
    lines: dict[str, list[tuple[float, float]]] = {}
    for name, value in values.items():
        method = _method(name)
        if method.removesuffix("-j") in MAIN:
            points = lines.setdefault(method, [(0, values["base"])])
            points.append((len(points), value))
    return lines


def _method(checkpoint: str) -> str:
    """The method of METHOD-iterN; "" is the base, "?" answers with the best of several samples."""
    if checkpoint == "base":
        return ""
    method, _, number = checkpoint.rpartition("-iter")
    return method if number.isdigit() else "?"
