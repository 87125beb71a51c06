"""A real HTTP server on 127.0.0.1 that sells batches as OpenAI and as Anthropic do."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import time
from typing import Any

from aiohttp import web

from tests.servers.loopback import Loopback, Reply, completion, message, running

Fate = Callable[[str], str]
"""What becomes of the item that asks this, in OpenAI's words or a number for its HTTP status."""


@dataclass
class Batch:
    """One batch that a client has bought."""

    id: str
    items: dict[str, dict[str, Any]]
    """Requests by custom id."""
    created: float
    metadata: dict[str, str] = field(default_factory=dict)
    polls: int = 0


class Seller(Loopback):
    """The server. Batches end when they have been looked at often enough."""

    def __init__(self) -> None:
        super().__init__()
        self.fate: Fate = lambda _: "200"
        self.completion: Callable[[dict[str, Any]], dict[str, Any]] = _echo
        """What answers a chat of a batch."""
        self.status = "completed"
        """How OpenAI's batches end; "failed" is told by `complaint`."""
        self.complaint = "the file is not valid"
        self.polls = 2
        """Looks until a batch has ended."""
        self.stall: str | None = None
        """The stage whose reply never comes: upload, uploaded, created, polling, download."""
        self.trouble: dict[str, list[Reply]] = {}
        """Replies that come first, by stage."""
        self.stalled = threading.Event()
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, Batch] = {}
        self.page = 100
        self.known = True
        """Whether batches can be looked at."""

    @property
    def bought(self) -> Counter[str]:
        """How often each question was answered for money, directly or in a batch."""
        inside = [b for batch in self.batches.values() for b in batch.items.values()]
        served = [asked(item) for item in inside if self.fate(asked(item)) == "200"]
        return Counter(served) + Counter(seen.asked for seen in self.seen)

    def app(self) -> web.Application:
        app = super().app()
        app.router.add_post("/v1/files", self._upload)
        app.router.add_get("/v1/files/{id}/content", self._content)
        app.router.add_post("/v1/batches", self._create)
        app.router.add_get("/v1/batches", self._list)
        app.router.add_get("/v1/batches/{id}", self._look)
        app.router.add_post("/v1/messages/batches", self._take)
        app.router.add_get("/v1/messages/batches", self._page)
        app.router.add_get("/v1/messages/batches/{id}", self._told)
        app.router.add_get("/v1/messages/batches/{id}/results", self._results)
        return app

    async def _stage(self, name: str) -> None:
        if self.stall == name:
            self.stalled.set()
            await asyncio.sleep(3600)
        if self.trouble.get(name):
            reply = self.trouble[name].pop(0)
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            answer = web.Response(body=body, status=reply.status, headers=reply.headers)
            raise _InterruptError(answer)

    def _new(self, items: dict[str, Any], metadata: dict[str, str]) -> Batch:
        name = f"batch_{len(self.batches) + 1}"
        self.batches[name] = Batch(name, items, time(), metadata)
        return self.batches[name]

    # OpenAI

    @staticmethod
    def _interruptible(handler: Any) -> Any:
        async def handle(self: "Seller", request: web.Request) -> web.StreamResponse:
            try:
                done: web.StreamResponse = await handler(self, request)
            except _InterruptError as interrupt:
                return interrupt.response
            return done

        return handle

    @_interruptible
    async def _upload(self, request: web.Request) -> web.Response:
        await self._stage("upload")
        form = await request.post()
        assert form["purpose"] == "batch"
        upload = form["file"]
        assert isinstance(upload, web.FileField)
        name = f"file-{len(self.files)}"
        with upload.file as content:
            self.files[name] = content.read()
        await self._stage("uploaded")
        return web.json_response({"id": name, "object": "file"})

    @_interruptible
    async def _create(self, request: web.Request) -> web.Response:
        order = await request.json()
        assert (order["endpoint"], order["completion_window"]) == ("/v1/chat/completions", "24h")
        lines = [json.loads(line) for line in self.files[order["input_file_id"]].splitlines()]
        assert all((line["method"], line["url"]) == ("POST", order["endpoint"]) for line in lines)
        await self._stage("create")
        batch = self._new({line["custom_id"]: line["body"] for line in lines}, order["metadata"])
        await self._stage("created")
        return web.json_response(self._batch(batch))

    @_interruptible
    async def _list(self, request: web.Request) -> web.Response:
        newest = list(self.batches.values())[::-1]
        after = request.query.get("after")
        start = 0 if after is None else [batch.id for batch in newest].index(after) + 1
        page = newest[start : start + self.page]
        more = start + self.page < len(newest)
        return web.json_response({"data": [self._batch(b) for b in page], "has_more": more})

    @_interruptible
    async def _look(self, request: web.Request) -> web.Response:
        await self._stage("polling")
        if not self.known:
            error = {"message": "No such batch"}
            return web.json_response({"error": error}, status=404)
        batch = self.batches[request.match_info["id"]]
        batch.polls += 1
        return web.json_response(self._batch(batch))

    def _batch(self, batch: Batch) -> dict[str, Any]:
        ended = batch.polls >= self.polls
        answered = sum(self.fate(asked(item)) == "200" for item in batch.items.values())
        failed = len(batch.items) - answered
        refused = ended and self.status == "failed"
        return {
            "id": batch.id,
            "status": self.status if ended else "in_progress",
            "errors": {"data": [{"message": self.complaint}]} if refused else None,
            "created_at": int(batch.created),
            "metadata": batch.metadata,
            "output_file_id": f"{batch.id}-out" if ended and answered and not refused else None,
            "error_file_id": f"{batch.id}-err" if ended and failed and not refused else None,
            "request_counts": {
                "total": len(batch.items),
                "completed": answered if ended and not refused else batch.polls,
                "failed": failed if ended and not refused else 0,
            },
        }

    @_interruptible
    async def _content(self, request: web.Request) -> web.StreamResponse:
        name, _, kind = request.match_info["id"].rpartition("-")
        batch = self.batches[name]
        lines = [
            json.dumps(self._line(word, item)).encode() + b"\n"
            for word, item in reversed(batch.items.items())
            if (self.fate(asked(item)) == "200") == (kind == "out")
        ]
        return await self._send(request, lines)

    def _line(self, word: str, item: dict[str, Any]) -> dict[str, Any]:
        fate = self.fate(asked(item))
        said: dict[str, Any] = {"id": "r", "custom_id": word, "response": None, "error": None}
        if not fate.isdecimal():
            return said | {"error": {"code": fate, "message": f"{fate} it is"}}
        body = self.completion(item) if fate == "200" else {"error": {"message": f"this is {fate}"}}
        return said | {"response": {"status_code": int(fate), "body": body}}

    async def _send(self, request: web.Request, lines: list[bytes]) -> web.StreamResponse:
        if self.stall != "download":
            await self._stage("download")
            return web.Response(body=b"".join(lines))
        response = web.StreamResponse()
        response.content_length = sum(map(len, lines))
        await response.prepare(request)
        await response.write(b"".join(lines[: len(lines) // 2]))
        await asyncio.sleep(0.3)  # the client stores what it has
        await self._stage("download")
        return response

    # Anthropic

    @_interruptible
    async def _take(self, request: web.Request) -> web.Response:
        order = await request.json()
        await self._stage("upload")
        batch = self._new({one["custom_id"]: one["params"] for one in order["requests"]}, {})
        await self._stage("created")
        return web.json_response(self._message_batch(batch))

    @_interruptible
    async def _page(self, request: web.Request) -> web.Response:
        newest = list(self.batches.values())[::-1]
        data = [self._message_batch(batch) for batch in newest]
        return web.json_response(
            {"data": data, "has_more": False, "first_id": None, "last_id": None}
        )

    @_interruptible
    async def _told(self, request: web.Request) -> web.Response:
        await self._stage("polling")
        if not self.known:
            error = {"type": "not_found_error", "message": "no such batch"}
            return web.json_response({"type": "error", "error": error}, status=404)
        batch = self.batches[request.match_info["id"]]
        batch.polls += 1
        return web.json_response(self._message_batch(batch))

    def _message_batch(self, batch: Batch) -> dict[str, Any]:
        ended = batch.polls >= self.polls
        kinds = Counter(_kind(self.fate(asked(item))) for item in batch.items.values())
        when = datetime.fromtimestamp(batch.created, UTC).isoformat()
        names = ("succeeded", "errored", "canceled", "expired")
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": {
                "processing": 0 if ended else len(batch.items),
                **{name: kinds[name] if ended else 0 for name in names},
            },
            "created_at": when,
            "expires_at": when,
            "results_url": f"{self.url}/v1/messages/batches/{batch.id}/results" if ended else None,
        }

    @_interruptible
    async def _results(self, request: web.Request) -> web.StreamResponse:
        batch = self.batches[request.match_info["id"]]
        lines = [
            json.dumps({"custom_id": word, "result": self._result(item)}).encode() + b"\n"
            for word, item in reversed(batch.items.items())
        ]
        return await self._send(request, lines)

    def _result(self, item: dict[str, Any]) -> dict[str, Any]:
        fate = self.fate(asked(item))
        kind = _kind(fate)
        if kind == "succeeded":
            return {"type": kind, "message": message(item, f"echo {asked(item)}")}
        if kind != "errored":
            return {"type": kind}
        error = {"type": _ERRORS[fate], "message": f"this is {fate}"}
        return {"type": kind, "error": {"type": "error", "error": error}}


class _InterruptError(Exception):
    def __init__(self, response: web.Response) -> None:
        super().__init__()
        self.response = response


_ERRORS = {"400": "invalid_request_error", "401": "authentication_error", "500": "api_error"}
_KINDS = {"200": "succeeded", "batch_expired": "expired", "batch_cancelled": "canceled"}


def _kind(fate: str) -> str:
    return _KINDS.get(fate, "errored")


def _echo(item: dict[str, Any]) -> dict[str, Any]:
    return completion(item, f"echo {asked(item)}")


def asked(item: dict[str, Any]) -> str:
    """What an item's request asks."""
    return str(item["messages"][-1]["content"])


@contextmanager
def selling() -> Iterator[Seller]:
    """A server in a thread of its own, gone when the context ends."""
    with running(Seller()) as server:
        yield server
