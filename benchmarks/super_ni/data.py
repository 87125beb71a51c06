"""Super-NaturalInstructions' official files: the names of the test tasks, and a file for each."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from harness.errors import DataError
from harness.types import Assets

FOLDER = "super_natural_instructions"
NAMES = f"{FOLDER}/test_tasks.txt"
FIRST = 100
"""Instances of a task that the official evaluation uses."""
SHOTS = 2
"""Positive examples that a prompt can show."""


class Pair(NamedTuple):
    """An input with an output."""

    input: str
    output: str


class Instance(NamedTuple):
    """One instance of a task."""

    task: str
    id: str
    input: str
    golds: tuple[str, ...]
    """Every right output, at least one."""

    @property
    def prompt_id(self) -> str:
        """Unique in the benchmark."""
        return f"super_ni/{self.task}/{self.id}"


class Task(NamedTuple):
    """A test task."""

    name: str
    category: str
    definition: str
    examples: tuple[Pair, ...]
    """The first positive examples."""
    instances: tuple[Instance, ...]
    """The first hundred."""


def names(assets: Assets) -> list[str]:
    """The 119 English test tasks, in official order."""
    return assets.read(NAMES).decode().split()


def at_hand(assets: Assets) -> list[Task]:
    """The test tasks whose files are on this machine; all that can be had, if none are.

    Raises:
        DataError: A file is not of the published form, or none can be had.
    """
    known = {*assets.names(f"{FOLDER}/tasks/")}
    files = {name: asset(name) for name in names(assets) if asset(name) in known}
    here = {name: file for name, file in files.items() if assets.has(file)} or files
    return [read_task(name, assets.read(file)) for name, file in here.items()]


def asset(task: str) -> str:
    """The name of a task's file."""
    return f"{FOLDER}/tasks/{task}.json"


def first_hundred(raw: bytes, _assets: Assets) -> bytes:
    """A task's published file with its first hundred instances, whose hash the catalogue pins."""
    task = json.loads(raw)
    task["Instances"] = task["Instances"][:FIRST]
    return json.dumps(task, indent=1, ensure_ascii=False).encode()


@lru_cache(maxsize=128)
def read_task(name: str, content: bytes) -> Task:
    """A task's file.

    Raises:
        DataError: It lacks a field, or one is of another kind; an instance has no right output, or
            repeats another's id.
    """
    try:
        rows: object = json.loads(content)
    except ValueError as error:
        raise DataError(f"expected JSON in {asset(name)}, but {error}; is it cut short?") from error
    instances = tuple(
        _instance(name, row, number)
        for number, row in enumerate(_filled(rows, "Instances", name)[:FIRST])
    )
    _check_ids(name, instances)
    return Task(
        name,
        _filled(rows, "Categories", name)[0],
        _text(_filled(rows, "Definition", name)[0], f"'Definition' of {name}"),
        tuple(_pair(row, name) for row in _filled(rows, "Positive Examples", name)[:SHOTS]),
        instances,
    )


def _filled(rows: object, key: str, where: str) -> Sequence[Any]:
    """The entries under a key, one at least; a single text is an entry."""
    value = rows.get(key) if isinstance(rows, Mapping) else None
    entries = [value] if isinstance(value, str) else value
    if not isinstance(entries, list) or not entries:
        raise DataError(
            f"expected entries under '{key}' of {where}, came {value!r:.40}; "
            f"is it a task file of natural-instructions?"
        )
    return entries


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise DataError(f"expected a text as {where}, came {value!r:.40}; check the task's file")
    return value


def _field(row: object, key: str, where: str) -> str:
    value = row.get(key) if isinstance(row, Mapping) else None
    return _text(value, f"'{key}' of {where}")


def _pair(row: object, name: str) -> Pair:
    where = f"a positive example of {name}"
    return Pair(_field(row, "input", where), _field(row, "output", where))


def _instance(name: str, row: object, number: int) -> Instance:
    where = f"instance {number} of {name}"
    golds = tuple(_text(gold, f"an output of {where}") for gold in _filled(row, "output", where))
    return Instance(name, _field(row, "id", where), _field(row, "input", where), golds)


def _check_ids(name: str, instances: Sequence[Instance]) -> None:
    seen: set[str] = set()
    for one in instances:
        if one.id in seen:
            raise DataError(f"expected ids of their own in {name}, {one.id} comes twice")
        seen.add(one.id)
