"""Recipes: which checkpoints to make, from what, and how; checked at the door as series files are.

    name: sppo-tiny
    base: hf:./base
    prompts: {source: ./prompts.jsonl, parts: 3}
    stages:
      - repeat: 3
        data: {kind: compared, judge: pairrm}
        objective: {name: sppo, eta: 5}
        training: {learning_rate: 3e-4}
    variants:
      fast: {stages: [{data: {samples: 2}}]}

Paths that begin with ./ or ../ are relative to the recipe.
"""

import operator
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache, reduce
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    create_model,
    model_validator,
)

from harness import registry
from harness.errors import UnknownNameError
from harness.spec import FolderName
from harness.yaml_file import YamlFile, nearest, read_yaml

_DOOR = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
_Share = Annotated[float, Field(ge=0, lt=1)]
_M = TypeVar("_M", bound=BaseModel)
_Texts = Annotated[tuple[str, ...], Field(strict=False)]  # YAML has lists only


class Lora(BaseModel):
    """Low-rank updates, trained in the place of the weights and added to them at the end."""

    model_config = _DOOR

    r: PositiveInt = 16
    """Rank of each update."""
    alpha: PositiveFloat = 32.0
    """Updates are multiplied by alpha / r."""
    dropout: _Share = 0.0
    targets: str | _Texts = "all-linear"
    """Names of the layers that are updated."""


class Training(BaseModel):
    """How the weights are moved; the same for every objective."""

    model_config = _DOOR

    learning_rate: PositiveFloat
    """The highest of the schedule."""
    final_learning_rate: NonNegativeFloat = 0.0
    """Where the schedule ends, at most the highest."""
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    """How the rate falls after the warm-up."""
    warmup: _Share = 0.0
    """Share of the schedule in which the rate rises from 0."""
    schedule_epochs: PositiveFloat | None = None
    """Length of the schedule, if it is not the training's: a training may stop inside it."""
    batch_size: PositiveInt = 64
    """Examples of an optimiser step, over all devices and accumulation."""
    micro_batch: PositiveInt = 8
    """Examples in one forward pass on one device."""
    epochs: PositiveFloat = 1.0
    """Passes over the examples, in each iteration."""
    steps: PositiveInt | None = None
    """Optimiser steps, in the place of epochs."""
    optimizer: Literal["adamw", "rmsprop"] = "adamw"
    betas: Annotated[tuple[_Share, _Share], Field(strict=False)] = (0.9, 0.999)
    """Adam's decay rates of the two moments."""
    epsilon: PositiveFloat = 1e-8
    """Of either optimiser: added to what a gradient is divided by."""
    weight_decay: NonNegativeFloat = 0.0
    max_grad_norm: PositiveFloat = 1.0
    """Longer gradients are shortened to this."""
    max_length: PositiveInt | None = None
    """Tokens of prompt and response; longer responses lose their end."""
    max_prompt_length: PositiveInt | None = None
    """Tokens of the prompt; longer prompts lose their beginning."""
    dropout: _Share = 0.0
    """Rate of every dropout that the architecture has: Llama's kind has attention's alone."""
    gradient_checkpointing: bool = False
    """Whether activations are computed twice rather than kept: slower, in less memory."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Precision of the forward pass; auto is bfloat16 on a GPU and float32 elsewhere."""
    seed: Annotated[int, Field(ge=0)] = 0
    lora: Lora | None = None
    """None moves all weights."""
    save_every: PositiveInt | None = None
    """Optimiser steps between states to resume from; None keeps none inside an iteration."""
    report_to: _Texts = ()
    """Integrations of transformers that see every step: tensorboard, wandb."""
    launch: str | None = None
    """An accelerate configuration file: FSDP, DeepSpeed, several devices."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.final_learning_rate > self.learning_rate:
            raise ValueError("expected final_learning_rate to be at most learning_rate")
        if self.batch_size % min(self.batch_size, self.micro_batch):
            raise ValueError("expected batch_size to be a multiple of micro_batch")
        if self.schedule == "constant" and self.final_learning_rate:
            raise ValueError("expected no final_learning_rate where the schedule is constant")
        return self


class Prompts(BaseModel):
    """What is asked during training."""

    model_config = _DOOR

    source: str
    """As `train.prompts.read_rows` takes it."""
    column: str = "prompt"
    parts: PositiveInt = 1
    """How many disjoint parts there are; each iteration takes the next one, whatever its stage."""


class ObjectiveSpec(BaseModel):
    """A function of train/objectives.py, with its keyword-only parameters as further fields."""

    model_config = _DOOR

    name: str

    @property
    def settings(self) -> dict[str, float]:
        """The parameters by name, in the ranges that the function's annotations give."""
        return self.model_dump(exclude={"name"})


