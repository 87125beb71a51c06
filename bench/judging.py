"""Requests per second of judging with the store on, beside a bare HTTP client.

    python -m bench.judging

A server in a process of its own answers each of 2,000 requests after 50 ms, as an AlpacaEval judge
does: one token with five log-probabilities. Each client keeps 100 in flight. The clients take
turns, five rounds, and the medians are printed. Ours decodes, prices and stores every answer, and
waits for the disk before each call and after each answer; then once more as a judge of 1,000 pairs,
each in both orders.
"""

import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
from aiohttp import web

from harness.judging import LLMJudge
from harness.models.openai import build
from harness.store import Cached, Store
from harness.types import (
    Comparison,
    Decoding,
    Generation,
    ModelOptions,
    Prompt,
    Response,
    Rubric,
)
from harness.votes import BothOrders

REQUESTS = 2000
CONCURRENCY = 100
LATENCY = 0.05
"""Seconds that the server takes."""
ROUNDS = 5

DECODING = Decoding(max_tokens=1, temperature=1.0, top_logprobs=5)
QUESTIONS = [
    f"{i}: which of these outputs is better? {'lorem ipsum ' * 300}" for i in range(REQUESTS)
]
"""As long as AlpacaEval's."""


def answer() -> dict[str, Any]:
    """What the server says, whatever it is asked."""
    top = [{"token": f"m{i}", "logprob": -1.7 * i - 0.1, "bytes": [109]} for i in range(5)]
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "m"},
        "finish_reason": "length",
        "logprobs": {"content": [{**top[0], "top_logprobs": top}]},
    }
    usage = {"prompt_tokens": 900, "completion_tokens": 1, "total_tokens": 901}
    told = {"id": "x", "object": "chat.completion", "created": 1, "model": "judge"}
    return {**told, "choices": [choice], "usage": usage}


def request(question: str) -> dict[str, Any]:
    """The body of a request."""
    return {
        "model": "judge",
        "messages": [{"role": "user", "content": question}],
        "max_tokens": 1,
        "temperature": 1.0,
        "logprobs": True,
        "top_logprobs": 5,
    }


def serve(ready: Connection) -> None:
    """Runs the server until its process is ended; tells its port when it listens."""

    async def reply(asked: web.Request) -> web.Response:
        await asked.read()
        await asyncio.sleep(LATENCY)
        return web.json_response(answer())

    async def start() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", reply)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ready.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(start())


@contextmanager
def server() -> Iterator[str]:
    """The base URL of a server that runs in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/v1"
    finally:
        process.terminate()
        process.join()


async def keep_busy(ask: Callable[[str], Awaitable[object]]) -> None:
    """Asks all questions, CONCURRENCY at a time."""
    waiting = iter(QUESTIONS)

    async def work() -> None:
        for question in waiting:
            await ask(question)

    await asyncio.gather(*(work() for _ in range(CONCURRENCY)))


def bare(url: str) -> None:
    """The aiohttp client with nothing around it: answers are decoded and dropped."""

    async def run() -> None:
        connector = aiohttp.TCPConnector(limit=CONCURRENCY)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def ask(question: str) -> object:
                async with session.post(f"{url}/chat/completions", json=request(question)) as reply:
                    return await reply.json()

            await keep_busy(ask)

    asyncio.run(run())


def stored(url: str) -> None:
    """Our backend with the store on."""
    prompts = [Prompt(f"{i}", (question,), DECODING) for i, question in enumerate(QUESTIONS)]
    # Not in memory: /tmp is on the disk whose fsync is to be waited for.
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "store.sqlite") as store:
        model = build(f"{url}#judge", ModelOptions(concurrency=CONCURRENCY))
        Cached(model, store, "bench").generate(prompts)
        (line,) = store.spend()
    if line.answered != REQUESTS:
        raise SystemExit(f"expected {REQUESTS} answers in the ledger, came {line.answered}")


def both_orders(url: str) -> None:
    """Our judge over half as many pairs, each shown in both orders, with the store on."""

    def ask(shown: Comparison) -> Prompt:
        ours, theirs = shown.texts
        turn = f"{shown.candidate.prompt.turns[0]}: {theirs} or {ours}?"
        return Prompt(shown.candidate.prompt.id, (turn,), DECODING)

    rubric = Rubric("bench", "", DECODING, ask, lambda _: 1.0, lambda _: False)
    asked = [Prompt(str(i), (text,), DECODING) for i, text in enumerate(QUESTIONS[::2])]
    sides = [[Generation(p, who, (Response(who),)) for p in asked] for who in ("a", "b")]
    pairs = [Comparison(ours, theirs) for ours, theirs in zip(*sides, strict=True)]
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "store.sqlite") as store:
        model = build(f"{url}#judge", ModelOptions(concurrency=CONCURRENCY))
        judge = BothOrders(LLMJudge(rubric, Cached(model, store, "bench")))
        verdicts = judge(pairs)
    if len(verdicts) != REQUESTS // 2 or any(v.value != 0.5 for v in verdicts):
        raise SystemExit("expected half as many verdicts as requests, all ties by orders")


def official(url: str) -> None:
    """The openai package's client, one for all requests, as it comes."""
    from openai import AsyncOpenAI

    async def run() -> None:
        async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:

            async def ask(question: str) -> object:
                return await client.chat.completions.create(**request(question))

            await keep_busy(ask)

    asyncio.run(run())


def rates(clients: Mapping[str, Callable[[str], None]], url: str) -> dict[str, float]:
    """Median requests per second of each client."""
    seconds: dict[str, list[float]] = {name: [] for name in clients}
    for _ in range(ROUNDS):
        for name, client in clients.items():
            start = time.perf_counter()
            client(url)
            seconds[name].append(time.perf_counter() - start)
    return {name: REQUESTS / median(times) for name, times in seconds.items()}


def main() -> None:
    """Prints the table."""
    clients = {"aiohttp, bare": bare, "ours, store on": stored, "ours, both orders": both_orders}
    if find_spec("openai"):
        clients["openai package"] = official
    with server() as url:
        measured = rates(clients, url)
    print(f"{'client':<18}{'requests/s':>12}{'of bare':>10}")
    for name, rate in measured.items():
        print(f"{name:<18}{rate:>12.0f}{rate / measured['aiohttp, bare']:>10.0%}")


if __name__ == "__main__":
    main()
