"""A real HTTP server on 127.0.0.1 that speaks two dialects and misbehaves on request."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar

from aiohttp import web


@dataclass(frozen=True)
class Seen:
    """One request as the server got it."""

    at: float
    """On the clock of `time.monotonic`."""
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    busy: int
    """How many requests are under way, this one included."""

    @property
    def asked(self) -> str:
        """What the user said last."""
        return str(self.body["messages"][-1]["content"])


@dataclass(frozen=True)
class Reply:
    """What the server does with one request."""

    status: int = 200
    body: bytes | dict[str, Any] | None = None
    """None is a proper answer in the dialect of the request."""
    text: str | None = None
    """The proper answer's text; None repeats what was asked."""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: int | None = None
    """Send so many bytes of the body, then drop the connection."""


OK = Reply()

Script = Callable[[Seen, int], Reply]
"""What to do with a request; the number says how often its question came before."""


def calm(_seen: Seen, _before: int) -> Reply:
    return OK


class Loopback:
    """The server; safe to look at from other threads when no request is under way."""

    def __init__(self) -> None:
        self.script: Script = calm
        self.seen: list[Seen] = []
        self.peak = 0
        """Most requests that were under way at once."""
        self.port = 0
        self._asked: Counter[str] = Counter()
        self._busy = 0

    @property
    def openai(self) -> str:
        """A model name for the OpenAI dialect."""
        return f"http://127.0.0.1:{self.port}/v1#tiny"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/v1/chat/completions", self._answer)
        app.router.add_post("/v1/messages", self._answer)
        app.router.add_get("/health", self._health)
        return app

    async def _health(self, _request: web.Request) -> web.Response:
        return web.Response()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        at, body = monotonic(), await request.json()
        self._busy += 1
        self.peak = max(self.peak, self._busy)
        seen = Seen(at, request.path, dict(request.headers), body, self._busy)
        self.seen.append(seen)
        reply = self.script(seen, self._asked[seen.asked])
        self._asked[seen.asked] += 1
        try:
            if reply.delay:
                await asyncio.sleep(reply.delay)
        finally:
            self._busy -= 1
        return await _send(request, reply, _body(seen, reply))


def _body(seen: Seen, reply: Reply) -> bytes:
    if isinstance(reply.body, bytes):
        return reply.body
    if reply.body is not None:
        return json.dumps(reply.body).encode()
    text = f"echo {seen.asked}" if reply.text is None else reply.text
    speak = message if seen.path == "/v1/messages" else completion
    return json.dumps(speak(seen.body, text)).encode()


async def _send(request: web.Request, reply: Reply, body: bytes) -> web.StreamResponse:
    headers = {"Content-Type": "application/json"} | reply.headers
    if reply.cut is None:
        return web.Response(body=body, status=reply.status, headers=headers)
    response = web.StreamResponse(status=reply.status, headers=headers)
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: reply.cut])
    assert request.transport is not None
    request.transport.close()
    return response


def completion(asked: dict[str, Any], text: str) -> dict[str, Any]:
    """A chat completion, with log-probabilities when they were asked for."""
    tops = asked.get("top_logprobs", 0)
    return {
        "id": "x",
        "object": "chat.completion",
        "model": asked["model"],
        "system_fingerprint": "fp_1",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": text},
                "logprobs": {"content": [_token(text, tops)]} if asked.get("logprobs") else None,
            }
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }


def message(asked: dict[str, Any], text: str) -> dict[str, Any]:
    """An answer of the Messages API."""
    return {
        "id": "x",
        "type": "message",
        "role": "assistant",
        "model": asked["model"],
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 5, "cache_read_input_tokens": 2, "output_tokens": 3},
    }


def _token(text: str, tops: int) -> dict[str, Any]:
    top = [{"token": f"t{i}", "logprob": -1.0 - i, "bytes": None} for i in range(tops)]
    return {"token": text, "logprob": -1.0, "bytes": None, "top_logprobs": top}


@contextmanager
def serving(port: int = 0) -> Iterator[Loopback]:
    """A server in a thread of its own, gone when the context ends.

    Args:
        port: 0 takes a free one.
    """
    with running(Loopback(), port) as server:
        yield server


L = TypeVar("L", bound=Loopback)


@contextmanager
def running(server: L, port: int = 0) -> Iterator[L]:
    """The server in a thread of its own, gone when the context ends."""
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(server.app(), handler_cancellation=True, shutdown_timeout=0.1)
    server.port = loop.run_until_complete(_start(runner, port))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _start(runner: web.AppRunner, port: int) -> int:
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    return int(runner.addresses[0][1])