class Stage(BaseModel):
    """Iterations that are made alike, each from the checkpoint before it."""

    model_config = _DOOR

    repeat: PositiveInt = 1
    """How many iterations."""
    prompts: Prompts | None = None
    """What these iterations ask, in the place of the recipe's."""
    data: Any
    """`Settings` of the module of train/data/ that its `kind` names."""
    objective: ObjectiveSpec
    parent: Literal["newest", "base"] = "newest"
    """The checkpoint that each iteration's weights begin with; data are made by the newest."""
    method: str = Field(default_factory=lambda known: known["objective"].name)
    """What the series file calls it; the objective's name if absent."""
    training: Training

    @model_validator(mode="after")
    def _reads(self) -> Self:
        from train.criterion import Criterion  # imports torch
        from train.objectives import OBJECTIVES

        needed, made = Criterion(self.objective.name, {}).needs, self.data.makes
        if not needed <= made:
            fit = [name for name in OBJECTIVES if Criterion(name, {}).needs <= made]
            others = [
                kind.__name__.rpartition(".")[2]
                for kind in _kinds()
                if needed <= kind.Settings.makes
            ]
            raise ValueError(
                f"expected data with {' and '.join(sorted(needed - made))} for the objective "
                f"'{self.objective.name}', which the kind {' or '.join(others) or 'of none'} has; "
                f"objectives for '{self.data.kind}': {', '.join(fit)}"
            )
        return self

    @model_validator(mode="after")
    def _orders(self) -> Self:
        if getattr(self.data, "select", "") == "all" and self.objective.name != "sppo":
            raise ValueError(
                f"expected the objective 'sppo' with 'select: all', whose pairs are in no order, "
                f"not '{self.objective.name}'"
            )
        return self


def _folder_or_id(name: str) -> str:
    if not name.removeprefix("hf:") or not name.startswith("hf:"):
        raise ValueError("expected hf:FOLDER or hf:OWNER/NAME, weights that can be trained")
    return name


def _backend(name: str) -> str:
    known = registry.backends()
    if name not in known:
        raise ValueError(
            f"no backend is called so{nearest(name, known)}; known: {', '.join(known)}"
        )
    return name


class Recipe(BaseModel):
    """A run of training, from a base checkpoint through all its iterations."""

    model_config = _DOOR

    name: FolderName
    """What the run is called; a variant's name follows it after a hyphen."""
    base: Annotated[str, AfterValidator(_folder_or_id)]
    """The model that it begins with."""
    chat_template: str | None = None
    """File of a Jinja template that is saved with the checkpoints; None is the base's own."""
    sampler: Annotated[str, AfterValidator(_backend)] = "hf"
    """The backend by which checkpoints answer."""
    prompts: Prompts | None = None
    """None where the data has prompts of its own."""
    held_out: list[str] = []
    """Benchmarks whose prompts may not be trained on."""
    stages: Annotated[list[Stage], Field(min_length=1)]
    """In order."""
    variants: dict[FolderName, dict[str, Any]] = Field(default={}, exclude=True)
    """Partial recipes by name, each laid over this one when it is asked for; never part of it."""


def read_recipe(path: Path, variant: str | None = None) -> Recipe:
    """The recipe of a file, or a variant of it; all variants are checked.

    Raises:
        SpecError: The file is absent, no YAML, or says something a recipe does not say.
        UnknownNameError: It has no such variant.
    """
    file = read_yaml(path)
    recipe = _read(file)
    variants = {name: _read(file.overlaid("variants", name)) for name in recipe.variants}
    if variant is None:
        return recipe
    if variant not in variants:
        raise UnknownNameError(f"variant of {path}", variant, variants)
    return variants[variant].model_copy(update={"name": f"{recipe.name}-{variant}"})


def _read(file: YamlFile) -> Recipe:
    """The recipe with its paths made relative to its file; prompts are read beside it anyway."""
    recipe = file.read_as(_shape(), "the files of train/recipes/ are recipes")

    def anchored(model: _M, *keys: str) -> _M:
        paths = {key: getattr(model, key) for key in keys}
        return model.model_copy(update={k: file.anchor(path) for k, path in paths.items() if path})

    stages = [
        stage.model_copy(update={"training": anchored(stage.training, "launch")})
        for stage in recipe.stages
    ]
    return anchored(recipe, "base", "chat_template").model_copy(update={"stages": stages})


@cache
def _shape() -> type[Recipe]:
    """`Recipe` with the kinds of data and the objectives that there are."""
    from train.objectives import OBJECTIVES  # imports torch

    kinds = [module.Settings for module in _kinds()]
    stage = create_model(
        "Stage",
        __base__=Stage,
        data=_one_of("kind", kinds),
        objective=_one_of("name", map(_spec, OBJECTIVES, OBJECTIVES.values())),
    )
    stages: Any = (GenericAlias(list, (stage,)), Field(min_length=1))
    return create_model("Recipe", __base__=Recipe, stages=stages)


def _kinds() -> list[Any]:
    """The modules of train/data/."""
    package = "train.data"
    files = pkgutil.iter_modules(import_module(package).__path__)
    return [import_module(f"{package}.{file.name}") for file in files]


def _one_of(tag: str, models: Iterable[type[BaseModel]]) -> Any:
    return reduce(operator.or_, models), Field(discriminator=tag)


def _spec(name: str, objective: Any) -> type[ObjectiveSpec]:
    parameters = signature(objective).parameters.values()
    keys: Mapping[str, Any] = {
        p.name: (p.annotation, ... if p.default is Parameter.empty else p.default)
        for p in parameters
        if p.kind is Parameter.KEYWORD_ONLY
    }
    tag: Any = Literal.__getitem__(name)
    return create_model(name, __base__=ObjectiveSpec, name=(tag, ...), **keys)
