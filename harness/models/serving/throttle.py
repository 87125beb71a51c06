"""How many calls a server gets at once: half as many when it is overloaded, more as it answers."""

import asyncio
import random
from time import monotonic

_ROUNDS_TO_FULL = 16
"""Rounds of answers that bring the limit from nothing back to its ceiling."""


class Throttle:
    """Places for calls in flight, shared by every call of a run.

    Args:
        ceiling: Most places, which is also how many there are at first.
    """

    def __init__(self, ceiling: int) -> None:
        self._ceiling = ceiling
        self._limit = ceiling
        self._places = asyncio.Semaphore(ceiling)
        self._surplus = 0  # places to take away as calls leave, after a cut
        self._earned = 0.0  # fraction of the next place to give back
        self._cuts = 0
        self._closed_until = 0.0

    @property
    def limit(self) -> int:
        """How many calls may be in flight now."""
        return self._limit

    async def enter(self) -> int:
        """Waits for a place and for the end of any pause.

        Returns:
            The number of cuts so far, for `overloaded`.
        """
        await self._places.acquire()
        while (now := monotonic()) < self._closed_until:
            # Not all at the same instant.
            pause = (self._closed_until - now) * random.uniform(1.0, 1.1)
            await asyncio.sleep(pause)
        return self._cuts

    def leave(self) -> None:
        """Gives the place back."""
        if self._surplus:
            self._surplus -= 1
        else:
            self._places.release()

    def answered(self) -> None:
        """Counts an answer: a whole round of them earns a sixteenth of the ceiling."""
        if self._limit == self._ceiling:
            return
        self._earned += self._ceiling / _ROUNDS_TO_FULL / self._limit
        while self._earned >= 1 and self._limit < self._ceiling:
            self._earned -= 1
            self._limit += 1
            self.leave()

    def overloaded(self, cuts: int) -> None:
        """Halves the limit, once for all the calls that were sent under it.

        Args:
            cuts: What `enter` returned to the call that met the overload.
        """
        if cuts != self._cuts:
            return
        self._cuts += 1
        self._earned = 0.0
        kept = max(1, self._limit // 2)
        self._surplus += self._limit - kept
        self._limit = kept

    def pause(self, seconds: float) -> None:
        """Sends nothing for so long, whoever asks."""
        self._closed_until = max(self._closed_until, monotonic() + seconds)
