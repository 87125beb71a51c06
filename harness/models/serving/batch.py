"""A model that is asked through its provider's batch API, at the price of a batch."""

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from time import time
from typing import NamedTuple, Protocol, TypeAlias

from harness.batching import Docket, Slip
from harness.errors import ModelError
from harness.models.serving.failures import DeniedError, FailedError, RefusedError
from harness.models.serving.remote import Patience, T, in_a_thread
from harness.types import UNWATCHED, Generation, Model, Prompt, Response, Watch

_SHOWN_AT_ONCE = 500
_PATIENCE = Patience(first_wait=5.0)
_DAY = 86_400.0
_UPLOAD_SECONDS = 3600.0
_CALL_SECONDS = 600.0
_SLOWEST_AFTER = 8
"""Polls; each waits for twice as long as the one before, up to the longest wait."""


class Limits(NamedTuple):
    """What fits into one batch."""

    requests: int
    size: int
    """Bytes of all requests together."""
    days_kept: int
    """For so long the provider keeps the answers."""


class State(NamedTuple):
    """How far a batch has come."""

    done: int
    """Items that are answered or lost, as far as the provider tells."""
    ended: bool
    refusal: str | None = None
    """Why the provider did not take the batch; it costs nothing then."""


class Lost(NamedTuple):
    """An item that brought no answer, and that another attempt may."""

    cause: str
    paid: bool
    """Whether it may have to be paid for all the same."""


Outcome: TypeAlias = Response | RefusedError | DeniedError | Lost
"""What became of an item."""

Found: TypeAlias = tuple[str, Outcome]
"""An item by its word, with what became of it."""


class Office(Protocol):
    """A provider's batches, over connections that are open.

    Each method but `size` raises FailedError or DeniedError, and makes one attempt.
    """

    @property
    def limits(self) -> Limits:
        """What fits into one batch."""

    def size(self, prompt: Prompt, /) -> int | None:
        """Bytes of the prompt in a batch; None when it cannot be part of one."""

    async def submit(self, slip: Slip, /) -> str:
        """The provider's word for the batch that was made of the slip.

        Raises:
            RefusedError: The provider will never take it.
        """

    async def find(self, slip: Slip, pause: float, /) -> str | None:
        """The provider's word for a batch that was made of the slip, if one was made.

        Args:
            slip: The batch.
            pause: Seconds between two looks at a batch that must end before it can be told.
        """

    async def state(self, batch: str, /) -> State | None:
        """How far the batch has come; None when the provider knows of no such batch."""

    def outcomes(self, batch: str, prompts: Mapping[str, Prompt], /) -> AsyncIterator[Found]:
        """What became of the items of a batch that has ended, as far as they are named.

        Args:
            batch: The provider's word for it.
            prompts: By their words in the batch.
        """


@dataclass(frozen=True, slots=True)
class Batched:
    """Asks by batch what can wait, and directly what cannot be part of a batch.

    The first prompt goes directly, so that a wrong key, a wrong name or an answer without
    log-probabilities ends the run now and not tomorrow. So do prompts of several turns, whose later
    turns hold earlier answers, and items that a batch has lost. Whatever was submitted is on a slip
    in the docket: a process that was killed, or a run on another day, waits for the same batch.
    """

    model: Model
    """Who is asked directly."""
    office: Callable[[], AbstractAsyncContextManager[Office]]
    docket: Docket
    tell: Callable[[str], None]
    """Is told a line whenever a batch has come further."""
    patience: Patience = _PATIENCE

    @property
    def name(self) -> str:
        """The model's own name."""
        return self.model.name

    @property
    def identity(self) -> Mapping[str, str]:
        """The model's own identity: how an answer is bought does not change it."""
        return self.model.identity

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        """One generation per prompt, in the order of the prompts.

        Raises:
            ModelError: A batch was refused, or calls failed for good. A batch that is under way
                goes on; run again to wait for it.
        """
        trade = _Trade(self, watch)
        slips = trade.slips(prompts)
        under_way = {prompt for slip in slips for prompt in slip.items.values()}
        fresh = [prompt for prompt in prompts if prompt not in under_way]
        now = [prompt for prompt in fresh if len(prompt.turns) > 1 or prompt is fresh[0]]
        settled = self._directly(now, watch)
        settled |= trade.settle(slips, [prompt for prompt in fresh if prompt not in settled])
        settled |= self._directly([p for p in prompts if p not in settled], watch)
        return [settled[prompt] for prompt in prompts]

    def _directly(self, prompts: Sequence[Prompt], watch: Watch) -> dict[Prompt, Generation]:
        return dict(zip(prompts, self.model.generate(prompts, watch), strict=True))


