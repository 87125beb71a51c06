"""A run of lm-eval's tasks that is killed in the middle goes on where it was."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.command import Run
from tests.tiny.checkpoint import make_checkpoint

pytest.importorskip("lm_eval", reason="the lm-eval extra is not installed")
pytestmark = [
    pytest.mark.usefixtures("mirror"),
    pytest.mark.filterwarnings("ignore"),  # of a package that is not ours
]

ROOT = Path(__file__).parents[1]
N = 400
BLOCK = 8
"""Prompts that are read together at this batch size."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("models") / "base", template=None)


def words(base: Path) -> list[str]:
    options = ["--batch-size", "2", "--out", "runs", "--json", "out.json", "--items"]
    return ["score", f"hf:{base}", "-b", "lm_eval:winogrande", "--limit", str(N), *options]


def started(folder: Path, base: Path) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, str(ROOT / "run_eval.py"), *words(base)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )


def counted(folder: Path, table: str, where: str = "1") -> int:
    """Rows of the store; none while there is no store."""
    file = folder / "results" / "store.sqlite"
    if not file.is_file():
        return 0
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as store:
        known = "SELECT count(*) FROM sqlite_master WHERE name = 'answers'"
        if store.execute(known).fetchone() == (0,):
            return 0
        query = f"SELECT count(*) FROM {table} WHERE {where}"
        return int(store.execute(query).fetchone()[0])


def ended(child: subprocess.Popen[str]) -> int:
    _, err = child.communicate(timeout=120)
    assert "Traceback" not in err
    return child.returncode


def scores(folder: Path) -> list[bytes]:
    [file] = (folder / "runs").rglob("scores.json")
    return [file.read_bytes(), (folder / "out.json").read_bytes()]


def test_a_killed_run_gives_the_same_scores_and_reads_nothing_twice(
    base: Path, run: Run, tmp_path: Path
) -> None:
    calm, stormy = tmp_path, tmp_path / "stormy"
    assert run(*words(base)).status == 0
    child = started(stormy, base)
    while counted(stormy, "answers") < N // 5 and child.poll() is None:
        time.sleep(0.002)
    child.send_signal(signal.SIGKILL)
    assert ended(child) == -signal.SIGKILL
    kept, lost = counted(stormy, "answers"), counted(stormy, "calls", "state = 'sent'")
    assert 0 < kept < N
    assert lost <= BLOCK
    assert ended(started(stormy, base)) == 0
    assert scores(stormy) == scores(calm)
    assert counted(stormy, "answers") == counted(calm, "calls") == N
    assert counted(stormy, "calls") == N + lost
