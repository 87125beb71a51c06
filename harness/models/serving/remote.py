"""Asks a server many prompts at once: what every backend behind HTTP has in common."""

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from harness.errors import ConversesError, ModelError
from harness.models.serving.failures import (
    DeniedError,
    FailedError,
    RefusedError,
)
from harness.models.serving.journal import Journal
from harness.models.serving.throttle import Throttle
from harness.names import public
from harness.types import UNWATCHED, Generation, Prompt, Response, Watch

T = TypeVar("T")

Ask: TypeAlias = Callable[[Prompt, tuple[Response, ...]], Awaitable[Response]]
"""Asks the turn after those that have been answered.

Raises RefusedError, DeniedError or FailedError; it makes one attempt and sets no time limit.
"""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long, and how often, one is prepared to try. Times are in seconds."""

    attempts: int = 6
    """Most calls for one prompt."""
    first_wait: float = 1.0
    """Wait before the second attempt; it doubles with each further one."""
    longest_wait: float = 60.0
    longest_pause: float = 600.0
    """A server that wants to be left alone for longer ends the run."""
    timeout: float = 600.0
    """For one turn."""
    lost_in_a_row: int = 8
    """So many prompts given up, with no answer between them, end the run."""
    grace: float = 1.0
    """How long answers on their way are waited for when the run ends early."""

    def wait(self, attempt: int) -> float:
        """The wait after an attempt in vain, between half of its nominal length and all of it.

        Args:
            attempt: 0 is the first.
        """
        nominal = min(self.first_wait * 2.0**attempt, self.longest_wait)
        return nominal * random.uniform(0.5, 1.0)


Look: TypeAlias = Callable[[str, Sequence[Prompt]], None]
"""Sees that a model of that name can go on with texts as they are and tell how likely they are.

