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

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from harness.errors import SpecError
from harness.names import public
from harness.pricing import seller

_LONGEST = 120


def _folder_name(text: str) -> str:
    """The text, if a folder can be called so and leads nowhere else."""
    if not 1 <= len(text) <= _LONGEST or text[0] == "." or set(text) & set("/\\\0"):
        raise ValueError(f"expected 1 to {_LONGEST} characters, no / or \\, the first no dot")
    return text


_Name = Annotated[str, AfterValidator(_folder_name)]


class DecodingSpec(BaseModel):
    """How responses are drawn, where the published protocol leaves it to the model."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    max_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)


class Checkpoint(BaseModel):
    """One set of weights of a series."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: _Name
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
    weights: str | None = None
    """Folder of a served model's files: their content becomes part of its identity."""


class Series(BaseModel):
    """Checkpoints that belong together, in the order in which they were made."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: _Name
    judge: str | None = None
    decoding: DecodingSpec = DecodingSpec()
    checkpoints: Annotated[list[Checkpoint], Field(min_length=1)]


def read_series(path: Path) -> Series:
    """The series of a file.

    Raises:
        SpecError: The file is absent, no YAML, or says something a series file does not say.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except (OSError, ValueError, KeyError, AttributeError, yaml.YAMLError) as error:
        raise SpecError(f"expected a YAML file at {path}, but {_one_line(error)}") from error
    _check_keys_once(path, node)
    if not isinstance(content, dict):
        raise SpecError(
            f"expected 'name' and 'checkpoints' in {path}, came {content!r:.40}; "
            f"the README shows a series file"
        )
    try:
        series = Series.model_validate(content)
    except ValidationError as error:
        raise SpecError(_explain(path, node, error)) from error
    _check_family(path, series)
    return _counted(_anchored(series, path.parent))


def _check_keys_once(path: Path, node: yaml.Node | None) -> None:
    """YAML lets a repeated key win silently."""
    if isinstance(node, yaml.SequenceNode):
        for entry in node.value:
            _check_keys_once(path, entry)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if str(key.value) in seen:
                line = key.start_mark.line + 1
                raise SpecError(f"{path}:{line}: expected each key once, '{key.value}' comes twice")
            seen.add(str(key.value))
            _check_keys_once(path, value)


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
    """Names are unique, and parents stand before their children."""
    seen: list[str] = []
    for checkpoint in series.checkpoints:
        if checkpoint.name in seen:
            raise SpecError(
                f"{origin}: expected each checkpoint's name once, '{checkpoint.name}' comes twice"
            )
        if checkpoint.parent is not None and checkpoint.parent not in seen:
            raise SpecError(
                f"{origin}: expected the parent of '{checkpoint.name}' to stand before it, "
                f"'{checkpoint.parent}' does not{_nearest(checkpoint.parent, seen)}"
            )
        seen.append(checkpoint.name)


_PATHS = ("judgments", "weights")


def _anchored(series: Series, folder: Path) -> Series:
    """The series with paths that begin with a dot made relative to its file."""

    def anchor(text: str | None) -> str | None:
        head, colon, tail = (text or "").rpartition(":")
        return f"{head}{colon}{folder / tail}" if tail.startswith(("./", "../")) else text

    checkpoints = [
        c.model_copy(update={key: anchor(getattr(c, key)) for key in ("model", *_PATHS)})
        for c in series.checkpoints
    ]
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


def _explain(path: Path, node: yaml.Node | None, error: ValidationError) -> str:
    """The first thing that is wrong, with its line and what would be right."""
    first = error.errors()[0]
    where = first["loc"]
    key = ".".join(str(part) for part in where) or "the file"
    line = _line(node, where)
    if first["type"] == "extra_forbidden":
        known = _keys_at(where)
        return (
            f"{path}:{line}: there is no key '{key}'{_nearest(str(where[-1]), known)}; "
            f"keys here: {', '.join(known)}"
        )
    if first["type"] == "missing":
        return f"{path}:{line}: the key '{key}' is missing"
    wrong = first["msg"].removeprefix("Value error, ").lower()
    return f"{path}:{line}: '{key}': {wrong}, came {first['input']!r:.60}"


def _line(node: yaml.Node | None, where: tuple[int | str, ...]) -> int:
    """The line, from 1, on which a key or list entry stands, or the nearest one around it."""
    line = 1
    for part in where:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if pair is None:
                return line
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def _keys_at(where: tuple[int | str, ...]) -> list[str]:
    models: dict[str, type[BaseModel]] = {"decoding": DecodingSpec, "checkpoints": Checkpoint}
    owner = models.get(str(where[0]), Series) if len(where) > 1 else Series
    return list(owner.model_fields)


def _nearest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f", did you mean '{near[0]}'?" if near else ""


def _one_line(error: Any) -> str:
    return " ".join(str(error).split())
