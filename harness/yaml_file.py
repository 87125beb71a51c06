"""YAML files checked at the door: every wrong key is an error that names file, line and remedy."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from harness.errors import SpecError
from harness.names import anchored

_M = TypeVar("_M", bound=BaseModel)
_Where = tuple[int | str, ...]


class _Loader(yaml.SafeLoader):
    """PyYAML's, that reads 5e-7 as a number too, as YAML 1.2 does."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


@dataclass(frozen=True)
class YamlFile:
    """What a file says, with the lines on which it says it."""

    path: Path
    node: yaml.Node | None

    def read_as(self, model: type[_M], example: str) -> _M:
        """The file's content as a model.

        Args:
            model: The keys that the file may have; its fields are documented where it is.
            example: A clause that says where such a file is shown.

        Raises:
            SpecError: A key is unknown or missing, or a value is none of the allowed ones.
        """
        content = _content(self.node)
        if not isinstance(content, dict):
            raise SpecError(
                f"expected {_required(model)} in {self.path}, came {content!r:.40}; {example}"
            )
        try:
            return model.model_validate(content)
        except ValidationError as error:
            raise SpecError(f"{self.path}:{_explain(self.node, model, error)}") from error

    def pairs(self) -> dict[str, str]:
        """The file's content as texts by text.

        Raises:
            SpecError: It holds something else.
        """
        content = _content(self.node)
        if not isinstance(content, dict) or not all(
            isinstance(text, str) for pair in content.items() for text in pair
        ):
            raise SpecError(f"expected lines of 'NAME: TEXT' in {self.path}, came {content!r:.40}")
        return content

    def overlaid(self, *where: str) -> "YamlFile":
        """The file with a part of it laid over the whole.

        Mappings are merged key by key and lists of mappings entry by entry; every other value of
        the part takes the place of the file's.
        """
        return replace(self, node=_overlaid(self.node, _at(self.node, where)))

    def anchor(self, name: str) -> str:
        """A path or `SCHEME:PATH` that begins with ./ or ../, made relative to the file."""
        return anchored(name, self.path.parent)


def read_yaml(path: Path) -> YamlFile:
    """The file, parsed.

    Raises:
        SpecError: It is absent or no YAML, or has a key twice.
    """
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_Loader)
        _check_keys_once(path, node)
        _content(node)
    except (
        OSError,
        ValueError,
        KeyError,
        AttributeError,
        RecursionError,
        yaml.YAMLError,
    ) as error:
        cause = " ".join(str(error).split())
        raise SpecError(f"expected a YAML file at {path}, but {cause}") from error
    return YamlFile(path, node)


def nearest(name: str, known: Sequence[str]) -> str:
    """The clause that suggests the nearest known name; empty when none is near."""
    near = get_close_matches(name, known, n=1)
    return f", did you mean '{near[0]}'?" if near else ""


def _content(node: yaml.Node | None) -> Any:
    return None if node is None else _Loader("").construct_document(node)


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


def _overlaid(below: Any, above: Any) -> Any:
    """A node of the file with a node of the part laid over it; None where there is none."""
    if above is None or below is None:
        return below if above is None else above
    if isinstance(below, yaml.MappingNode) and isinstance(above, yaml.MappingNode):
        pairs = {str(key.value): (key, value) for key, value in below.value}
        for key, value in above.value:
            _, known = pairs.get(str(key.value), (None, None))
            pairs[str(key.value)] = (key, _overlaid(known, value))
        return yaml.MappingNode(below.tag, list(pairs.values()), above.start_mark, above.end_mark)
    if _lists_mappings(below) and _lists_mappings(above):
        entries = [_overlaid(*both) for both in zip_longest(below.value, above.value)]
        return yaml.SequenceNode(below.tag, entries, above.start_mark, above.end_mark)
    return above


def _lists_mappings(node: yaml.Node) -> bool:
    return isinstance(node, yaml.SequenceNode) and all(
        isinstance(entry, yaml.MappingNode) for entry in node.value
    )


