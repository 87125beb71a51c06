"""Who listens to a training; stand-ins of TensorBoard and Weights & Biases note what they hear."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.train.jobs import Write

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")

TENSORBOARD = """
from pathlib import Path

class SummaryWriter:
    def __init__(self, log_dir):
        self.place = Path(log_dir)
        self.place.mkdir(parents=True)

    def add_text(self, *_):
        pass

    def add_scalar(self, name, value, step):
        with (self.place / "heard").open("a") as stream:
            stream.write(f"{name} {step}\\n")

    def flush(self):
        pass

    close = flush
"""
WANDB = """
run = None

class _Run(dict):
    summary = {}

    def _label(self, **_):
        pass

config = _Run()

def init(project, name):
    global run
    run = _Run()
    print("begins", name)

def log(logs):
    print("hears", logs.get("train/loss") and logs["train/global_step"])

def finish():
    global run
    run = None
    print("ends")
"""
TRAIN = (
    "import sys; from pathlib import Path; from train.fit import fit\n"
    "for folder in sys.argv[1:]: fit(Path(folder))"
)


def trained(packages: Path, *folders: Path) -> str:
    """Trains in one process that finds those packages; what it printed."""
    path = os.pathsep.join([str(packages), str(Path(__file__).parents[2])])
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", TRAIN, *map(str, folders)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return ran.stdout


def test_tensorboard_keeps_each_training_apart_when_its_states_are_gone(
    job: Write, tmp_path: Path
) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "tensorboardX.py").write_text(TENSORBOARD)
    folders = [
        job(name=name, report_to=("tensorboard",), save_every=1) for name in ("iter1", "iter2")
    ]
    trained(packages, *folders)
    for folder in folders:
        heard = (folder / "tensorboard" / "heard").read_text().splitlines()
        assert [line for line in heard if line.startswith("train/loss ")] == [
            f"train/loss {step}" for step in (1, 2, 3)
        ]
        assert "train/log_ratio_chosen 3" in heard
        assert not (folder / "states").exists()


def test_weights_and_biases_have_a_run_for_each_training(job: Write, tmp_path: Path) -> None:
    lib = tmp_path / "packages" / "wandb" / "sdk" / "lib"
    lib.mkdir(parents=True)
    (lib / "config_util.py").write_text("class ConfigError(Exception):\n    pass\n")
    (lib.parents[1] / "__init__.py").write_text(WANDB)
    folders = [job(name=name, report_to=("wandb",)) for name in ("iter1", "iter2")]
    said = [
        line for line in trained(tmp_path / "packages", *folders).splitlines() if line[0] != "{"
    ]
    run = [f"begins {tmp_path.name}/iterN", *(f"hears {step}" for step in (1, 2, 3)), "ends"]
    assert [line for line in said if line != "hears None"] == [
        line.replace("iterN", name) for name in ("iter1", "iter2") for line in run
    ]
