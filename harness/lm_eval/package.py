"""The lm-eval package: whether it is there, its tasks by name, and its manners while it works."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.errors import DataError, ModelError, SpecError, UnknownNameError

_RENDERED = 1 << 15
"""Texts that are kept while a task's requests are made."""
SEED = 1234
"""Of few-shot examples: what lm-eval takes unless it is told another."""


def version() -> str:
    """The version that is installed.

    Raises:
        ModelError: None is.
    """
    if find_spec("lm_eval") is None:
        raise ModelError(
            "expected lm-eval for benchmarks that use its tasks, it is not installed; "
            "pip install 'iterbench[lm-eval]'"
        )
    return metadata.version("lm_eval")


def open_tasks(specs: Sequence[Mapping[str, Any]], folders: Sequence[str]) -> list[Any]:
    """lm-eval's tasks, their few-shot examples seeded as lm-eval does.

    Args:
        specs: Each a task, group or tag as "task", with entries of its configuration that differ.
        folders: Where its definitions are, inside lm-eval's `tasks`; all of them if empty.

    Raises:
        UnknownNameError: lm-eval has no such task.
        DataError: The data of a task cannot be had.
        SpecError: A task runs code that a model writes, or shows it pictures or sound.
    """
    version()
    with quiet():
        manager = _manager(tuple(folders))
        unknown = [s["task"] for s in specs if s["task"] not in manager.task_index]
        if unknown:
            raise UnknownNameError("task of lm-eval", unknown[0], manager.task_index)
        tasks = [task for spec in specs for task in _load(manager, spec)]
    for task in tasks:
        _check(task)
        if task.config.num_fewshot is None:
            task.set_config("num_fewshot", 0)
        task.set_fewshot_seed(SEED)
    return tasks


def folder_of(task: str) -> list[str]:
    """Where a task of that name is defined, if a file is called so; else nothing is told."""
    found = sorted(_root().rglob(f"{task}.yaml"))
    return [str(file.parent.relative_to(_root())) for file in found[:1]]


@lru_cache(maxsize=8)
def defined(folder: str, prefix: str) -> tuple[str, ...]:
    """Tasks that have a file of their own in a folder, by the beginning of their names."""
    return tuple(sorted(file.stem for file in (_root() / folder).glob(f"{prefix}*.yaml")))


class _Same:
    """A document as itself: equal to no other, whatever that holds."""

    __slots__ = ("document",)

    def __init__(self, document: Any) -> None:
        self.document = document

    def __hash__(self) -> int:
        return id(self.document)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.document is other.document


@contextmanager
def quiet() -> Iterator[None]:
    """lm-eval without its bars and remarks, and with no text rendered twice.

    It compiles a template anew for every document and renders each example wherever it is shown,
    which takes longer than all else.
    """
    from lm_eval import utils
    from lm_eval.api import task

    log, level = logging.getLogger("lm_eval"), logging.getLogger("lm_eval").level
    render, bar = utils.apply_template, task.tqdm
    compiled = lru_cache(maxsize=1024)(utils.env.from_string)

    @lru_cache(maxsize=_RENDERED)
    def rendered(template: str, same: _Same) -> str:
        return str(compiled(template).render(**same.document))

    log.setLevel(logging.ERROR)
    utils.apply_template = lambda template, document: rendered(template, _Same(document))
    task.tqdm = _no_bar
    try:
        yield
    finally:
        log.setLevel(level)
        utils.apply_template, task.tqdm = render, bar


def _no_bar(things: Iterable[Any], **_: Any) -> Iterable[Any]:
    return things


def _root() -> Path:
    version()
    import lm_eval

    return Path(str(lm_eval.__file__)).parent / "tasks"


@lru_cache(maxsize=8)
def _manager(folders: tuple[str, ...]) -> Any:
    from lm_eval.tasks import TaskManager

    if not folders:
        return TaskManager()
    return TaskManager(include_defaults=False, include_path=[_root() / name for name in folders])


def _load(manager: Any, spec: Mapping[str, Any]) -> list[Any]:
    # A group of our own is lm-eval's way to change entries of a task's configuration.
    group = {"group": f"iterbench {spec['task']}", "task": [dict(spec)]}
    try:
        return list(manager.load([group])["tasks"].values())
    except ImportError as error:
        raise ModelError(f"lm-eval's task '{spec['task']}' needs more: {error}") from error
    except (OSError, RuntimeError, ValueError) as error:
        cause = str(error).split("\n")[0][:200]
        raise DataError(
            f"expected the data of lm-eval's task '{spec['task']}', they cannot be had ({cause}); "
            f"go online, or see what HF_HOME holds"
        ) from error


_UNFIT = {"UNSAFE_CODE": "runs what the model writes", "MULTIMODAL": "shows pictures or sound"}
"""What lm-eval marks tasks with that are not scored here."""


def _check(task: Any) -> None:
    for name, what in _UNFIT.items():
        if getattr(task, name, False):
            raise SpecError(
                f"expected a task of texts alone, came '{task.task_name}', which {what}"
            )
