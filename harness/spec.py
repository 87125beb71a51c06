"""Series files, checked at the door: every wrong key is an error that names file, line and remedy.

A series is the checkpoints of one run in the order in which they were made::

    name: sppo
    judge: openai:gpt-4.1                     # optional: else each benchmark's official judge
    decoding: {temperature: 0.7, top_p: 0.9}  # optional: where the protocol leaves it free
    checkpoints:
      - {name: base, model: "hf:mistralai/Mistral-7B-Instruct-v0.2"}
      - {name: iter1, model: "hf:./iter1", parent: base, method: sppo, trained_by_judge: pairrm}

Paths that begin with ./ or ../ are relative to the series file.
"""

from collections import Counter
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from harness.errors import SpecError
from harness.names import public
from harness.price_list import seller
from harness.yaml_file import YamlFile, nearest, read_yaml

_LONGEST = 120


def _folder_name(text: str) -> str:
    """The text, if a folder can be called so and leads nowhere else."""
    if not 1 <= len(text) <= _LONGEST or text[0] == "." or set(text) & set("/\\\0"):
        raise ValueError(f"expected 1 to {_LONGEST} characters, no / or \\, the first no dot")
    return text


FolderName = Annotated[str, AfterValidator(_folder_name)]
"""A name that results are kept under."""


class DecodingSpec(BaseModel):
    """How responses are drawn, where the published protocol leaves it to the model."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    max_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)


class BestOfSpec(BaseModel):
    """The best of several samples instead of one."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    n: int = Field(ge=2)
    """Samples of each prompt; they need a temperature above 0."""
    judge: str
    """Who compares every two of them, by the rubric of the benchmark."""


class Checkpoint(BaseModel):
    """One set of weights of a series."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: FolderName
    model: str
    """Any model name, `SCHEME:REST`."""
    iteration: int | None = Field(default=None, ge=0)
    """Turn of the outer loop, 0 for the base; the parent's and one, or the place, if absent."""
    parent: str | None = None
    method: str | None = None
    trained_by_judge: str | None = None
    """The judge that labelled its training data, if any."""
    judgments: str | None = None
    """Published judgments by the official judge, imported rather than bought again."""
    chat_template: str | None = None
    best_of: BestOfSpec | None = None
    """Answers with the best of several samples by a judge; None answers once."""
    weights: str | None = None
    """Folder of a served model's files: their content becomes part of its identity."""
    samples: int = Field(default=1, ge=1, le=100)
    """Answers of each prompt that are scored: the first is the checkpoint's, further ones tell
    how much of its standard error is chance in answering."""

    def called(self, sample: int) -> str:
        """What its results are kept under: the first sample's (0) by its own name."""
        return f"{self.name}-sample{sample + 1}" if sample else self.name


class Series(BaseModel):
    """Checkpoints that belong together, in the order in which they were made."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: FolderName
    judge: str | None = None
    decoding: DecodingSpec = DecodingSpec()
    checkpoints: Annotated[list[Checkpoint], Field(min_length=1)]


def read_series(path: Path) -> Series:
    """The series of a file.

    Raises:
        SpecError: The file is absent, no YAML, or says something a series file does not say.
    """
    file = read_yaml(path)
    series = file.read_as(Series, "the README shows a series file")
    _check_family(path, series)
    return _counted(_anchored(series, file))


def series_of(models: list[str]) -> Series:
    """The series that a list of model names on the command line makes.

    Raises:
        SpecError: A model comes twice, or its results cannot be called after it.
    """
    tails = [Path(seller(model).model or model).name for model in models]
    names = tails if len(set(tails)) == len(tails) else [public(model) for model in models]
    fit = [name.replace("/", "_").replace("\\", "_")[-_LONGEST:] for name in names]
    try:
        checkpoints = [Checkpoint(name=n, model=m) for n, m in zip(fit, models, strict=True)]
        series = Series(name=fit[0], checkpoints=checkpoints)
    except ValidationError as error:
        raise SpecError(
            f"expected models whose last part can name a folder, came "
            f"{', '.join(map(public, models))!r}; "
            f"give it a name: put it into a series file"
        ) from error
    _check_family("the command line", series)
    return series


def _check_family(origin: Path | str, series: Series) -> None:
    """Names are unique, those of further samples too, and parents stand before their children."""
    called = Counter(c.called(k) for c in series.checkpoints for k in range(c.samples))
    if twice := [name for name, times in called.items() if times > 1]:
        raise SpecError(f"{origin}: expected each checkpoint's name once, '{twice[0]}' comes twice")
    seen: list[str] = []
    for checkpoint in series.checkpoints:
        if checkpoint.parent is not None and checkpoint.parent not in seen:
            raise SpecError(
                f"{origin}: expected the parent of '{checkpoint.name}' to stand before it, "
                f"'{checkpoint.parent}' does not{nearest(checkpoint.parent, seen)}"
            )
        seen.append(checkpoint.name)


_PATHS = ("model", "judgments", "weights", "trained_by_judge")


def _anchored(series: Series, file: YamlFile) -> Series:
    """The series with paths that begin with a dot made relative to its file."""

    def anchor(name: str | None) -> str | None:
        return name and file.anchor(name)

    def anchored(c: Checkpoint) -> Checkpoint:
        update: dict[str, object] = {key: anchor(getattr(c, key)) for key in _PATHS}
        if c.best_of is not None:
            judge = anchor(c.best_of.judge)
            update["best_of"] = c.best_of.model_copy(update={"judge": judge})
        return c.model_copy(update=update)

    checkpoints = [anchored(c) for c in series.checkpoints]
    return series.model_copy(update={"checkpoints": checkpoints, "judge": anchor(series.judge)})


def _counted(series: Series) -> Series:
    """The series with the iteration of every checkpoint."""
    iterations: dict[str, int] = {}
    for place, one in enumerate(series.checkpoints):
        counted = place if one.parent is None else iterations[one.parent] + 1
        iterations[one.name] = counted if one.iteration is None else one.iteration
    checkpoints = [
        c.model_copy(update={"iteration": iterations[c.name]}) for c in series.checkpoints
    ]
    return series.model_copy(update={"checkpoints": checkpoints})
