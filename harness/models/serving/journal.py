"""Shows calls to a watch in as few batches as its speed allows."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from harness.types import Generation, Prompt, Watch


class _Batch:
    def __init__(self) -> None:
        self.finished: list[Generation] = []
        self.started: list[Prompt] = []
        self.shown = asyncio.Event()
        self.outcome: asyncio.Future[None]
        """What the watch made of it; there once it is shown."""

    def show(self, watch: Watch) -> None:
        # Answers go first: each makes room for one of the calls behind it.
        if self.finished:
            watch.finished(self.finished)
        if self.started:
            watch.started(self.started)


class Journal:
    """Tells a watch what happens, from one thread of its own.

    A watch may take milliseconds to make a batch durable; whatever comes up meanwhile is the next
    batch. On leaving the context, answers that still wait are shown; calls that still wait are
    dropped, because nobody will make them.

    Args:
        watch: Who is told.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._waiting = _Batch()
        self._news = asyncio.Event()
        self._open = True

    async def note(self, finished: Generation | None, started: Prompt | None) -> None:
        """Returns when the watch has seen both; whatever the watch raises is raised here.

        Args:
            finished: An answer that has arrived.
            started: A call that is about to be made.
        """
        batch = self._waiting
        if finished is not None:
            batch.finished.append(finished)
        if started is not None:
            batch.started.append(started)
        self._news.set()
        await batch.shown.wait()
        batch.outcome.result()

    async def __aenter__(self) -> Self:
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open = False
        self._waiting.started.clear()
        self._news.set()
        await self._keeper

    async def _keep(self) -> None:
        with ThreadPoolExecutor(1, "watch") as thread:
            await self._news.wait()
            while self._open:
                self._news.clear()
                await self._show(thread)
                await self._news.wait()
            last = await self._show(thread)
            last.outcome.result()

    async def _show(self, thread: ThreadPoolExecutor) -> _Batch:
        batch, self._waiting = self._waiting, _Batch()
        loop = asyncio.get_running_loop()
        batch.outcome = loop.run_in_executor(thread, batch.show, self._watch)
        await asyncio.wait([batch.outcome])
        batch.shown.set()
        return batch
