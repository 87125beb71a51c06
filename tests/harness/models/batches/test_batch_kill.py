"""A process that buys by batch is killed at every stage; the same command then ends well."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.store import Store
from tests.servers.batches import Seller, selling

ROOT = Path(__file__).parents[4]
STAGES = ("upload", "uploaded", "created", "polling", "download")
NAMES = {"openai": "openai:gpt-4.1", "anthropic": "anthropic:claude-opus-4-6"}


@pytest.fixture
def seller() -> Iterator[Seller]:
    with selling() as server:
        yield server


def start(seller: Seller, path: Path, name: str) -> "subprocess.Popen[str]":
    keys = {"ITERBENCH_API_KEY": "k", "ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": seller.url}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.harness.models.batch_child", str(path), name, "12"],
        cwd=ROOT,
        env={**os.environ, **keys, "OPENAI_BASE_URL": f"{seller.url}/v1"},
        stdout=subprocess.PIPE,
        text=True,
    )


def kill_at(stage: str, seller: Seller, path: Path, name: str) -> None:
    seller.stall = stage
    with start(seller, path, name) as process:
        assert seller.stalled.wait(20)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    seller.stall = None


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("stage", STAGES)
def test_after_a_kill_the_same_command_ends_well_and_nothing_is_bought_twice(
    seller: Seller, tmp_path: Path, stage: str, provider: str
) -> None:
    if (stage, provider) == ("uploaded", "anthropic"):
        pytest.skip("there are no files to upload")
    path, name = tmp_path / "store.sqlite", NAMES[provider]
    kill_at(stage, seller, path, name)
    with start(seller, path, name) as process:
        said, _ = process.communicate(timeout=30)
    assert said.splitlines() == [f"echo q{i}" for i in range(12)]
    assert seller.bought == dict.fromkeys([f"q{i}" for i in range(12)], 1)
    with Store(path) as store:
        [bill] = store.spend()
    assert (bill.answered, bill.possibly_paid) == (12, 0)
