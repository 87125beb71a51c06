"""Super-NaturalInstructions with two tasks of our own in the place of the official ones."""

import json
from collections.abc import Mapping
from typing import Any

from benchmarks.super_ni.data import NAMES, asset

TASK: dict[str, Any] = {
    "Categories": ["Title Generation"],
    "Definition": ["Give the text a title"],
    "Positive Examples": [
        {"input": "It rained all day.", "output": "Rain", "explanation": "short"},
        {"input": " A cat slept ", "output": "Sleeping cat!"},
        {"input": "never", "output": "shown"},
    ],
    "Negative Examples": [],
    "Instances": [
        {"id": "t1-a", "input": "He was running home", "output": ["Running home", "The runner"]},
        {"id": "t1-b", "input": "What is it?", "output": ["A question"]},
    ],
}
OTHER = {
    **TASK,
    "Categories": ["Textual Entailment"],
    "Instances": [{"id": f"t2-{i}", "input": f"{i}", "output": ["yes"]} for i in range(101)],
}
FILES = {"task1_titles": TASK, "task2_entailment": OTHER}
THREE = [*FILES, "task3_absent"]


class Small:
    """Official files of three test tasks; one is on no machine."""

    def __init__(self, here: Mapping[str, Any] = FILES, tasks: list[str] = THREE) -> None:
        self._files = {asset(name): json.dumps(task).encode() for name, task in here.items()}
        self._files[NAMES] = "\n".join(tasks).encode()

    def read(self, name: str) -> bytes:
        return self._files[name]

    def has(self, name: str) -> bool:
        return name in self._files

    def names(self, prefix: str) -> list[str]:
        return [name for name in map(asset, THREE) if name.startswith(prefix)]
