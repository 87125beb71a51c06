"""OpenAI, and any server that speaks its chat-completions protocol.

    openai:NAME                that model at OPENAI_BASE_URL, or else at OpenAI
    http://HOST:PORT/v1#NAME   that model at that address; https too

OPENAI_API_KEY is sent to OpenAI only; every other server is sent ITERBENCH_API_KEY, if it is set.

Requests go through aiohttp: the official client spends three times the processor time on each
call, and that is what bounds a run against a fast server.
"""

import hashlib
import json
import math
import os
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import orjson

from harness.errors import ModelError
from harness.models.serving.failures import (
    DeniedError,
    FailedError,
    RefusedError,
    failure,
    missing_key,
    one_line,
)
from harness.models.serving.remote import Ask, Remote, count, dialogue
from harness.models.serving.tokens import counter
from harness.types import Decoding, ModelOptions, Prompt, Response, Token, Usage

if TYPE_CHECKING:
    from aiohttp import ClientSession

_OPENAI = "https://api.openai.com/v1"
_OPENAI_KEY = "OPENAI_API_KEY"
_CONNECT_SECONDS = 30.0
_ADDRESS = re.compile(r"https?://([^@/]*@)?([^@:/?\[\]]+|\[[0-9a-f:]+\])(:\d+)?(/[^?]*)?")
_NEW_LIMIT = "max_completion_tokens"
_JSON = {"Content-Type": "application/json"}
_SERVED_BY = ("model", "system_fingerprint")
_REMEDIES = {
    "insufficient_quota": "add funds to the account",
    "unsupported_parameter": "choose a model that accepts it",
    "unsupported_value": "choose a model that accepts it",
}
"""By error code: what to do about complaints that every further call would meet as well."""


def build(name: str, options: ModelOptions) -> Remote:
    """A model behind an OpenAI-compatible server.

    Args:
        name: `openai:NAME`, or `http://HOST:PORT/v1#NAME`.
        options: `concurrency` is read.

    Raises:
        ModelError: The name is not of that form.
    """
    asked = server(name)
    if not name.startswith("openai:"):
        shown = f"{asked.base}#{asked.model}"
        return Remote(shown, asked.identity, asked.connect, options.concurrency)
    counting = counter(asked.model)
    return Remote(name, asked.identity, asked.connect, options.concurrency, count=counting)


@dataclass(slots=True)
class Dialect:
    """What a server has taught us of the way in which it wants to be asked."""

    limit: str = "max_tokens"
    """How it calls the longest answer."""


@dataclass(frozen=True, slots=True)
class Server:
    """One model at one address."""

    base: str
    """The URL before `/chat/completions`, without credentials."""
    model: str
    """What the server calls it."""
    key_variable: str
    """Where the user keeps the key."""
    authorization: str = field(repr=False)
    """The header of that name; empty when there is no key."""
    dialect: Dialect = field(default_factory=Dialect, repr=False, compare=False)

    @property
    def identity(self) -> Mapping[str, str]:
        """What decides the answers, as far as one can tell from outside."""
        return {"model": self.model, "server": self.base}

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Ask]:
        """Opens connections that are used again from call to call.

        Raises:
            ModelError: It is OpenAI, and its key is not in the environment.
        """
        async with self.session() as session:
            yield _Chat(self, session).ask

    @asynccontextmanager
    async def session(self) -> AsyncIterator["ClientSession"]:
        """Opens connections that carry the key.

        Raises:
            ModelError: It is OpenAI, and its key is not in the environment.
        """
        import aiohttp

        if self.key_variable == _OPENAI_KEY and not self.authorization:
            raise missing_key(_OPENAI_KEY)

        headers = {"Authorization": self.authorization} if self.authorization else {}
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
            proxy=_proxy(urlsplit(self.base)),
        ) as session:
            yield session

    def request(self, prompt: Prompt, responses: tuple[Response, ...]) -> bytes:
        """The body that asks the turn after those that have been answered."""
        return _dump(
            {
                "model": self.model,
                "messages": _messages(prompt, responses),
                self.dialect.limit: prompt.decoding.max_tokens,
                **_sampling(prompt),
            }
        )

    def failure(self, reply: "Reply") -> RefusedError | DeniedError | FailedError:
        """What a reply with a status other than 200 means."""
        error = _error(reply.body)
        reason = str(error.get("message") or error.get("detail") or "")
        if self.authorization:
            # Some proxies repeat the key that they do not like.
            reason = reason.replace(self.authorization.split()[1], "***")
        remedy = _REMEDIES.get(str(error.get("code")))
        if remedy:
            return DeniedError(f"HTTP {reply.status}: {one_line(reason)}; {remedy}")
        remedy = f"check the address, the model's name and the key in {self.key_variable}"
        return failure(reply.status, reason, reply.retry_after, remedy)


