"""Fixtures of the training tests."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.train.jobs import EXAMPLES, SETTINGS, Write
from train.examples import Example
from train.job import Job
from train.recipe import Training


@pytest.fixture
def job(checkpoint: Path, tmp_path: Path) -> Write:
    """Writes a job and returns its folder: its checkpoint goes to `out` beside it."""

    def write(
        objective: str = "dpo",
        examples: Sequence[Example] = EXAMPLES,
        name: str = "iter1",
        base: Path = checkpoint,
        template: str | None = None,
        **training: Any,
    ) -> Path:
        plain: dict[str, Any] = {"learning_rate": 1e-3, "batch_size": 4, "micro_batch": 4}
        asked = Job(
            base=str(base),
            out=str(tmp_path / name),
            objective=objective,
            settings=SETTINGS.get(objective, {}),
            training=Training(**(plain | training)),
            chat_template=template,
            metrics=str(tmp_path / f"{name}.jsonl"),
            iteration=1,
        )
        asked.write(tmp_path / f"{name}.data", examples)
        return tmp_path / f"{name}.data"

    return write
