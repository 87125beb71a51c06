"""The outer loop: data from the newest checkpoint, training on them, the next checkpoint.

A run is a folder, so that a killed one goes on where it was::

    series.yaml         the checkpoints so far: what `run_eval.py score` takes
    metrics.jsonl       figures of every optimiser step
    iter1.data/         the examples of an iteration, and the state of its training
    iter1/              its checkpoint, complete when it is there
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fcntl import LOCK_EX, LOCK_NB, flock
from functools import cached_property
from importlib import import_module
from os.path import isfile
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from harness import registry
from harness.chambers import Resampled
from harness.commands.models import SELF, Models, Wrap
from harness.commands.plan import questions
from harness.commands.setting import Setting
from harness.errors import DataError, ModelError
from harness.files import write_whole
from harness.models import hf
from harness.models.local.weights import fingerprint
from harness.names import anchored
from harness.pipeline import load
from harness.report.progress import Board, Shown
from harness.report.save import prepare
from harness.report.table import Table
from harness.store import Store
from harness.types import Assets, Comparison, Judge, Model, ModelOptions, Rubric, close
from train.arguments import check_installed
from train.criterion import Criterion
from train.examples import Example
from train.fit import fit
from train.job import Job, read_examples
from train.pairs import unpaired
from train.prompts import part, read_prompts, refuse_overlap
from train.recipe import Prompts, Recipe, Stage, read_recipe
from train.told import Told
from train.workshop import Workshop

FORMAT = "iterbench.training/1"
"""Name and version of the JSON that a run is kept as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """What the user asked for."""

    recipe: Path
    variant: str | None = None
    options: ModelOptions = field(default_factory=ModelOptions)
    store: Path = Path("results/store.sqlite")
    out: Path = Path("results")


class Turn(NamedTuple):
    """One iteration of the outer loop."""

    number: int
    """From 1, through all stages."""
    stage: Stage
    part: int
    """Which part of the prompts is its own, from 0: the next one after whoever asked them last."""

    @property
    def parent(self) -> int:
        """The number of the checkpoint whose weights it begins with; 0 is the base."""
        return 0 if self.stage.parent == "base" else self.number - 1


