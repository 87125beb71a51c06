"""Anthropic's Message Batches API, through the official client.

A batch of theirs carries no word of ours but its items' own, which can be read only when it has
ended: to tell whether a batch was made of a slip, one waits for the batches that may be it.

Source:
    https://docs.anthropic.com/en/docs/build-with-claude/batch-processing
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

from harness.batching import Slip
from harness.models.anthropic import Server, read, server
from harness.models.serving.batch import Limits, Lost, Outcome, State
from harness.models.serving.failures import (
    DeniedError,
    FailedError,
    RefusedError,
    failure,
    one_line,
)
from harness.types import Prompt

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from anthropic.types.messages import MessageBatch, MessageBatchIndividualResponse

_LIMITS = Limits(100_000, 256_000_000, days_kept=29)
_CLOCKS_DIFFER = 3600.0
"""Seconds, at most."""
_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""By the kind of an item's error: what a call of its own would have met."""


@asynccontextmanager
async def office(name: str) -> AsyncIterator["Desk"]:
    """The batches of the model that the user calls `name`.

    Raises:
        ModelError: The client is not installed, or the key is not in the environment.
    """
    asked = server(name)
    async with asked.client() as client:
        yield Desk(asked, client)


@dataclass(frozen=True, slots=True)
class Desk:
    """One model's batches."""

    server: Server
    client: "AsyncAnthropic"
    limits: Limits = _LIMITS

    def size(self, prompt: Prompt) -> int | None:
        """Bytes of the prompt in the body of a request."""
        try:
            body = json.dumps(self._item("x" * 64, prompt), ensure_ascii=False)
            return len(body.encode()) + 1
        except UnicodeEncodeError:
            return None

    async def submit(self, slip: Slip) -> str:
        """Makes a batch of the requests.

        Raises:
            RefusedError: Anthropic will never take it.
        """
        requests: Any = [self._item(word, prompt) for word, prompt in slip.items.items()]
        with self._explained():
            batch = await self.client.messages.batches.create(requests=requests)
            return str(batch.id)

    async def find(self, slip: Slip, pause: float) -> str | None:
        """The batch whose items have the slip's words; waits until the batches in question end."""
        for batch in await self._candidates(slip):
            await self._end(batch, pause)
            if await self._names(batch, slip):
                return batch
        return None

    async def state(self, batch: str) -> State | None:
        """How far the batch has come; None when Anthropic knows of no such batch."""
        try:
            return await self._state(batch)
        except DeniedError as error:
            if "HTTP 404" in str(error):
                return None
            raise

    async def outcomes(
        self, batch: str, prompts: Mapping[str, Prompt]
    ) -> AsyncIterator[tuple[str, Outcome]]:
        """What the stream of results says of these prompts."""
        seen = 0
        async for item in self._results(batch):
            seen += 1
            if item.custom_id in prompts:
                yield item.custom_id, self._outcome(item)
        with self._explained():
            counted = _total(await self.client.messages.batches.retrieve(batch))
        if seen < counted:
            raise FailedError(f"expected {counted} results of the batch {batch}, came {seen}")

    def _item(self, word: str, prompt: Prompt) -> dict[str, Any]:
        return {"custom_id": word, "params": self.server.request(prompt, ())}

    async def _state(self, batch: str) -> State:
        with self._explained():
            said = await self.client.messages.batches.retrieve(batch)
            done = _total(said) - said.request_counts.processing
            return State(done, said.processing_status == "ended")

    async def _end(self, batch: str, pause: float) -> None:
        for seconds in repeat(pause):
            if (await self._state(batch)).ended:
                return
            await asyncio.sleep(seconds)

    async def _candidates(self, slip: Slip) -> list[str]:
        """Batches of the slip's size that are not older than it, oldest first."""
        found: list[str] = []
        with self._explained():
            async for batch in self.client.messages.batches.list(limit=100):
                if batch.created_at.timestamp() < slip.intended - _CLOCKS_DIFFER:
                    break
                if _total(batch) == slip.size:
                    found.insert(0, batch.id)
        return found

    async def _names(self, batch: str, slip: Slip) -> bool:
        async with aclosing(self._results(batch)) as results:
            first = await anext(results, None)
        return first is not None and first.custom_id in slip.items

    async def _results(self, batch: str) -> "AsyncGenerator[MessageBatchIndividualResponse]":
        with self._explained():
            results = await self.client.messages.batches.results(batch)
            try:
                async for item in results:
                    yield item
            finally:
                await results.close()

    def _outcome(self, item: "MessageBatchIndividualResponse") -> Outcome:
        result = item.result
        try:
            if result.type == "succeeded":
                return read(result.message)
            if result.type == "errored":
                return self._error(result.error.error.type, result.error.error.message)
        except (RefusedError, DeniedError) as error:
            return error
        except FailedError as error:
            return Lost(str(error), paid=True)
        return Lost(f"the batch item is {one_line(str(result.type))}", paid=False)

    def _error(self, kind: str, said: str) -> Outcome:
        remedy = "check the model's name and the key"
        error = failure(_STATUSES.get(kind, 500), said, None, remedy)
        return Lost(str(error), paid=False) if isinstance(error, FailedError) else error

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            with self.server.explained():
                yield
        except (AttributeError, TypeError) as error:  # the client hands on whatever came
            raise FailedError(f"expected a batch, came {one_line(str(error))}") from error


def _total(batch: "MessageBatch") -> int:
    counts = batch.request_counts
    ended = counts.succeeded + counts.errored + counts.canceled + counts.expired
    return counts.processing + ended
