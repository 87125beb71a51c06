"""OpenAI, and any server that speaks its chat-completions protocol.

    openai:NAME                that model at OPENAI_BASE_URL, or else at OpenAI
    http://HOST:PORT/v1#NAME   that model at that address; https too

OPENAI_API_KEY is sent to OpenAI only; every other server is sent ITERBENCH_API_KEY, if it is set.

Requests go through aiohttp: the official client spends three times the processor time on each
call, and that is what bounds a run against a fast server.
"""

import asyncio
import json
import logging
import os
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import orjson

from harness.errors import ModelError
from harness.models.serving.completions import ByText, Post, probe
from harness.models.serving.failures import (
    DeniedError,
    FailedError,
    RefusedError,
    failure,
    missing_key,
    one_line,
)
from harness.models.serving.remote import Ask, Remote, dialogue, in_a_thread, is_unusual
from harness.models.serving.spoken import drawn, logprob, served_by, usage
from harness.models.serving.tokens import counter
from harness.types import Decoding, ModelOptions, Prompt, Response, Token

if TYPE_CHECKING:
    from aiohttp import ClientSession

_OPENAI = "https://api.openai.com/v1"
_OPENAI_KEY = "OPENAI_API_KEY"
_CONNECT_SECONDS = 30.0
_ADDRESS = re.compile(r"https?://([^@/]*@)?([^@:/?\[\]]+|\[[0-9a-f:]+\])(:\d+)?(/[^?]*)?")
_NEW_LIMIT = "max_completion_tokens"
_JSON = {"Content-Type": "application/json"}
_WAYS = {
    "likelihoods": "the server's, of texts that /completions echoes",
    "log-softmax": "the server's own",
    "tokens": "the server's; those of a context are as many as it has alone",
    "BOS": "by the server's own rule",
}
_REMEDIES = {
    "insufficient_quota": "add funds to the account",
    "unsupported_parameter": "choose a model that accepts it",
    "unsupported_value": "choose a model that accepts it",
}
"""By error code: what to do about complaints that every further call would meet as well."""

_log = logging.getLogger(__name__)


def build(name: str, options: ModelOptions) -> Remote:
    """A model behind an OpenAI-compatible server.

    Args:
        name: `openai:NAME`, or `http://HOST:PORT/v1#NAME`.
        options: `concurrency` is read.

    Raises:
        ModelError: The name is not of that form.
    """
    asked = server(name)
    counting = counter(asked.model) if name.startswith("openai:") else None
    if not name.startswith("openai:"):
        name = f"{asked.base}#{asked.model}"
    made = Remote(name, asked.identity, asked.connect, options.concurrency)
    if counting is not None:
        made = replace(made, count=counting)
    # OpenAI's own models tell nothing of what they read.
    official = asked.key_variable == _OPENAI_KEY
    return made if official else replace(made, look=asked.look, ways=_WAYS)


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
    async def connect(self, as_it_is: Callable[[Post], Ask] | None = None) -> AsyncIterator[Ask]:
        """Opens connections that are used again from call to call.

        Args:
            as_it_is: What asks texts as they are and choices; it is given what asks /completions.
                None asks in texts.

        Raises:
            ModelError: It is OpenAI, and its key is not in the environment.
        """
        async with self.session() as session:
            line = _Line(self, session)
            unusual = as_it_is(line.complete) if as_it_is else ByText(line.complete).ask

            def ask(prompt: Prompt, responses: tuple[Response, ...]) -> Awaitable[Response]:
                return (unusual if is_unusual(prompt) else line.chat)(prompt, responses)

            yield ask

    def look(self, name: str, prompts: Sequence[Prompt]) -> None:
        """Sees by a request of one token that the server answers such prompts.

        One that cannot be reached is not found wanting: all answers may be stored.

        Raises:
            ModelError: It does not, or they need its chat template.
        """
        if any(prompt.choices and not prompt.raw for prompt in prompts):
            raise ModelError(
                f"expected choices after texts as they are, since {name} does not show its chat "
                f"template; leave ':chat' out, or name the checkpoint, hf:PATH or vllm:PATH"
            )
        try:
            in_a_thread(self._probe(likelihoods=any(prompt.choices for prompt in prompts)))
        except FailedError as error:
            _log.debug("%s was not looked at: %s", name, error)
        except (DeniedError, RefusedError) as error:
            raise ModelError(
                f"expected {name} to go on with given texts at /completions and tell how likely "
                f"they are, came {error}; where it only answers in conversations, name the "
                f"checkpoint, hf:PATH_OR_ID or vllm:PATH_OR_ID"
            ) from error

    async def _probe(self, *, likelihoods: bool) -> None:
        try:
            async with self.session() as session, asyncio.timeout(_CONNECT_SECONDS):
                await probe(_Line(self, session).complete, likelihoods=likelihoods)
        except TimeoutError as error:
            raise FailedError("no answer in time") from error

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


class _Line:
    def __init__(self, server: Server, session: "ClientSession") -> None:
        self._server = server
        self._session = session

    async def chat(self, prompt: Prompt, responses: tuple[Response, ...]) -> Response:
        dialect = self._server.dialect
        limit = dialect.limit
        reply = await self._post("chat/completions", self._server.request(prompt, responses))
        if reply.status == 400 and limit != _NEW_LIMIT and _NEW_LIMIT.encode() in reply.body:
            dialect.limit = _NEW_LIMIT
            reply = await self._post("chat/completions", self._server.request(prompt, responses))
        if reply.status != 200:
            raise self._server.failure(reply)
        return read(reply.body, prompt.decoding)

    async def complete(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        body = _dump({"model": self._server.model, **asked})
        reply = await self._post("completions", body)
        if reply.status != 200:
            raise self._server.failure(reply)
        try:
            answer = load(reply.body)
        except ValueError:
            answer = None
        if isinstance(answer, dict):
            return answer
        came = one_line(reply.body.decode(errors="replace"), 100)
        raise FailedError(f"expected a completion, came '{came}'")

    async def _post(self, path: str, body: bytes) -> Reply:
        from aiohttp import ClientError

        try:
            # A redirect could carry the key to another host.
            async with self._session.post(
                f"{self._server.base}/{path}", data=body, headers=_JSON, allow_redirects=False
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
    tops = prompt.decoding.top_logprobs
    return drawn(prompt) | ({"logprobs": True, "top_logprobs": tops} if tops > 0 else {})


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
        usage=usage(data.get("usage")),
        served_by=served_by(data),
    )


def _token(token: Mapping[str, Any]) -> Token:
    top = [(one["token"], logprob(one["logprob"])) for one in token.get("top_logprobs") or ()]
    top.sort(key=lambda one: -one[1])
    return Token(token["token"], logprob(token["logprob"]), tuple(top))
