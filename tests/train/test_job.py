"""A training as a folder."""

from pathlib import Path

import pytest

from harness.errors import DataError
from tests.train.jobs import EXAMPLES, Write
from train.job import read_examples, read_job

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")


def test_a_job_is_read_as_it_was_written(job: Write) -> None:
    data = job(betas=(0.8, 0.9))
    assert read_examples(data) == EXAMPLES
    assert read_job(data).training.betas == (0.8, 0.9)


@pytest.mark.parametrize(
    "text", ['{"said": ["a"], "respon', "[1]\n", '{"said": ["a"]}\n', "\0\0\0", "3\n"]
)
def test_examples_that_were_damaged_are_one_clear_error(job: Write, text: str) -> None:
    data = job()
    (data / "examples.jsonl").write_text(text)
    with pytest.raises(DataError, match=f"remove {data}, and they are made anew") as raised:
        read_examples(data)
    assert "\n" not in str(raised.value)


def test_examples_that_are_lost_are_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected the examples of a training in"):
        read_examples(tmp_path)