class Reply(NamedTuple):
    """What came back over HTTP."""

    status: int
    retry_after: str | None
    """The header of that name."""
    body: bytes


class _Chat:
    def __init__(self, server: Server, session: "ClientSession") -> None:
        self._server = server
        self._session = session
        self._url = f"{server.base}/chat/completions"

    async def ask(self, prompt: Prompt, responses: tuple[Response, ...]) -> Response:
        dialect = self._server.dialect
        limit = dialect.limit
        reply = await self._post(self._server.request(prompt, responses))
        if reply.status == 400 and limit != _NEW_LIMIT and _NEW_LIMIT.encode() in reply.body:
            dialect.limit = _NEW_LIMIT
            reply = await self._post(self._server.request(prompt, responses))
        if reply.status != 200:
            raise self._server.failure(reply)
        return read(reply.body, prompt.decoding)

    async def _post(self, body: bytes) -> Reply:
        from aiohttp import ClientError

        try:
            # A redirect could carry the key to another host.
            async with self._session.post(
                self._url, data=body, headers=_JSON, allow_redirects=False
            ) as reply:
                return Reply(reply.status, reply.headers.get("Retry-After"), await reply.read())
        except ClientError as error:
            raise FailedError(f"{type(error).__name__}: {one_line(str(error))}") from error


def server(name: str) -> Server:
    """The server behind a model's name.

    Args:
        name: `openai:NAME`, or `http://HOST:PORT/v1#NAME`.

    Raises:
        ModelError: The name is not of that form.
    """
    address = os.environ.get("OPENAI_BASE_URL") or _OPENAI
    official = name.startswith("openai:")
    return _server(f"{address}#{name.removeprefix('openai:')}" if official else name)


def _server(address: str) -> Server:
    base, _, model = address.partition("#")
    if not (model and _ADDRESS.fullmatch(base)):
        raise ModelError(
            "expected openai:NAME or http://HOST:PORT/v1#NAME, "
            f"came '{address.rpartition('@')[2]}'; the model's name goes after '#'"
        )
    url = urlsplit(base)
    variable, authorization = _authorization(url)
    public = url._replace(netloc=url.netloc.rpartition("@")[2])
    return Server(public.geturl().rstrip("/"), model, variable, authorization)


def _authorization(url: SplitResult) -> tuple[str, str]:
    host = url.hostname or ""
    # OpenAI has regional addresses: eu.api.openai.com.
    official = url.scheme == "https" and f".{host}".endswith(".api.openai.com")
    variable = _OPENAI_KEY if official else "ITERBENCH_API_KEY"
    key = os.environ.get(variable, "").strip()
    if url.username:
        pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
        return variable, f"Basic {b64encode(pair.encode()).decode()}"
    return variable, f"Bearer {key}" if key else ""


def _proxy(url: SplitResult) -> str | None:
    # Looked up once: aiohttp's own way, trust_env, takes a thread for each request.
    here = url.hostname in {"127.0.0.1", "::1", "localhost"}
    return None if here or proxy_bypass(url.netloc) else getproxies().get(url.scheme)


