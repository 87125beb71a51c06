"""Anthropic's Messages API, through the official client.

    anthropic:NAME    that model at ANTHROPIC_BASE_URL, or else at Anthropic

The key is ANTHROPIC_API_KEY. The API takes neither a temperature nor top_p nor a seed, and gives no
log-probabilities; the identity says so.
"""

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

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
from harness.types import ModelOptions, Prompt, Response, Usage

if TYPE_CHECKING:
    from anthropic import APIStatusError, AsyncAnthropic
    from anthropic.types import Message

_ANTHROPIC = "https://api.anthropic.com"
_KEY = "ANTHROPIC_API_KEY"
_CONNECT_SECONDS = 30.0
_FINISH_REASONS = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length"}
"""In OpenAI's words; the rest stays as it is."""
_READ = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def build(name: str, options: ModelOptions) -> Remote:
    """A model of Anthropic's.

    Args:
        name: `anthropic:NAME`.
        options: `concurrency` is read.

    Raises:
        ModelError: The client is not installed.
    """
    asked = server(name)
    return Remote(name, asked.identity, asked.connect, options.concurrency)


def server(name: str) -> "Server":
    """The server behind `anthropic:NAME`.

    Raises:
        ModelError: The client is not installed.
    """
    _require_client()
    base = os.environ.get("ANTHROPIC_BASE_URL") or _ANTHROPIC
    return Server(base, name.removeprefix("anthropic:"), os.environ.get(_KEY, "").strip())


@dataclass(frozen=True, slots=True)
class Server:
    """One model of Anthropic's."""

    base: str = field(repr=False)
    """May hold credentials."""
    model: str
    key: str = field(repr=False)

    @property
    def identity(self) -> Mapping[str, str]:
        """What decides the answers, and what of a prompt's decoding cannot."""
        url = urlsplit(self.base)
        return {
            "model": self.model,
            "server": url._replace(netloc=url.netloc.rpartition("@")[2]).geturl(),
            "temperature": "not settable",
            "top_p": "not settable",
            "seed": "not settable",
        }

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Ask]:
        """Opens connections that are used again from call to call.

        Raises:
            ModelError: The key is not in the environment.
        """
        async with self.client() as client:
            yield _Messages(self, client).ask

    @asynccontextmanager
    async def client(self) -> AsyncIterator["AsyncAnthropic"]:
        """Opens connections that carry the key.

        Raises:
            ModelError: The key is not in the environment.
        """
        from anthropic import AsyncAnthropic, Timeout

        if not self.key:
            raise missing_key(_KEY)

        async with AsyncAnthropic(
            api_key=self.key,
            base_url=self.base,
            max_retries=0,
            timeout=Timeout(None, connect=_CONNECT_SECONDS),
        ) as client:
            yield client

    def request(self, prompt: Prompt, responses: tuple[Response, ...]) -> dict[str, Any]:
        """The parameters that ask the turn after those that have been answered.

        Raises:
            DeniedError: The prompt needs log-probabilities, which Anthropic does not give.
        """
        decoding = prompt.decoding
        if decoding.top_logprobs:
            raise DeniedError(
                f"asked for {decoding.top_logprobs} log-probabilities for each token, which "
                "Anthropic does not give; choose a judge at OpenAI or on a vLLM server"
            )
        request: dict[str, Any] = {
            "model": self.model,
            "max_tokens": decoding.max_tokens,
            "messages": dialogue(prompt, responses),
        }
        if prompt.system is not None:
            request["system"] = prompt.system
        if decoding.stop:
            request["stop_sequences"] = decoding.stop
        return request

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turns the client's complaints about a call into what they mean for the others."""
        from anthropic import APIConnectionError, APIStatusError

        try:
            yield
        except APIStatusError as error:
            raise self._failure(error) from error
        except APIConnectionError as error:
            cause = error.__cause__ or error
            raise FailedError(f"{type(cause).__name__}: {one_line(str(cause))}") from error
        except UnicodeEncodeError as error:
            raise RefusedError("the prompt is not valid Unicode") from error
        except ValueError as error:
            came = one_line(str(error))
            raise FailedError(f"expected JSON, came something else: {came}") from error

    def _failure(self, error: "APIStatusError") -> RefusedError | DeniedError | FailedError:
        # Some proxies repeat the key that they do not like.
        reason = (error.api_message or error.message).replace(self.key, "***")
        if error.type == "billing_error":
            return DeniedError(
                f"HTTP {error.status_code}: {one_line(reason)}; add funds to the account"
            )
        retry_after = error.response.headers.get("Retry-After")
        remedy = f"check the model's name and the key in {_KEY}"
        return failure(error.status_code, reason, retry_after, remedy)


class _Messages:
    def __init__(self, server: Server, client: "AsyncAnthropic") -> None:
        self._server = server
        self._client = client

    async def ask(self, prompt: Prompt, responses: tuple[Response, ...]) -> Response:
        with self._server.explained():
            request = self._server.request(prompt, responses)
            message = await self._client.messages.create(**request)
        return read(message)


def _require_client() -> None:
    if find_spec("anthropic") is None:
        raise ModelError(
            "expected the package 'anthropic', came none; pip install 'iterbench[anthropic]'"
        )


def read(message: "Message") -> Response:
    """The answer in a message.

    Raises:
        FailedError: The client handed on something else.
        RefusedError: The answer was filtered.
    """
    try:
        text = "".join(block.text for block in message.content if block.type == "text")
        if not text and message.stop_reason == "refusal":
            raise RefusedError(f"filtered by the server: {_why(message)}")
        return Response(
            text=text,
            finish_reason=_FINISH_REASONS.get(message.stop_reason or "", str(message.stop_reason)),
            usage=_usage(message.usage),
            served_by=message.model,
        )
    except (AttributeError, TypeError) as error:  # the client hands on whatever came
        came = one_line(str(message), 100)
        raise FailedError(f"expected a message, came '{came}'") from error


def _why(message: "Message") -> str:
    # Absent, or anything at all: the client checks nothing.
    details = getattr(message, "stop_details", None)
    reason = getattr(details, "explanation", None) or getattr(details, "category", None)
    return one_line(str(reason or "no reason given"))


def _usage(said: object) -> Usage:
    read = sum(count(getattr(said, name, None)) for name in _READ)
    cached = count(getattr(said, "cache_read_input_tokens", None))
    return Usage(read, count(getattr(said, "output_tokens", None)), cached)