class _Trade:
    """What one `generate` does by batch."""

    def __init__(self, batched: Batched, watch: Watch) -> None:
        self._batched = batched
        self._docket = batched.docket
        self._patience = batched.patience
        self._watch = watch
        self._settled: dict[Prompt, Generation] = {}

    def slips(self, prompts: Sequence[Prompt]) -> list[Slip]:
        """Batches under way; of those that were cut off while they were sent, what was made."""
        slips = self._docket.open(prompts)
        return in_a_thread(self._identified(slips)) if slips else []

    def settle(self, slips: Sequence[Slip], fresh: Sequence[Prompt]) -> dict[Prompt, Generation]:
        """Submits what is new, and waits for everything."""
        if slips or fresh:
            in_a_thread(self._settle(slips, fresh))
        return self._settled

    async def _identified(self, slips: Sequence[Slip]) -> list[Slip]:
        known = [slip for slip in slips if slip.id is not None]
        async with self._batched.office() as self._office:
            for slip in slips:
                found = slip.id is None and await self._made(slip)
                known += [found] if found else []
        return known

    async def _made(self, slip: Slip) -> Slip | None:
        """The slip with the word of the batch that was made of it; void when none was."""
        batch = await self._found(slip)
        if batch is None:
            self._docket.void(slip)
            return None
        return self._docket.sent(slip, batch)

    async def _settle(self, slips: Sequence[Slip], fresh: Sequence[Prompt]) -> None:
        async with self._batched.office() as self._office:
            for slip in slips:
                self._watch.started(list(slip.items.values()))
            sent = [await self._send(some) for some in self._bundles(fresh)]
            for slip in [*slips, *sent]:
                await self._collect(slip)

    def _bundles(self, prompts: Sequence[Prompt]) -> Iterator[list[Prompt]]:
        """Prompts that fit into one batch each; those that fit into none are left out."""
        limits, bundle, total = self._office.limits, list[Prompt](), 0
        for prompt in prompts:
            size = self._office.size(prompt)
            if size is None:
                continue
            if bundle and (len(bundle) == limits.requests or total + size > limits.size):
                yield bundle
                bundle, total = [], 0
            bundle.append(prompt)
            total += size
        if bundle:
            yield bundle

    async def _send(self, prompts: Sequence[Prompt]) -> Slip:
        slip = self._docket.intend(prompts)
        self._watch.started(prompts)
        try:
            batch = await self._patiently(lambda: self._submitted(slip), within=None)
        except (DeniedError, RefusedError) as error:
            self._docket.void(slip)
            raise ModelError(f"{self._batched.name}: {error}") from error
        sent = self._docket.sent(slip, batch)
        self._batched.tell(f"{self._batched.name}: batch {batch} of {slip.size} prompts is sent")
        return sent

    async def _submitted(self, slip: Slip) -> str:
        try:
            async with asyncio.timeout(_UPLOAD_SECONDS):
                return await self._office.submit(slip)
        except (FailedError, TimeoutError) as error:
            # The answer may have been lost, and the batch made all the same.
            found = await self._found(slip)
            if found is None:
                raise FailedError(str(error) or "the upload took too long") from error
            return found

    async def _found(self, slip: Slip) -> str | None:
        pause = self._patience.longest_wait
        return await self._patiently(lambda: self._office.find(slip, pause), within=None)

    async def _collect(self, slip: Slip) -> None:
        batch = str(slip.id)
        state = await self._explained(self._ended(batch))
        if state is None:
            self._forget(batch, slip)
            return
        if state.refusal is not None:
            self._docket.void(slip)
            raise ModelError(
                f"{self._batched.name} did not take the batch {batch}: {state.refusal}; nothing "
                f"was paid for it: see to that and run again, or leave --batch out"
            )
        await self._explained(self._patiently(lambda: self._delivered(batch, slip)))

    async def _ended(self, batch: str) -> State | None:
        """The batch's last state; None when the provider knows of no such batch."""
        seen, poll = -1, 0
        while True:
            state = await self._patiently(lambda: self._office.state(batch))
            if state is not None and state.done > seen:
                seen = state.done
                self._batched.tell(f"{self._batched.name}: batch {batch}: {seen} prompts done")
            if state is None or state.ended:
                return state
            await asyncio.sleep(self._patience.wait(min(poll, _SLOWEST_AFTER)))
            poll += 1

    def _forget(self, batch: str, slip: Slip) -> None:
        """Gives up a batch whose answers the provider has deleted; they may be paid for."""
        days = self._office.limits.days_kept
        if time() - slip.intended < days * _DAY:
            raise ModelError(
                f"{self._batched.name} knows nothing of the batch {batch}, which was sent less "
                f"than {days} days ago; use the key of the account and project that sent it"
            )
        self._docket.release(slip, list(slip.items.values()), paid=True)

    async def _delivered(self, batch: str, slip: Slip) -> None:
        """Shows what became of each item to the watch, and what came to nothing to the docket."""
        items = {word: p for word, p in slip.items.items() if p not in self._settled}
        lost: dict[Prompt, Lost] = {}
        denied: list[DeniedError] = []
        arrived: list[Generation] = []
        async for word, outcome in self._office.outcomes(batch, items):
            if isinstance(outcome, Lost):
                lost.setdefault(items[word], outcome)
            elif isinstance(outcome, DeniedError):
                denied.append(outcome)
            else:
                arrived.append(self._generation(items[word], outcome))
            if len(arrived) == _SHOWN_AT_ONCE:
                self._show(arrived)
                arrived = []
        self._show(arrived)
        if denied:
            raise denied[0]
        self._release(slip, items.values(), lost)

    def _generation(self, prompt: Prompt, outcome: Response | RefusedError) -> Generation:
        if isinstance(outcome, RefusedError):
            return Generation(prompt, self._batched.name, (), failure=str(outcome))
        usage = outcome.usage._replace(batched=True)
        return Generation(prompt, self._batched.name, (replace(outcome, usage=usage),))

    def _show(self, arrived: Sequence[Generation]) -> None:
        if arrived:
            self._watch.finished(arrived)
            self._settled.update((one.prompt, one) for one in arrived)

    def _release(self, slip: Slip, items: Iterable[Prompt], lost: Mapping[Prompt, Lost]) -> None:
        # What an ended batch does not name at all was answered, for all we know.
        missing = Lost("not in the results", paid=True)
        left = {p: lost.get(p, missing) for p in items if p not in self._settled}
        for paid in (False, True):
            some = [prompt for prompt, loss in left.items() if loss.paid is paid]
            if some:
                self._docket.release(slip, some, paid=paid)
        if left:
            cause = next(iter(left.values())).cause
            self._batched.tell(
                f"{self._batched.name}: batch {slip.id} lost {len(left)} of {slip.size} prompts "
                f"({cause}); they are asked directly"
            )

    async def _patiently(
        self, call: Callable[[], Awaitable[T]], *, within: float | None = _CALL_SECONDS
    ) -> T:
        cause = ""
        for attempt in range(self._patience.attempts):
            try:
                async with asyncio.timeout(within):
                    return await call()
            except FailedError as error:
                cause = str(error)
                wait = max(self._patience.wait(attempt), error.retry_after)
                await asyncio.sleep(min(wait, self._patience.longest_pause))
            except TimeoutError:
                cause = f"no answer within {within:g} s"
        raise ModelError(
            f"{self._batched.name} told nothing of a batch in {self._patience.attempts} attempts, "
            f"last cause: {cause}; a batch that was sent goes on: run again to wait for it"
        )

    async def _explained(self, work: Awaitable[T]) -> T:
        try:
            return await work
        except (DeniedError, RefusedError) as error:
            raise ModelError(
                f"{self._batched.name}: {error}; its batch goes on: run again to wait for it"
            ) from error