def train(request: TrainRequest, setting: Setting) -> Path:
    """Makes the checkpoints of a recipe; returns the series file that lists them.

    Raises:
        HarnessError: Something is not to be had; every finished iteration is kept, and the same
            command goes on after it.
    """
    recipe = read_recipe(request.recipe, request.variant)
    with Store(request.store) as store:
        run = _Run(request, setting, recipe, store)
        prepare(run.folder)
        run.check()
        with _alone(run.folder):
            for turn in turns(recipe):
                run.turn(turn)
                run.write_series(turn)
    series = run.folder / "series.yaml"
    setting.show([run.table()])
    setting.keep(run.document(series))
    setting.note(f"written to {series}; score it: run_eval.py score {series} -b BENCHMARK")
    return series


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Sees that no other process trains in the folder; one that was killed holds nothing."""
    with (folder / ".lock").open("w") as lock:
        try:
            flock(lock, LOCK_EX | LOCK_NB)
        except BlockingIOError as error:
            raise DataError(
                f"expected nobody else to train in {folder}, but another command does; wait for "
                f"it, or name another folder with --out"
            ) from error
        yield


def turns(recipe: Recipe) -> list[Turn]:
    """All iterations of a recipe, in order."""
    stages = [stage for stage in recipe.stages for _ in range(stage.repeat)]
    asked = [stage.prompts or recipe.prompts for stage in stages]
    parts = [asked[:number].count(prompts) for number, prompts in enumerate(asked)]
    return [Turn(number, *turn) for number, turn in enumerate(zip(stages, parts, strict=True), 1)]


@dataclass(frozen=True)
class _Run:
    request: TrainRequest
    setting: Setting
    recipe: Recipe
    store: Store

    @cached_property
    def folder(self) -> Path:
        """Named by the recipe and a digest of what it says and reads, so that none is another's.

        Where its files lie is no part of it: a run goes on from any folder, under any path.
        """
        said = self.recipe.model_dump_json(exclude=_PLACES)
        parts = [said, fingerprint(self.base), *self._contents()]
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]
        return self.request.out / f"{self.recipe.name}-{digest}"

    def _contents(self) -> Iterator[str]:
        """Digests of the files that the recipe names."""
        beside = self.request.recipe.parent
        named = [
            beside / text if text.startswith(("./", "../")) else Path(text)
            for text in _texts(self.recipe.model_dump(exclude=_PLACES))
        ]
        for file in [*named, Path(self.recipe.chat_template or "")]:
            if isfile(file):  # noqa: PTH113 - Path.is_file raises where a text is too long
                yield hashlib.sha256(file.read_bytes()).hexdigest()

    @cached_property
    def base(self) -> Path:
        """The folder of the checkpoint that the run begins with."""
        return hf.locate(self.recipe.base.removeprefix("hf:"))[0]

    @cached_property
    def template(self) -> str | None:
        """The chat template that is the recipe's own."""
        path = self.recipe.chat_template
        try:
            return path and Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"expected a chat template in UTF-8 at {path}, but {error}") from error

    def check(self) -> None:
        """Sees what later iterations will need before the first is paid for.

        A recipe that is corrected is another run, which makes all its iterations anew.
        """
        _ = self.base, self.template
        for name in self.recipe.held_out:
            registry.benchmark(name)
        for stage in self.recipe.stages:
            self._check_stage(stage)

    def _check_stage(self, stage: Stage) -> None:
        launch = stage.training.launch
        if launch and not Path(launch).is_file():
            raise DataError(f"expected an accelerate configuration at {launch}, there is none")
        check_installed(stage.training)
        desk = _Desk(self, 1, [])
        _maker(stage).check(stage.data, self._workshop(desk, self._all_prompts(stage)))
        desk.close()

    def turn(self, turn: Turn) -> None:
        """Makes one checkpoint, as far as it is not made yet."""
        name = f"iter{turn.number}"
        out, data = self.folder / name, self.folder / f"{name}.data"
        if out.is_dir():
            return
        is_begun = (data / "job.json").is_file()
        examples = read_examples(data) if is_begun else self._examples(turn)
        self.job(turn, out).write(data, examples)  # the run's folder may have been moved since
        self.setting.note(f"{name}: training with {turn.stage.objective.name}")
        launch = turn.stage.training.launch
        if launch is None:
            fit(data, [Told(name, self.setting.note)], self.setting.note)
        else:
            _launch(launch, data)

    def job(self, turn: Turn, out: Path) -> Job:
        """What the iteration's training is to do."""
        return Job(
            base=str(self.checkpoint(turn.parent)),
            out=str(out),
            objective=turn.stage.objective.name,
            settings=turn.stage.objective.settings,
            training=turn.stage.training,
            chat_template=self.template,
            metrics=str(self.folder / "metrics.jsonl"),
            iteration=turn.number,
        )

    def write_series(self, last: Turn) -> None:
        """Lists the base and every checkpoint up to this one."""
        made = [turn for turn in turns(self.recipe) if turn.number <= last.number]
        base = {"name": "base", "model": f"hf:{self.base.absolute()}"}
        entries = [base, *(self._entry(turn) for turn in made)]
        content = {"name": self.recipe.name, "checkpoints": entries}
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        write_whole(self.folder / "series.yaml", text.encode())

    def _entry(self, turn: Turn) -> dict[str, object]:
        name = f"iter{turn.number}"
        judge = getattr(turn.stage.data, "judge", None)
        return {
            "name": name,
            "model": f"hf:./{name}",
            "parent": f"iter{turn.parent}" if turn.parent else "base",
            "method": turn.stage.method,
            **({} if judge is None else {"trained_by_judge": self.anchored(judge)}),
        }

    def table(self) -> Table:
        """What each iteration trained on, and how its steps went."""
        steps = _steps(self.folder / "metrics.jsonl")
        rows = [_row(turn, steps.get(turn.number, [])) for turn in turns(self.recipe)]
        return Table(f"{self.recipe.name}: what was trained", _COLUMNS, rows, words=2)

    def document(self, series: Path) -> dict[str, Any]:
        """The JSON document of the run: its series file, and every step's figures."""
        steps = _steps(self.folder / "metrics.jsonl")
        iterations = [
            {"checkpoint": f"iter{turn.number}", "method": turn.stage.method, "steps": known}
            for turn in turns(self.recipe)
            for known in [steps.get(turn.number, [])]
        ]
        return {"format": FORMAT, "series": str(series), "iterations": iterations}

    def _examples(self, turn: Turn) -> list[Example]:
        """The iteration's examples, none of which is in a benchmark that was held out."""
        stage = turn.stage
        desk = _Desk(self, turn.number, [])
        made: list[Example] = _maker(stage).build(
            stage.data, self._workshop(desk, self._prompts(turn))
        )
        desk.close()
        self._refuse_held_out(text for example in made for text in example.said[::2])
        criterion = Criterion(stage.objective.name, stage.objective.settings)
        return unpaired(made) if criterion.is_unpaired else made

    def _workshop(self, desk: "_Desk", prompts: list[str]) -> Workshop:
        self._refuse_held_out(prompts)
        folder = self.request.recipe.parent
        return Workshop(
            desk.model(SELF),
            prompts,
            desk.model,
            desk.judge,
            desk.try_judge,
            self.assets,
            folder,
            self.setting.note,
            [text for held in self._held_out.values() for text in held],
        )

    def _prompts(self, turn: Turn) -> list[str]:
        spec, prompts = self._asked(turn.stage), self._all_prompts(turn.stage)
        return part(prompts, turn.part % spec.parts, spec.parts) if spec else []

    def _all_prompts(self, stage: Stage) -> list[str]:
        """The prompts of all parts; none where the data has prompts of its own."""
        spec = self._asked(stage)
        prompts = read_prompts(spec, self.request.recipe.parent) if spec else []
        if spec:
            part(prompts, 0, spec.parts)
        return prompts

    def _asked(self, stage: Stage) -> Prompts | None:
        return stage.prompts or self.recipe.prompts

    def _refuse_held_out(self, texts: Iterable[str]) -> None:
        known = list(texts)
        for name, held in self._held_out.items():
            refuse_overlap(known, held, name)

    @cached_property
    def _held_out(self) -> dict[str, list[str]]:
        """What each benchmark asks that may not be trained on."""
        loaded = {n: load(registry.benchmark(n), self.assets) for n in self.recipe.held_out}
        return {n: [turn for p in prompts for turn in p.turns] for n, prompts in loaded.items()}

    @cached_property
    def assets(self) -> Assets:
        """The official files."""
        return self.setting.library()

    def anchored(self, name: str) -> str:
        """A name of the recipe, with the paths in it absolute."""
        return anchored(name, self.request.recipe.parent.absolute())

    def checkpoint(self, number: int) -> Path:
        """The folder of a checkpoint; 0 is the base."""
        return self.folder / f"iter{number}" if number else self.base


