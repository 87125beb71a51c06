"""A process that judges is killed again and again, at random moments, until it is done."""

import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest

from harness.store import Store
from tests.harness.store_child import CONCURRENCY

ROOT = Path(__file__).parents[2]


class Server(ThreadingHTTPServer):
    """Judges by a hash of what it is asked, after a while that is another for each question."""

    daemon_threads = True
    request_queue_size = 4 * CONCURRENCY

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/v1#judge"
        self.lock = threading.Lock()
        self.asked: list[tuple[str, str]] = []
        """Life of the client and question, in the order of arrival."""
        self.answered: Counter[str] = Counter()
        """Answers by life."""

    def handle_error(self, *_: object) -> None:
        """Clients die: that is what this is about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server = cast("Server", self.server)
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = question["messages"][-1]["content"]
        life = self.headers["Authorization"].removeprefix("Bearer ")
        with server.lock:
            server.asked.append((life, text))
        noise = hashlib.sha256(text.encode()).digest()
        time.sleep(0.05 + noise[0] / 255 * 0.25)
        body = json.dumps(_verdict(noise)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        with server.lock:
            server.answered[life] += 1

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def _verdict(noise: bytes) -> dict[str, Any]:
    p = [-int.from_bytes(noise[i : i + 6]) / 2**45 for i in (0, 6)]
    top = [{"token": "m", "logprob": p[0]}, {"token": "M\ud800", "logprob": p[1]}]
    content = [{**top[0], "top_logprobs": top}]
    usage = {"prompt_tokens": 100, "completion_tokens": 1}
    message = {"role": "assistant", "content": f"m {noise.hex()} \ud800"}
    choice = {"message": message, "finish_reason": "stop", "logprobs": {"content": content}}
    return {"model": "judge", "choices": [choice], "usage": usage}


@dataclass
class Ordeal:
    """What happened to a run that was killed several times."""

    server: Server
    path: Path
    prompts: int
    stored: dict[str, set[str]] = field(default_factory=dict)
    """Questions whose answers were in the store when a life began."""

    @property
    def said(self) -> Path:
        """What the last life wrote."""
        return self.path.with_suffix(".txt")

    @property
    def most_in_flight(self) -> int:
        """Most calls that the kills can have cut off; the last life was not killed."""
        return (len(self.stored) - 1) * CONCURRENCY

    @contextmanager
    def live(self, life: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Starts the same command once more, and sees that it ends."""
        self.stored[life] = _stored(self.path)
        command = [sys.executable, "-m", "tests.harness.store_child", "judge", str(self.path)]
        with (
            self.said.open("wb") as output,
            subprocess.Popen(
                [*command, f"{self.prompts} {self.server.url}"],
                cwd=ROOT,
                env={**os.environ, "ITERBENCH_API_KEY": life},  # tells the lives apart
                stdout=output,
            ) as process,
        ):
            try:
                yield process
            finally:
                process.kill()

    def kill(self, life: str, answers: int, delay: float) -> None:
        """Kills a life some seconds after it got so many answers, whatever it is doing then."""
        with self.live(life) as process:
            while self.server.answered[life] < answers:
                assert process.poll() is None
                time.sleep(0.001)
            time.sleep(delay)
        assert process.returncode == -signal.SIGKILL

    def finish(self, life: str) -> None:
        """Lets a life run to its end."""
        with self.live(life) as process:
            assert process.wait(timeout=30) == 0

    @property
    def asked(self) -> list[tuple[str, str]]:
        """Life and question of each request that the server saw."""
        return [(life, question) for life, question in self.server.asked if life in self.stored]

    @property
    def asked_again(self) -> int:
        """Requests for a question that the server had seen before."""
        return len(self.asked) - len({question for _, question in self.asked})


def _stored(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as db:
        if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'answers'").fetchone():
            return set()
        requests = db.execute("SELECT request FROM answers").fetchall()
    return {json.loads(request)["turns"][0] for (request,) in requests}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module", params=[4, pytest.param(24, marks=pytest.mark.slow)])
def ordeal(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, server: Server
) -> Ordeal:
    kills, moment = request.param, random.Random(20240406)
    path = tmp_path_factory.mktemp("ordeal") / "store.sqlite"
    ordeal = Ordeal(server, path, prompts=60 + 5 * kills)
    for life in range(kills):
        # Some die while they start or open the store, most while answers are arriving.
        answers = moment.randint(0, 4)
        delay = moment.uniform(0, 0.02 if answers else 0.5)
        ordeal.kill(f"{kills}.{life}", answers, delay)
    ordeal.finish(f"{kills}.last")
    return ordeal


def test_what_was_stored_is_never_asked_again(ordeal: Ordeal) -> None:
    assert [q for life, q in ordeal.asked if q in ordeal.stored[life]] == []


def test_what_was_stored_once_is_stored_for_good(ordeal: Ordeal) -> None:
    lives = [*ordeal.stored.values(), _stored(ordeal.path)]
    assert all(before <= after for before, after in pairwise(lives))


def test_the_kills_came_while_answers_were_arriving(ordeal: Ordeal) -> None:
    assert len({len(stored) for stored in ordeal.stored.values()}) > len(ordeal.stored) / 3


def test_only_what_was_in_flight_is_asked_again(ordeal: Ordeal) -> None:
    assert 0 < ordeal.asked_again <= ordeal.most_in_flight


def test_the_server_never_sees_a_call_that_is_not_in_the_ledger(ordeal: Ordeal) -> None:
    with closing(sqlite3.connect(ordeal.path)) as db:
        rows = db.execute(
            "SELECT request, count(*) FROM calls JOIN answers USING (address) GROUP BY 1"
        )
        on_record = {json.loads(request)["turns"][0]: number for request, number in rows}
    asked = Counter(question for _, question in ordeal.asked)
    assert all(asked[question] <= on_record[question] for question in asked)


def test_the_ledger_has_one_paid_call_for_each_prompt(ordeal: Ordeal) -> None:
    with Store(ordeal.path) as store:
        (line,) = store.spend()
    assert (line.answered, line.refused, line.prompt_tokens) == (
        ordeal.prompts,
        0,
        100 * ordeal.prompts,
    )


def test_every_further_call_is_possibly_paid(ordeal: Ordeal) -> None:
    with Store(ordeal.path) as store:
        (line,) = store.spend()
    # A call can be on record and its sender dead before it was sent, but not the other way round.
    assert ordeal.asked_again <= line.possibly_paid <= ordeal.most_in_flight


def test_the_answers_are_those_of_a_calm_run_bit_for_bit(ordeal: Ordeal, tmp_path: Path) -> None:
    calm = Ordeal(ordeal.server, tmp_path / "store.sqlite", ordeal.prompts)
    calm.finish("calm")
    assert ordeal.said.read_bytes() == calm.said.read_bytes()
    assert ordeal.said.read_text().count("Generation(") == ordeal.prompts
