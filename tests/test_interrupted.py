"""`score` stopped at the worst moments, as a user's machine or fingers do it."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.loopback import Loopback, Reply, Seen, completion, serving

ROOT = Path(__file__).parents[1]
OUTPUTS = "replay:asset:alpaca_eval/annotations_full/alpaca-7b.json"
CONCURRENCY = 16


def decided(seen: Seen, _before: int) -> Reply:
    """A judge that takes its time and always says the same of the same question."""
    share = hashlib.sha256(seen.asked.encode()).digest()[0] / 256
    answer = completion(seen.body, "m")
    top = [{"token": "m", "logprob": -share - 0.1}, {"token": "M", "logprob": share - 1.1}]
    top += [{"token": str(number), "logprob": -9.0} for number in range(3)]
    answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"] = top
    return Reply(body=answer, delay=0.1)


@pytest.fixture
def judge() -> Iterator[Loopback]:
    with serving() as server:
        server.script = decided
        yield server


@pytest.fixture
def words(judge: Loopback, mirror: Path) -> list[str]:
    """The same command, every time."""
    judged = ["-j", judge.openai, "--concurrency", str(CONCURRENCY), "--limit", "120"]
    files = ["--assets", str(mirror), "--json", "out.json", "--items"]
    return ["score", OUTPUTS, "-b", "alpaca_eval", *judged, *files]


def started(words: list[str], folder: Path) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, str(ROOT / "run_eval.py"), *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def until_judged(judge: Loopback, more: int, child: subprocess.Popen[str]) -> None:
    """Waits for so many more questions, or for the end of who asks."""
    goal = len(judge.seen) + more
    while len(judge.seen) < goal and child.poll() is None:
        time.sleep(0.005)


def finished(child: subprocess.Popen[str]) -> int:
    """Its exit status, when it has ended of itself."""
    child.communicate(timeout=60)
    return child.returncode


def test_a_run_killed_again_and_again_gives_the_same_bits_and_buys_nothing_twice(
    words: list[str], judge: Loopback, tmp_path: Path
) -> None:
    assert finished(started(words, tmp_path / "calm")) == 0
    once = len(judge.seen)
    rng, kills = random.Random(5), 0
    while True:
        child = started(words, tmp_path / "stormy")
        until_judged(judge, rng.randint(1, 40), child)
        time.sleep(rng.uniform(0, 0.1))
        child.kill()
        if finished(child) == 0:
            break
        kills += 1
    assert kills >= 3
    probes = kills + 1
    assert once < len(judge.seen) - once <= once + kills * CONCURRENCY + probes
    stormy = (tmp_path / "stormy" / "out.json").read_bytes()
    assert stormy == (tmp_path / "calm" / "out.json").read_bytes()


def test_ctrl_c_gives_one_line_and_keeps_what_arrived(
    words: list[str], judge: Loopback, tmp_path: Path
) -> None:
    child = started(words, tmp_path / "run")
    until_judged(judge, 50, child)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=10)
    assert child.returncode == 130
    assert "Traceback" not in err
    assert "run the same command to go on" in err.splitlines()[-1]
    asked = len(judge.seen)
    assert finished(started(words, tmp_path / "run")) == 0
    answered = asked - 1 - CONCURRENCY  # at least: one was the probe, some were in flight
    assert len(judge.seen) - asked <= 1 + 120 - answered
    items = json.loads((tmp_path / "run" / "out.json").read_text())["results"][0]["items"]
    assert [item["value"] for item in items].count(None) == 0