def _messages(prompt: Prompt, responses: tuple[Response, ...]) -> list[dict[str, str]]:
    system = [] if prompt.system is None else [{"role": "system", "content": prompt.system}]
    return system + dialogue(prompt, responses)


def _sampling(prompt: Prompt) -> dict[str, Any]:
    decoding = prompt.decoding
    sampling: dict[str, Any] = {"temperature": decoding.temperature}
    if decoding.top_p < 1:
        sampling["top_p"] = decoding.top_p
    if decoding.stop:
        sampling["stop"] = decoding.stop
    if decoding.temperature > 0 and decoding.sample > 0:
        sampling["seed"] = _seed(prompt)
    if decoding.top_logprobs > 0:
        sampling |= {"logprobs": True, "top_logprobs": decoding.top_logprobs}
    return sampling


def _seed(prompt: Prompt) -> int:
    asked = json.dumps([prompt.turns, prompt.system, prompt.decoding.sample])
    # 31 bits: servers read it as a signed number.
    return int.from_bytes(hashlib.sha256(asked.encode()).digest()[:4]) >> 1


def _dump(request: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(request)
    except TypeError:  # a lone surrogate, which a model may well have written
        return json.dumps(request).encode()


def load(raw: bytes) -> Any:
    """The value of a JSON text, such as servers write it.

    Raises:
        ValueError: It is none.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:  # perhaps -Infinity or a lone surrogate, which servers do send
        return json.loads(raw)


def _error(raw: bytes) -> Mapping[str, Any]:
    try:
        data = load(raw)
    except ValueError:
        return {"message": raw.decode(errors="replace")}
    error = data.get("error", data) if isinstance(data, dict) else data
    return error if isinstance(error, dict) else {"message": str(error)}


def read(raw: bytes, decoding: Decoding) -> Response:
    """The answer in a body that came with status 200.

    Raises:
        FailedError: The body is no chat completion.
        RefusedError: The answer was filtered.
        DeniedError: It lacks the log-probabilities that were asked for.
    """
    try:
        response = _read(load(raw), decoding)
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        came = one_line(raw.decode(errors="replace"), 100)
        raise FailedError(f"expected a chat completion, came '{came}'") from error
    if decoding.top_logprobs and response.text and not response.tokens:
        raise DeniedError(
            f"asked for {decoding.top_logprobs} log-probabilities for each token, came none; "
            "choose a judge or a server that returns them",
            served=True,
        )
    return response


def _read(data: Any, decoding: Decoding) -> Response:
    choice = data["choices"][0]
    text = choice["message"]["content"] or ""
    if not isinstance(text, str):
        raise TypeError(text)
    if not text and choice.get("finish_reason") == "content_filter":
        reason = one_line(str(choice["message"].get("refusal") or "no reason given"))
        raise RefusedError(f"filtered by the server: {reason}")
    said = (choice.get("logprobs") or {}).get("content") or () if decoding.top_logprobs else ()
    return Response(
        text=text,
        finish_reason=choice.get("finish_reason") or "stop",
        tokens=tuple(_token(token) for token in said),
        usage=_usage(data.get("usage")),
        served_by=" / ".join(str(data[key]) for key in _SERVED_BY if data.get(key)),
    )


def _usage(said: object) -> Usage:
    usage = said if isinstance(said, dict) else {}
    details = usage.get("prompt_tokens_details")
    cached = count(details.get("cached_tokens")) if isinstance(details, dict) else 0
    read = count(usage.get("prompt_tokens"))
    return Usage(read, count(usage.get("completion_tokens")), min(cached, read))


def _token(token: Mapping[str, Any]) -> Token:
    top = [(one["token"], _logprob(one)) for one in token.get("top_logprobs") or ()]
    top.sort(key=lambda one: -one[1])
    return Token(token["token"], _logprob(token), tuple(top))


def _logprob(token: Mapping[str, Any]) -> float:
    logprob = float(token["logprob"])
    if not logprob < math.inf:  # which NaN is not either
        raise ValueError(logprob)
    return min(0.0, logprob)
