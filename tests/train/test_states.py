"""States that a killed training goes on from."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.train.jobs import Write, assert_alike, steps, stopped, trained, weights
from train.fit import fit
from train.states import newest, seal

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")


def test_a_killed_training_goes_on_and_ends_the_same(job: Write, tmp_path: Path) -> None:
    calm = trained(job(name="calm", epochs=20, save_every=5))
    data = job(name="killed", epochs=20, save_every=5)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-m", "train.fit", str(data)], env=environment)
    deadline = time.monotonic() + 60
    while not list((data / "states").glob("checkpoint-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "killed").exists()
    fit(data)
    assert_alike(weights(tmp_path / "killed"), calm)
    numbers = [step["step"] for step in steps(data) if "loss" in step]
    assert sorted(set(numbers)) == list(range(1, 61))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": lambda file: os.truncate(file, file.stat().st_size // 2),
    "emptied": lambda file: os.truncate(file, 0),
    "zeroed": lambda file: file.write_bytes(bytes(file.stat().st_size)),
    "removed": lambda file: file.unlink(),
}
FILES = (
    "optimizer.pt",
    "scheduler.pt",
    "rng_state.pth",
    "model.safetensors",
    "trainer_state.json",
    "training_args.bin",
)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A sealed state of step 4, of small files."""
    made = tmp_path / "states" / "checkpoint-4"
    made.mkdir(parents=True)
    for name in FILES:
        (made / name).write_text(name)
    seal(made.parent, 4)
    return made


def told(states: Path) -> tuple[str | None, list[str]]:
    said: list[str] = []
    return newest(states, said.append), said


def test_a_sealed_state_is_taken(state: Path) -> None:
    assert told(state.parent) == (str(state), [])


def test_no_state_is_none(tmp_path: Path) -> None:
    assert told(tmp_path / "states") == (None, [])


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_state_is_named_and_not_used(state: Path, name: str, damage: str) -> None:
    DAMAGES[damage](state / name)
    found, said = told(state.parent)
    assert found is None
    assert len(said) == 1
    assert f"{state} is not used: {name} changed since it was written" in said[0]


def test_a_damaged_seal_is_a_damaged_state(state: Path) -> None:
    (state / "seal.json").write_text('{"a')
    found, said = told(state.parent)
    assert found is None
    assert "seal.json changed" in said[0]


def test_a_state_that_was_never_sealed_is_passed_over_in_silence(state: Path) -> None:
    shutil.copytree(state, state.with_name("checkpoint-12"))
    (state.with_name("checkpoint-12") / "seal.json").unlink()
    assert told(state.parent) == (str(state), [])


def test_the_last_of_several_is_taken_by_number(state: Path) -> None:
    shutil.copytree(state, state.with_name("checkpoint-10"))
    assert told(state.parent) == (str(state.with_name("checkpoint-10")), [])


def test_a_seal_drops_the_states_before_it(state: Path) -> None:
    shutil.copytree(state, state.with_name("checkpoint-10"))
    seal(state.parent, 10)
    assert [left.name for left in state.parent.iterdir()] == ["checkpoint-10"]


def test_a_damaged_state_goes_on_from_the_one_before_it(state: Path) -> None:
    later = shutil.copytree(state, state.with_name("checkpoint-5"))
    DAMAGES["zeroed"](later / "optimizer.pt")
    found, said = told(state.parent)
    assert found == str(state)
    assert len(said) == 1


@pytest.mark.parametrize("name", ["optimizer.pt", "model.safetensors", "trainer_state.json"])
def test_a_training_whose_state_was_damaged_ends_as_a_calm_one(job: Write, name: str) -> None:
    calm = trained(job(name="calm", epochs=3, save_every=2))
    data = job(name="damaged", epochs=3, save_every=2)
    states = stopped(data, 5)
    DAMAGES["cut"](states / "checkpoint-4" / name)
    said: list[str] = []
    fit(data, say=said.append)
    assert name in said[0]
    assert all(
        torch.equal(calm[key], tensor) for key, tensor in weights(data.with_suffix("")).items()
    )


@pytest.mark.slow
def test_two_processes_seal_one_state_and_go_on_from_it(job: Write) -> None:
    size: dict[str, Any] = {"batch_size": 4, "micro_batch": 2, "epochs": 40, "save_every": 5}
    calm, data = job(name="calm", **size), job(name="killed", **size)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run([*command, "-m", "train.fit", str(calm)], check=True, env=environment)
    process = subprocess.Popen([*command, "-m", "train.fit", str(data)], env=environment)
    deadline = time.monotonic() + 120
    while not list((data / "states").glob("*/seal.json")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.terminate()  # a parent that is killed leaves its workers
    assert process.wait() != 0
    assert not data.with_suffix("").exists()
    said = json.loads(next((data / "states").glob("*/seal.json")).read_bytes())
    assert {"rng_state_0.pth", "rng_state_1.pth"} <= said.keys()
    subprocess.run([*command, "-m", "train.fit", str(data)], check=True, env=environment)
    assert_alike(weights(data.with_suffix("")), weights(calm.with_suffix("")))
