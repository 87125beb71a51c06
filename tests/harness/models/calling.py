"""What the tests of calls to servers share."""

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from harness.models.openai import build
from harness.models.serving.remote import Patience, Remote
from harness.types import Decoding, Generation, ModelOptions, Prompt
from tests.servers.loopback import Loopback

HASTE = Patience(first_wait=0.01, longest_wait=0.05, timeout=0.5, grace=0.2)


def asking(n: int) -> list[Prompt]:
    """So many prompts, each of which asks its own id."""
    return [Prompt(f"q{i}", (f"q{i}",), Decoding(max_tokens=9)) for i in range(n)]


def hasty(server: Loopback, concurrency: int = 10) -> Remote:
    """A model behind the server whose patience is short."""
    return replace(build(server.openai, ModelOptions(concurrency=concurrency)), patience=HASTE)


class Diary:
    """A watch that writes down what it is shown.

    Args:
        cost: Seconds that each batch takes, as a durable commit does.
        trouble: What every batch raises.
    """

    def __init__(self, cost: float = 0.0, trouble: Exception | None = None) -> None:
        self._cost = cost
        self._trouble = trouble
        self.threads: set[int] = set()
        self.batches = 0
        self.started_at: dict[str, float] = {}
        """When `started` returned, by prompt id."""
        self.answers: list[Generation] = []
        self.peak = 0
        """Most prompts that were started and not finished."""

    @property
    def finished_ids(self) -> set[str]:
        return {answer.prompt.id for answer in self.answers}

    @property
    def open_ids(self) -> set[str]:
        """Possibly paid: started and never finished."""
        return self.started_at.keys() - self.finished_ids

    def started(self, prompts: Sequence[Prompt], /) -> None:
        self._commit()
        self.started_at |= {prompt.id: time.monotonic() for prompt in prompts}
        self.peak = max(self.peak, len(self.open_ids))

    def finished(self, generations: Sequence[Generation], /) -> None:
        self._commit()
        self.answers += generations

    def _commit(self) -> None:
        time.sleep(self._cost)
        self.threads.add(threading.get_ident())
        if self._trouble:
            raise self._trouble
        self.batches += 1
