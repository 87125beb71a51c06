"""Data of lm-eval's tasks from official files, in the columns that its definitions read.

What the files lack is told: a score that rests on a substitute carries a doubt.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from harness.errors import DataError
from harness.lm_eval.package import defined
from harness.types import Assets

MMLU = "mmlu/default"
"""Where lm-eval defines the subjects of MMLU, a task each."""

Row = dict[str, Any]
Splits = dict[str, list[Row]]

_FROM_EVALUATED = {
    "training_split": None,
    "validation_split": None,
    "test_split": "validation",
    "fewshot_split": "validation",
}
"""Entries of a task whose examples come from the split that is scored, the scored one left out."""
_NO_POOL = "its few-shot examples are from the evaluated split, as the training split is not here"
_COPY = "its few-shot examples are from a reformatted copy of the training split"


@dataclass(frozen=True)
class Reader:
    """Official files as rows, each parsed once."""

    assets: Assets
    parsed: dict[str, list[Row]] = field(default_factory=dict)

    def rows(self, name: str) -> list[Row]:
        """The rows of a file of JSON or of JSON lines.

        Raises:
            DataError: It is not here and cannot be had.
        """
        if name not in self.parsed:
            raw = self._read(name)
            lines = raw.decode().split("\n") if name.endswith("l") else []
            whole = [json.loads(line) for line in lines if line]
            self.parsed[name] = whole or json.loads(raw)
        return self.parsed[name]

    def _read(self, name: str) -> bytes:
        try:
            return self.assets.read(name)
        except DataError as error:
            raise DataError(
                f"{error}; or let lm-eval take its data from the hub: add ':hub' to the name"
            ) from error


class Source(NamedTuple):
    """Where a task's data are."""

    folder: str
    """Of the task's definition, inside lm-eval's `tasks`."""
    files: tuple[str, ...]
    """Names of official files."""
    splits: Callable[[Reader], Splits]
    config: Mapping[str, Any] = {}
    """Entries of the task's configuration that differ."""
    doubt: str | None = None
    """What is not as published when there are few-shot examples."""


def source_of(task: str) -> Source | None:
    """The official files of a task of lm-eval; None if there are none."""
    if task in defined(MMLU, "mmlu_"):
        return _mmlu(task.removeprefix("mmlu_"))
    return _SOURCES.get(task)


def _mmlu(subject: str) -> Source:
    files = ("mmlu/test.jsonl", "mmlu/dev.jsonl")

    def splits(reader: Reader) -> Splits:
        named = zip(("test", "dev"), files, strict=True)
        return {
            split: [row for row in reader.rows(name) if row["subject"] == subject]
            for split, name in named
        }

    return Source(MMLU, files, splits)


def _arc(level: str) -> Source:
    files = (f"arc/{level}_test.jsonl", f"arc/{level}_train.jsonl")

    def splits(reader: Reader) -> Splits:
        named = zip(("test", "train"), files, strict=True)
        return {split: [_lettered(row) for row in reader.rows(name)] for split, name in named}

    return Source("arc", files, splits, {"validation_split": None}, _COPY)


def _openbookqa() -> Source:
    files = ("openbookqa/test.jsonl", "openbookqa/train.jsonl")

    def splits(reader: Reader) -> Splits:
        named = zip(("test", "train"), files, strict=True)
        return {
            split: [{**_lettered(row), "question_stem": row["question"]} for row in reader.rows(n)]
            for split, n in named
        }

    return Source("openbookqa", files, splits, {"validation_split": None}, _COPY)


def _lettered(row: Row) -> Row:
    letters = [chr(ord("A") + place) for place in range(len(row["choices"]))]
    return {
        "question": row["question"],
        "choices": {"text": row["choices"], "label": letters},
        "answerKey": letters[row["gold"]],
    }


def _as_it_is(file: str, split: str, reader: Reader) -> Splits:
    return {split: reader.rows(file)}


def _plain(folder: str, file: str, **config: Any) -> Source:
    splits = partial(_as_it_is, file, "validation")
    return Source(folder, (file,), splits, {**_FROM_EVALUATED, **config}, _NO_POOL)


def _gsm8k(reader: Reader) -> Splits:
    return {split: reader.rows(f"gsm8k/{split}.jsonl") for split in ("test", "train")}


def _hellaswag(reader: Reader) -> Splits:
    rows = reader.rows("hellaswag/validation.jsonl")
    return {
        "validation": [
            {"query": row["query"], "choices": row["endings"], "label": row["label"]}
            for row in rows
        ]
    }


def _truthfulqa(reader: Reader) -> Splits:
    def listed(targets: Mapping[str, int]) -> Row:
        return {"choices": list(targets), "labels": list(targets.values())}

    return {
        "validation": [
            {
                "question": row["question"],
                "mc1_targets": listed(row["mc1_targets"]),
                "mc2_targets": listed(row["mc2_targets"]),
            }
            for row in reader.rows("truthfulqa/mc_task.json")
        ]
    }


def _agieval(subset: str) -> Source:
    file = f"agieval/{subset}.jsonl"

    def splits(reader: Reader) -> Splits:
        return {"test": [_exam(row) for row in reader.rows(file)]}

    return Source("agieval", (file,), splits, {}, _NO_POOL)


def _exam(row: Row) -> Row:
    """A question as the zero-shot prompt of AGIEval.

    Source: ruixiangcui/AGIEval, `convert_zero_shot` of src/dataset_loader.py.
    """
    question = f"{row['passage'] or ''}Q: {row['question']}"
    if row["options"] is None:
        return {"query": f"{question}\nA: The answer is", "answer": row["answer"]}
    letters = "ABCDEFG"[: len(row["options"])]
    listed = f"Answer Choices: {' '.join(row['options'])}"
    return {
        "query": f"{question} {listed}\nA: Among A through {letters[-1]}, the answer is",
        "choices": row["options"],
        "gold": [letters.index(row["label"])],
    }


EXAMS = (
    "aqua-rat",
    "logiqa-en",
    "lsat-ar",
    "lsat-lr",
    "lsat-rc",
    "sat-math",
    "sat-en",
    "sat-en-without-passage",
    "math",
)
"""The English subsets of AGIEval."""

_SOURCES = {
    "arc_challenge": _arc("challenge"),
    "arc_easy": _arc("easy"),
    "openbookqa": _openbookqa(),
    "gsm8k": Source("gsm8k", ("gsm8k/test.jsonl", "gsm8k/train.jsonl"), _gsm8k),
    "hellaswag": Source(
        "hellaswag",
        ("hellaswag/validation.jsonl",),
        _hellaswag,
        # The file has the query that lm-eval makes of two fields, which it does not have.
        {**_FROM_EVALUATED, "process_docs": None},
        _NO_POOL,
    ),
    "winogrande": _plain("winogrande", "winogrande/validation_xl.jsonl"),
    "piqa": _plain("piqa", "piqa/validation.jsonl"),
    "social_iqa": _plain("siqa", "siqa/validation.jsonl"),
    "nq_open": _plain("nq_open", "nq_open/dev.jsonl"),
    **{
        name: Source("truthfulqa", ("truthfulqa/mc_task.json",), _truthfulqa)
        for name in ("truthfulqa_mc1", "truthfulqa_mc2")
    },
    **{f"agieval_{subset.replace('-', '_')}": _agieval(subset) for subset in EXAMS},
}
