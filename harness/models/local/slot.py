"""Room in memory for one thing that is dear to load."""

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

Key = TypeVar("Key")
Thing = TypeVar("Thing")


class Slot(Generic[Key, Thing]):
    """Holds one thing at a time, for one user at a time; another one takes its place."""

    def __init__(self, load: Callable[[Key], Thing]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._held: dict[Key, Thing] = {}

    @contextmanager
    def holding(self, key: Key) -> Iterator[Thing]:
        """The thing of that key; it stays when its user leaves."""
        with self._lock:
            if key not in self._held:
                self._forget()
                self._held[key] = self._load(key)
            yield self._held[key]

    def release(self, key: Key | None = None) -> None:
        """Lets go of what is held, once nobody uses it.

        Args:
            key: If something else is held, it stays; None is whatever is there.
        """
        with self._lock:
            if self._held and key in (None, *self._held):
                self._forget()

    def _forget(self) -> None:
        import torch

        self._held.clear()
        gc.collect()  # the first model of a process is part of a cycle
        torch.cuda.empty_cache()