Raises ModelError.
"""


def _uncounted(_prompt: Prompt) -> None:
    return None


def _refuse(name: str, _prompts: Sequence[Prompt]) -> None:
    raise ConversesError(public(name))


@dataclass(frozen=True, slots=True)
class Remote:
    """A model behind a server.

    A prompt of several turns is asked turn by turn, with the model's own answers between them. When
    a later turn fails, the whole prompt is asked again. All attempts at a prompt are shown to the
    watch as one call: of up to `patience.attempts` calls made, a ledger counts one.
    """

    name: str
    identity: Mapping[str, str]
    connect: Callable[[], AbstractAsyncContextManager[Ask]]
    """Opened once for each `generate`, in its event loop."""
    concurrency: int
    """Most prompts that are started and not finished."""
    patience: Patience = Patience()
    count: Callable[[Prompt], int | None] = _uncounted
    """Tokens of a prompt as the model reads it, as far as that can be told here."""
    look: Look = _refuse
    """Asked about prompts that are no conversations."""
    ways: Mapping[str, str] = field(default_factory=dict)
    """How such prompts are answered."""

    def examine(self, prompts: Sequence[Prompt]) -> None:
        """Sees that the server answers prompts of texts as they are and of choices.

        Raises:
            ModelError: It does not.
        """
        unusual = [prompt for prompt in prompts if is_unusual(prompt)]
        if unusual:
            self.look(self.name, unusual)

    def explain(self, prompts: Sequence[Prompt]) -> Mapping[str, str]:
        """How prompts are answered that are no conversations; nothing of those that are."""
        return self.ways if any(map(is_unusual, prompts)) else {}

    def count_tokens(self, prompt: Prompt) -> int | None:
        """Tokens of the prompt; None when they can be counted only where the model is."""
        return self.count(prompt)

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        """One generation per prompt, in the order of the prompts.

        Raises:
            ModelError: The server serves none of these calls, or some failed at every attempt.
        """
        return in_a_thread(_Run(self, prompts, watch).generations()) if prompts else []


def is_unusual(prompt: Prompt) -> bool:
    """Whether a prompt is no conversation that is to be gone on with."""
    return prompt.raw or bool(prompt.choices)


def dialogue(prompt: Prompt, responses: tuple[Response, ...]) -> list[dict[str, str]]:
    """What was said so far and the turn to answer, as role and content.

    Args:
        prompt: Its system message is left to the backend.
        responses: The model's answers to the first turns.
    """
    said: list[dict[str, str]] = []
    for turn, response in zip(prompt.turns, responses, strict=False):
        said.append({"role": "user", "content": turn})
        said.append({"role": "assistant", "content": response.text})
    return [*said, {"role": "user", "content": prompt.turns[len(responses)]}]


def n_responses(prompt: Prompt) -> int:
    """How many responses a prompt asks for."""
    return len(prompt.choices) * max(len(prompt.turns), 1) if prompt.choices else len(prompt.turns)


def count(came: object) -> int:
    """A number of tokens as a server gave it; what is no such number is 0, for the answer is paid.

    Args:
        came: Whatever was in that place; numbers that JSON cannot hold exactly are none either.
    """
    return came if type(came) is int and came in range(1 << 53) else 0


class _Run:
    def __init__(self, model: Remote, prompts: Sequence[Prompt], watch: Watch) -> None:
        self._model = model
        self._patience = model.patience
        self._n = len(prompts)
        self._waiting = deque(enumerate(prompts))
        self._generations: dict[int, Generation] = {}
        self._journal = Journal(watch)
        self._throttle = Throttle(model.concurrency)
        self._lost_in_a_row = 0

    async def generations(self) -> list[Generation]:
        async with self._model.connect() as self._ask, self._journal:
            workers = min(self._model.concurrency, self._n)
            await self._all([asyncio.create_task(self._work()) for _ in range(workers)])
        if len(self._generations) < self._n:
            raise self._incomplete()
        return [self._generations[i] for i in range(self._n)]

    async def _all(self, workers: list[asyncio.Task[None]]) -> None:
        try:
            _, busy = await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
            self._waiting.clear()
            if busy:
                # Their answers are paid for.
                await asyncio.wait(busy, timeout=self._patience.grace)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.wait(workers)
        errors = [error for w in workers if not w.cancelled() and (error := w.exception())]
        if errors:
            raise errors[0]

    async def _work(self) -> None:
        generation = None
        while self._waiting:
            place, prompt = self._waiting.popleft()
            await self._journal.note(generation, prompt)
            generation = await self._answer(prompt)
            if generation is not None:
                self._generations[place] = generation
        await self._journal.note(generation, None)

    async def _answer(self, prompt: Prompt) -> Generation | None:
        for attempt in range(self._patience.attempts):
            if attempt:
                await asyncio.sleep(self._patience.wait(attempt - 1))
            try:
                return await self._attempt(prompt)
            except FailedError as error:
                self._cause = str(error)
            except DeniedError as error:
                if not error.served:
                    await self._journal.note(self._failure(prompt, error), None)
                raise ModelError(f"{self._model.name}: {error}") from error
        self._give_up()
        return None

    async def _attempt(self, prompt: Prompt) -> Generation:
        cuts = await self._throttle.enter()
        try:
            responses = await self._turns(prompt)
        except RefusedError as error:
            return self._failure(prompt, error)
        except FailedError as error:
            self._heed(error, cuts)
            raise
        finally:
            self._throttle.leave()
        self._throttle.answered()
        self._lost_in_a_row = 0
        return Generation(prompt, self._model.name, responses)

    async def _turns(self, prompt: Prompt) -> tuple[Response, ...]:
        responses: tuple[Response, ...] = ()
        for _ in range(n_responses(prompt)):
            responses += (await self._turn(prompt, responses),)
        return responses

    async def _turn(self, prompt: Prompt, responses: tuple[Response, ...]) -> Response:
        try:
            async with asyncio.timeout(self._patience.timeout):
                return await self._ask(prompt, responses)
        except TimeoutError:
            raise FailedError(f"no answer within {self._patience.timeout:g} s") from None

    def _failure(self, prompt: Prompt, error: RefusedError | DeniedError) -> Generation:
        return Generation(prompt, self._model.name, (), failure=str(error))

    def _heed(self, error: FailedError, cuts: int) -> None:
        if error.overloaded:
            self._throttle.overloaded(cuts)
        if error.retry_after > self._patience.longest_pause:
            raise ModelError(
                f"{self._model.name} wants no call for {error.retry_after:.0f} s ({error}); "
                "answers that came are kept: run again then to ask only the rest"
            ) from error
        self._throttle.pause(error.retry_after)

    def _give_up(self) -> None:
        most = self._patience.lost_in_a_row
        self._lost_in_a_row += 1
        if self._lost_in_a_row >= most:
            raise ModelError(
                f"{self._model.name} answered none of {most} prompts in a row, "
                f"{self._patience.attempts} attempts each, last cause: {self._cause}; "
                "answers that came are kept: see to the server, then run again to ask only the rest"
            )

    def _incomplete(self) -> ModelError:
        kept = len(self._generations)
        lost = self._n - kept
        return ModelError(
            f"{lost} of {self._n} calls to {self._model.name} failed after "
            f"{self._patience.attempts} attempts, last cause: {self._cause}; "
            f"{kept} answers are kept: see that the server is up and its address right, then run "
            f"again to ask only the other {lost}"
        )


def in_a_thread(work: Coroutine[Any, Any, T]) -> T:
    """What the work returns; an interrupt cancels it.

    A thread of its own lets a caller have an event loop already (a notebook), and leaves the
    caller's thread free to take an interrupt at any moment, even while the loop is busy.
    """
    running: Future[Callable[[], object]] = Future()

    async def cancellable() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        running.set_result(lambda: task and loop.call_soon_threadsafe(task.cancel))
        return await work

    with ThreadPoolExecutor(1, "calls") as thread:
        result = thread.submit(asyncio.run, cancellable())
        try:
            return result.result()
        except KeyboardInterrupt:
            with contextlib.suppress(RuntimeError):  # the loop has ended of itself
                running.result()()
            raise