@dataclass(frozen=True)
class _Desk:
    """Opens models and judges for one iteration."""

    run: _Run
    number: int
    opened: list[Model]
    """Whatever holds memory or a process until it is closed."""

    def close(self) -> None:
        """Lets go of all that was opened: training needs the room."""
        for model in self.opened:
            close(model)

    def model(self, name: str) -> Model:
        """A model by name, its answers kept and shown; `self` is the checkpoint."""
        return self._shown(self._models.live(self._named(name)), "answering")

    def judge(self, name: str, rubric: str, sample: int = 0) -> Judge:
        """A judge by name that asks by a benchmark's rubric; each sample draws anew."""

        def shown(model: Model, _rubric: Rubric) -> Model:
            return Resampled(self._shown(model, "judging"), sample)

        return self._judge(name, rubric, shown)

    def try_judge(self, name: str, rubric: str, comparison: Comparison) -> None:
        """Sees that a judge takes such a comparison; nobody is asked.

        Raises:
            SpecError: It compares two responses and is shown one, or the other way round.
        """
        questions(lambda wrap: self._judge(name, rubric, wrap), [comparison])

    def _judge(self, name: str, rubric: str, wrap: Wrap) -> Judge:
        own = self._models.live(self._named(SELF))
        named = self.run.anchored(name)
        return self._models.judge(named, registry.benchmark(rubric), own, wrap)

    @cached_property
    def _models(self) -> Models:
        run = self.run
        return Models(run.request.options, run.assets, run.store, run.folder.name)

    def _named(self, name: str) -> str:
        """The checkpoint's own name in the place of `self`; paths are relative to the recipe."""
        if name != SELF:
            return self.run.anchored(name)
        return f"{self.run.recipe.sampler}:{self.run.checkpoint(self.number - 1)}"

    def _shown(self, model: Model, doing: str) -> Model:
        self.opened.append(model)
        return Shown(model, Board(self.run.setting.err), f"iter{self.number}: {doing}")


