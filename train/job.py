"""What one iteration's training is to do, as a folder, so that other processes can take it up."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.errors import DataError
from harness.files import write_whole
from train.examples import Answer, Example
from train.recipe import Training


@dataclass(frozen=True)
class Job:
    """What one iteration's training is to do."""

    base: str
    """Folder of the checkpoint that it begins with, and that is its reference."""
    out: str
    """Folder that the new checkpoint is written to; it appears when it is complete."""
    objective: str
    settings: Mapping[str, float]
    """The objective's."""
    training: Training
    chat_template: str | None = None
    """A Jinja template that takes the place of the base's."""
    metrics: str | None = None
    """File of JSON lines that the steps' figures are added to."""
    iteration: int = 0

    def write(self, folder: Path, examples: Sequence[Example]) -> None:
        """Writes the job and its examples; it is there when `job.json` is."""
        folder.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(asdict(example)) + "\n" for example in examples]
        write_whole(folder / "examples.jsonl", "".join(lines).encode())
        content = vars(self) | {"training": self.training.model_dump(mode="json")}
        write_whole(folder / "job.json", (json.dumps(content, indent=1) + "\n").encode())


def read_job(folder: Path) -> Job:
    """The job of a folder that `Job.write` wrote."""
    content = json.loads((folder / "job.json").read_bytes())
    training = Training.model_validate_json(json.dumps(content.pop("training")))
    return Job(**content, training=training)


def read_examples(folder: Path) -> list[Example]:
    """The examples of such a folder.

    Raises:
        DataError: They are not there, or no longer as they were written.
    """
    file = folder / "examples.jsonl"
    try:
        return [_example(json.loads(line)) for line in file.read_text("utf-8").splitlines()]
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise DataError(
            f"expected the examples of a training in {file}, but {error}; remove {folder}, and "
            f"they are made anew from what is stored"
        ) from error


def _example(content: dict[str, Any]) -> Example:
    responses = tuple(Answer(*response) for response in content.pop("responses"))
    said = tuple(content.pop("said"))
    return Example(said=said, responses=responses, **content)
