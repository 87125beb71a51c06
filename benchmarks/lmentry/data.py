"""LMentry's official files: examples by task.

The files carry a canary against training on them. They are read from where they lie, never copied.
"""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from benchmarks.lmentry.answer import Mark
from benchmarks.lmentry.scorers import mark
from harness.errors import DataError
from harness.types import Assets

CORE = (
    "sentence_containing",
    "sentence_not_containing",
    "word_containing",
    "word_not_containing",
    "most_associated_word",
    "least_associated_word",
    "any_words_from_category",
    "all_words_from_category",
    "first_alphabetically",
    "more_letters",
    "less_letters",
    "bigger_number",
    "smaller_number",
    "rhyming_word",
    "homophones",
    "word_after",
    "word_before",
    "starts_with_word",
    "ends_with_word",
    "starts_with_letter",
    "ends_with_letter",
    "first_word",
    "last_word",
    "first_letter",
    "last_letter",
)
VARIANTS: Mapping[str, tuple[str, ...]] = {
    "first_alphabetically": (
        "far_first_letter",
        "different_first_letter",
        "consecutive_first_letter",
        "same_first_letter",
    ),
    "all_words_from_category": ("0_distractors", "1_distractors", "2_distractors"),
    "any_words_from_category": ("5_distractors", "4_distractors", "3_distractors"),
    "rhyming_word": ("orthographically_similar", "orthographically_different"),
    "more_letters": ("length_diff_3plus", "length_diff_1"),
    "less_letters": ("length_diff_3plus", "length_diff_1"),
}
"""Of some core tasks, the same with arguments of one kind."""
VARIED = {f"{core}_{kind}": core for core, kinds in VARIANTS.items() for kind in kinds}
"""The core task of each variant."""
TASKS = (*CORE, *VARIED)


class Example(NamedTuple):
    """One example of a task."""

    task: str
    """Core or variant."""
    id: str
    """In the task's file."""
    question: str
    """What the model is asked."""
    template: int
    """Which of the task's wordings it has."""
    place: int
    """Where the answer stands among what is offered; 0 where nothing is."""
    facts: Mapping[str, Any]
    """As in the file, for the scorer."""

    @property
    def prompt_id(self) -> str:
        """Unique in the benchmark."""
        return f"lmentry/{self.task}/{self.id}"

    def mark(self, answer: str) -> Mark:
        """What the task's scorer says of an answer."""
        core = VARIED.get(self.task, self.task)
        return mark(core, answer, {"input": self.question, "metadata": self.facts})


def asset(task: str) -> str:
    """The name of a task's file."""
    return f"lmentry/data/{task}.json"


def examples(assets: Assets) -> list[Example]:
    """Every example of every task, in published order.

    Raises:
        DataError: A file is not of the published form.
    """
    return [one for task in TASKS for one in read_task(task, assets.read(asset(task)))]


def by_prompt(assets: Assets) -> dict[str, Example]:
    """Every example by its prompt's id."""
    return {one.prompt_id: one for one in examples(assets)}


@lru_cache(maxsize=len(TASKS))
def read_task(task: str, content: bytes) -> tuple[Example, ...]:
    """The examples of a task's file.

    Raises:
        DataError: The file, or one of its examples, lacks something.
    """
    try:
        rows: dict[str, dict[str, Any]] = json.loads(content)["examples"]
        made = tuple(_example(task, name, row) for name, row in rows.items())
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataError(
            f"expected examples with 'input' and 'metadata' in {asset(task)}, but {error!r:.60}; "
            f"is it LMentry's file?"
        ) from error
    _check(made)
    return made


def _example(task: str, name: str, row: Mapping[str, Any]) -> Example:
    facts: Mapping[str, Any] = row["metadata"]
    template, place = int(facts["template_id"]), int(facts.get("answer_index", 0))
    return Example(task, name, str(row["input"]), template, place, facts)


def _check(made: Iterable[Example]) -> None:
    """Scores an answer to examples of each shape, to tell what they lack before anyone is asked."""
    shapes = {frozenset((k, type(v)) for k, v in one.facts.items()): one for one in made}
    for example in shapes.values():
        try:
            example.mark("yes")
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            raise DataError(
                f"expected metadata that {example.task} is scored by in example {example.id} of "
                f"{asset(example.task)}, but {error!r:.60}; is it LMentry's file?"
            ) from error