_PLACES: Any = {
    "base": True,
    "chat_template": True,
    "stages": {"__all__": {"training": {"launch"}}},
}
"""What of a recipe says only where something lies."""


def _maker(stage: Stage) -> Any:
    """The module of train/data/ that makes the stage's examples."""
    return import_module(f"train.data.{stage.data.kind}")


def _texts(said: Any) -> Iterator[str]:
    """Every text in it; whatever is no file's name is no file."""
    if isinstance(said, str):
        yield said
    if isinstance(said, Mapping):
        said = [*said.values()]
    if isinstance(said, list | tuple):
        for part in said:
            yield from _texts(part)


def _launch(config: str, data: Path) -> None:
    """Trains in processes of their own, as an accelerate configuration says."""
    command = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", config]
    done = subprocess.run([*command, "-m", "train.fit", str(data)], check=False)  # noqa: S603
    if done.returncode:
        raise ModelError(
            f"expected 'accelerate launch' with {config} to train {data}, it ended with status "
            f"{done.returncode}; its own words are above; the same command goes on"
        )


def _steps(file: Path) -> dict[int, list[dict[str, Any]]]:
    """Figures of the optimiser steps by iteration, each step's last."""
    lines = file.read_bytes().splitlines(keepends=True) if file.is_file() else []
    try:
        whole = [json.loads(line) for line in lines if line.endswith(b"\n")]  # the last may be cut
        known = {(int(line["iteration"]), int(line["step"])): line for line in whole}
    except (ValueError, TypeError, LookupError) as error:
        raise DataError(
            f"expected the figures of a training in {file}, but {error}; the checkpoints are "
            f"whole: move the file away, and the same command ends without its figures"
        ) from error
    by_iteration: dict[int, list[dict[str, Any]]] = {}
    for (iteration, _), line in sorted(known.items()):
        by_iteration.setdefault(iteration, []).append(line)
    return by_iteration


def _row(turn: Turn, steps: Sequence[Mapping[str, Any]]) -> list[str]:
    last = steps[-1] if steps else {}
    told = [f"{last[key]:.3g}" if key in last else "" for key in _TOLD]
    method = turn.stage.method
    return [f"iter{turn.number}", method, str(len(steps)), *told]


_TOLD = ("loss", "log_ratio_chosen", "log_ratio_rejected", "length_chosen", "length_rejected")
_COLUMNS = [
    "checkpoint",
    "method",
    "steps",
    "last loss",
    "log-ratio +",
    "log-ratio −",
    "tokens +",
    "tokens −",
]
