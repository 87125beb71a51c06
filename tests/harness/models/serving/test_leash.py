"""Commands that do not outlive whoever asked for them."""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.models.serving import leash

SLEEP = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"]


def start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", leash.__file__, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def is_gone(pid: int, within: float = 5.0) -> bool:
    """Whether a process ends within so many seconds."""
    end = time.monotonic() + within
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.02)
    return not Path(f"/proc/{pid}").exists()


def pid_of(leashed: subprocess.Popen[bytes]) -> int:
    assert leashed.stdout is not None
    return int(leashed.stdout.readline())


def test_the_exit_status_is_the_commands() -> None:
    with start([sys.executable, "-c", "raise SystemExit(3)"]) as leashed:
        assert leashed.wait() == 3


def test_the_command_ends_when_the_input_closes() -> None:
    with start(SLEEP) as leashed:
        pid = pid_of(leashed)
        leashed.communicate()
        assert is_gone(pid)


def test_the_command_ends_when_its_parent_is_killed() -> None:
    command = [sys.executable, "-P", leash.__file__, *SLEEP]
    parent = f"import subprocess; subprocess.Popen({command}, stdin=-1).wait()"
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as killed:
        pid = pid_of(killed)
        killed.kill()
        assert is_gone(pid)


@pytest.mark.slow
def test_a_command_that_does_not_want_to_end_is_killed() -> None:
    ignore = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    with start([*SLEEP[:2], ignore + SLEEP[2]]) as leashed:
        pid = pid_of(leashed)
        leashed.communicate()
        assert (leashed.returncode, is_gone(pid)) == (256 - signal.SIGKILL, True)


def test_an_interrupt_is_left_to_the_parent() -> None:
    with start(SLEEP) as leashed:
        pid_of(leashed)
        leashed.send_signal(signal.SIGINT)
        time.sleep(0.1)
        assert leashed.poll() is None
        leashed.communicate()
