"""Opens the tasks of a suite: lm-eval's definitions over official files, or over the hub's data."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from harness.lm_eval.asking import Document, documents
from harness.lm_eval.local import Reader, Source, source_of
from harness.lm_eval.package import folder_of, open_tasks, quiet
from harness.types import Assets, Prompt

Names = Callable[[], Sequence[str]]


class Part(NamedTuple):
    """One figure of a benchmark: a metric of a task, or its plain mean over several tasks."""

    name: str
    """Of the score."""
    tasks: Names
    """lm-eval's names."""
    metric: str = ""
    """Empty is every metric of the task, the first of its definition before the others."""
    filter: str = ""
    """Which of the task's filters; empty is the first."""
    shots: int | None = None
    """Examples before each question; None is as the task says."""
    config: Mapping[str, Any] = {}
    """Further entries of the tasks' configuration that differ."""


class Suite(NamedTuple):
    """Which tasks make a benchmark, and how they are asked."""

    parts: Sequence[Part]
    hub: bool = False
    """Data from the Hugging Face hub, as lm-eval takes them, even where official files are here."""
    chat: bool = False
    """Through the model's chat template, examples in the user's turn."""


def only(*tasks: str) -> Names:
    """These tasks."""
    return lambda: tasks


class Opened(NamedTuple):
    """The tasks of a suite with the data of one mirror."""

    assets: Assets
    documents: Mapping[str, Sequence[Document]]
    """By task."""
    parts: Sequence[tuple[Part, Sequence[str]]]
    """Each part with the names of its tasks."""
    doubts: Mapping[str, str]
    """By task."""
    local: bool
    """Whether all data are official files."""

    @property
    def prompts(self) -> list[Prompt]:
        """All prompts, task by task and document by document."""
        return [
            asked.prompt
            for task in self.documents.values()
            for document in task
            for asked in document.asked
        ]


def open_suite(name: str, suite: Suite, assets: Assets) -> Opened:
    """The tasks of a suite, with every request that they make.

    Raises:
        ModelError: lm-eval is not installed.
        UnknownNameError: It has no such task.
        DataError: The data of a task cannot be had.
    """
    reader, found = Reader(assets), dict[str, list[Document]]()
    parts, doubts, local = list[tuple[Part, Sequence[str]]](), dict[str, str](), True
    for part in suite.parts:
        names = part.tasks()
        sources = {task: None if suite.hub else source_of(task) for task in names}
        tasks = open_tasks(*specs_of(part, names, reader, hub=suite.hub))
        local = local and None not in sources.values()
        with quiet():
            for task in tasks:
                found[task.task_name] = documents(name, task, chat=suite.chat)
        for task, source in sources.items():
            if source and source.doubt and found[task][0].task.config.num_fewshot:
                doubts[task] = source.doubt
        parts.append((part, [task.task_name for task in tasks]))
    return Opened(assets, found, parts, doubts, local)


def specs_of(
    part: Part, tasks: Sequence[str], reader: Reader, *, hub: bool
) -> tuple[list[dict[str, Any]], list[str]]:
    """What lm-eval is told of each task, and where it finds their definitions.

    Raises:
        DataError: An official file cannot be had.
    """
    shots = {} if part.shots is None else {"num_fewshot": part.shots}
    specs, folders = [], set[str]()
    for task in tasks:
        source = None if hub else source_of(task)
        known = [source.folder] if source else folder_of(task)
        local = {} if source is None else _local(source, reader)
        specs.append({"task": task, **shots, **local, **part.config})
        folders.update(known or [""])  # "" is not known: all of them are looked through
    return specs, [] if "" in folders else sorted(folders)


def _local(source: Source, reader: Reader) -> dict[str, Any]:
    splits = source.splits(reader)  # here, so that a file that is missing is told as such

    def dataset(**_: Any) -> dict[str, Any]:
        from datasets import Dataset

        return {split: Dataset.from_list(found) for split, found in splits.items()}

    return {**source.config, "custom_dataset": dataset}