def _explain(node: yaml.Node | None, model: type[BaseModel], error: ValidationError) -> str:
    """The line of the first thing that is wrong, what it is, and what would be right."""
    # A key that is misspelt is missing too; the letters that came say more.
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    kind, context = first["type"], first.get("ctx", {})
    where = tuple(part for part in first["loc"] if part != "[key]")  # wrong is the key itself
    if kind.startswith("union_tag"):
        where += (context["discriminator"].strip("'"),)
    path = _path(node, where)
    key = ".".join(str(part) for part in path) or "the file"
    line = _line(node, path)
    if kind == "extra_forbidden":
        known = _keys_at(model, where[:-1])
        return (
            f"{line}: there is no key '{key}'{nearest(str(where[-1]), known)}; "
            f"keys here: {', '.join(known)}"
        )
    if kind in {"missing", "union_tag_not_found"}:
        return f"{line}: the key '{key}' is missing"
    if kind == "union_tag_invalid":
        tags = [tag.strip("'") for tag in context["expected_tags"].split(", ")]
        return (
            f"{line}: '{key}': there is no '{context['tag']}'{nearest(context['tag'], tags)}; "
            f"known: {', '.join(tags)}"
        )
    return f"{line}: '{key}': {_wrong(model, where, first)}"


def _wrong(model: type[BaseModel], where: _Where, error: Any) -> str:
    """What a value should be, and what came; a whole mapping is better read in the file."""
    came = error["input"]
    if error["type"] in {"model_type", "model_attributes_type"}:
        return f"expected the keys {', '.join(_keys_at(model, where))}, came {came!r:.60}"
    said = error["msg"].removeprefix("Value error, ")
    said = f"{said[0].lower()}{said[1:]}"
    return said if isinstance(came, dict) else f"{said}, came {came!r:.60}"


def _path(node: yaml.Node | None, where: _Where) -> _Where:
    """The keys on the way, without what pydantic puts between them: which alternative it tried."""
    path: _Where = ()
    for place, part in enumerate(where, start=1):
        inner = _step(node, part)
        absent = place == len(where) and isinstance(node, yaml.CollectionNode)
        if inner is not None or absent:
            path += (part,)
            node = node if inner is None else inner[1]
    return path


def _line(node: yaml.Node | None, path: _Where) -> int:
    """The line, from 1, on which a key or list entry stands, or the nearest one around it."""
    line = 1
    for part in path:
        inner = _step(node, part)
        if inner is not None:
            line, node = inner[0].start_mark.line + 1, inner[1]
    return line


def _at(node: Any, where: Sequence[str]) -> Any:
    for part in where:
        _, node = _step(node, part) or (None, None)
    return node


def _step(node: yaml.Node | None, part: int | str) -> tuple[Any, Any] | None:
    """Where a key or a list entry stands, and what it holds; None when it is not there."""
    if isinstance(node, yaml.MappingNode):
        # From the end: what a mapping says itself comes after what it takes from an anchor.
        return next(((k, v) for k, v in reversed(node.value) if k.value == str(part)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        return next(((entry, entry) for entry in node.value[part : part + 1]), None)
    return None


def _required(model: type[BaseModel]) -> str:
    keys = [f"'{name}'" for name, field in model.model_fields.items() if field.is_required()]
    return " and ".join(filter(None, [", ".join(keys[:-1]), keys[-1]]))


def _keys_at(model: type[BaseModel], where: _Where) -> list[str]:
    """The keys of the model that stands there, inside another."""
    owners = [model]
    for part in where:
        fields = [_keys(owner)[str(part)] for owner in owners if part in _keys(owner)]
        inner = [found for field in fields for found in _models(field.annotation)]
        owners = inner or [owner for owner in owners if _is_alternative(owner, part)] or owners
    return [*dict.fromkeys(key for owner in owners for key in _keys(owner))]


def _keys(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields by what they are called in a file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every model in an annotation such as `list[A] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _is_alternative(model: type[BaseModel], tag: int | str) -> bool:
    """Whether one of the model's keys has this one value: `kind: Literal["compared"]`."""
    return any(get_args(field.annotation) == (tag,) for field in model.model_fields.values())
