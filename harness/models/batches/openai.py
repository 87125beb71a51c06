"""OpenAI's Batch API: a file of requests goes up, a file of answers and one of errors come down.

Source:
    https://platform.openai.com/docs/guides/batch
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.batching import Slip
from harness.models.openai import Reply, Server, load, read, server
from harness.models.serving.batch import Limits, Lost, Outcome, State
from harness.models.serving.failures import DeniedError, FailedError, RefusedError, one_line
from harness.models.serving.remote import count
from harness.types import Prompt

if TYPE_CHECKING:
    from aiohttp import ClientSession, StreamReader

_LIMITS = Limits(50_000, 200_000_000, days_kept=30)
_ENDPOINT = "/v1/chat/completions"
_KEY = "iterbench"
"""Under this name our own word for a batch stands in its metadata."""
_CLOCKS_DIFFER = 3600.0
"""Seconds, at most."""
_FILES = ("output_file_id", "error_file_id")
_ENDED = {"completed", "expired", "cancelled", "failed"}
_UNSERVED = {"batch_expired", "batch_cancelled"}


@asynccontextmanager
async def office(name: str) -> AsyncIterator["Desk"]:
    """The batches of the model that the user calls `name`.

    Raises:
        ModelError: The key is not in the environment.
    """
    asked = server(name)
    async with asked.session() as session:
        yield Desk(asked, session)


@dataclass(frozen=True, slots=True)
class Desk:
    """One model's batches."""

    server: Server
    session: "ClientSession"
    limits: Limits = _LIMITS

    def size(self, prompt: Prompt) -> int | None:
        """Bytes of the prompt's line in the file of requests."""
        return len(self._line("x" * 64, prompt))

    async def submit(self, slip: Slip) -> str:
        """Uploads the requests and makes a batch of them.

        Raises:
            RefusedError: OpenAI will never take it.
        """
        from aiohttp import FormData

        lines = b"".join(self._line(word, prompt) for word, prompt in slip.items.items())
        form = FormData({"purpose": "batch"})
        form.add_field("file", lines, filename=f"{slip.key}.jsonl", content_type="text/plain")
        file = await self._asked("POST", "/files", data=form)
        order = {
            "input_file_id": _text(file, "id"),
            "endpoint": _ENDPOINT,
            "completion_window": "24h",
            "metadata": {_KEY: slip.key},
        }
        return _text(await self._asked("POST", "/batches", json=order), "id")

    async def find(self, slip: Slip, _pause: float) -> str | None:
        """The batch whose metadata holds the slip's key."""
        after = ""
        while True:
            page = await self._asked("GET", f"/batches?limit=100{after}")
            batches = page.get("data") or []
            for batch in batches:
                if (batch.get("metadata") or {}).get(_KEY) == slip.key:
                    return _text(batch, "id")
            if not (page.get("has_more") and batches) or _is_older(batches[-1], slip):
                return None
            after = f"&after={_text(batches[-1], 'id')}"

    async def state(self, batch: str) -> State | None:
        """How far the batch has come; None when OpenAI knows of no such batch."""
        try:
            said = await self._asked("GET", f"/batches/{batch}")
        except DeniedError as error:
            if "HTTP 404" in str(error):
                return None
            raise
        status = said.get("status")
        refusal = _complaints(said) if status == "failed" else None
        return State(_done(said), status in _ENDED, refusal)

    async def outcomes(
        self, batch: str, prompts: Mapping[str, Prompt]
    ) -> AsyncIterator[tuple[str, Outcome]]:
        """What the file of answers and the file of errors say of these prompts."""
        said = await self._asked("GET", f"/batches/{batch}")
        named, answers = set[str](), 0
        for file in filter(None, map(said.get, _FILES)):
            async for line in self._lines(f"/files/{file}/content"):
                word, outcome = self._outcome(line, prompts)
                answers += file == said.get(_FILES[0])
                named.add(word)
                if word in prompts:
                    yield word, outcome
        if answers < _counted(said, "completed"):
            raise FailedError(f"expected every answer of the batch {batch}, came {answers}")
        if said.get("status") != "completed":
            for word in prompts.keys() - named:
                yield word, Lost(f"the batch was {said.get('status')}", paid=False)

    def _line(self, word: str, prompt: Prompt) -> bytes:
        return b'{"custom_id":"%b","method":"POST","url":"%b","body":%b}\n' % (
            word.encode(),
            _ENDPOINT.encode(),
            self.server.request(prompt, ()),
        )

    def _outcome(self, line: bytes, prompts: Mapping[str, Prompt]) -> tuple[str, Outcome]:
        """The line's item; the outcome of one that nobody asks for is not looked at."""
        try:
            said = load(line)
            word, response = said["custom_id"], said.get("response") or {}
            status = response.get("status_code")
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            came = one_line(line.decode(errors="replace"), 100)
            raise FailedError(f"expected a line of results, came '{came}'") from error
        if word not in prompts:
            return word, Lost("", paid=False)
        if status is None:
            return word, _unanswered(said.get("error"))
        body = json.dumps(response.get("body")).encode()
        return word, self._read(Reply(status, None, body), prompts[word])

    def _read(self, reply: Reply, prompt: Prompt) -> Outcome:
        try:
            if reply.status == 200:
                return read(reply.body, prompt.decoding)
        except (RefusedError, DeniedError) as error:
            return error
        except FailedError as error:
            return Lost(str(error), paid=True)
        refusal = self.server.failure(reply)
        return Lost(str(refusal), paid=False) if isinstance(refusal, FailedError) else refusal

    async def _asked(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        from aiohttp import ClientError

        try:
            async with self.session.request(
                method, f"{self.server.base}{path}", allow_redirects=False, **content
            ) as came:
                reply = Reply(came.status, came.headers.get("Retry-After"), await came.read())
        except ClientError as error:
            raise FailedError(f"{type(error).__name__}: {one_line(str(error))}") from error
        if reply.status != 200:
            raise self.server.failure(reply)
        return _object(reply.body)

    async def _lines(self, path: str) -> AsyncIterator[bytes]:
        from aiohttp import ClientError

        try:
            async with self.session.get(f"{self.server.base}{path}") as came:
                if came.status != 200:
                    wait = came.headers.get("Retry-After")
                    raise self.server.failure(Reply(came.status, wait, await came.read()))
                async for line in _split(came.content):
                    yield line
        except ClientError as error:
            raise FailedError(f"{type(error).__name__}: {one_line(str(error))}") from error


async def _split(content: "StreamReader") -> AsyncIterator[bytes]:
    """Lines of whatever length, without their ends; empty ones are left out."""
    rest = b""
    async for some in content.iter_any():
        *lines, rest = (rest + some).split(b"\n")
        for line in filter(None, lines):
            yield line
    if rest:
        yield rest


def _object(body: bytes) -> dict[str, Any]:
    try:
        said = load(body)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        came = one_line(body.decode(errors="replace"), 100)
        raise FailedError(f"expected a JSON object, came '{came}'")
    return said


def _text(said: Mapping[str, Any], key: str) -> str:
    if not isinstance(said.get(key), str):
        raise FailedError(f"expected '{key}' in what came of a batch, came {one_line(str(said))}")
    return str(said[key])


def _done(said: Mapping[str, Any]) -> int:
    return _counted(said, "completed") + _counted(said, "failed")


def _counted(said: Mapping[str, Any], kind: str) -> int:
    counts = said.get("request_counts")
    return count(counts.get(kind)) if isinstance(counts, dict) else 0


def _is_older(batch: Mapping[str, Any], slip: Slip) -> bool:
    return float(batch.get("created_at") or 0) < slip.intended - _CLOCKS_DIFFER


def _complaints(said: Mapping[str, Any]) -> str:
    errors = (said.get("errors") or {}).get("data") or [{}]
    first = one_line(str(errors[0].get("message") or "no reason given"))
    return f"{first} (and {len(errors) - 1} more)" if len(errors) > 1 else first


def _unanswered(error: object) -> Lost:
    said = error if isinstance(error, dict) else {}
    cause = one_line(str(said.get("message") or said.get("code") or "no reason given"))
    return Lost(cause, paid=said.get("code") not in _UNSERVED)
