"""Tells how a training goes, a line for each tenth of it."""

from collections.abc import Callable
from time import monotonic
from typing import Any

from transformers import TrainerCallback


class Told(TrainerCallback):
    """Says the loss, and how much time is left, ten times in a training."""

    def __init__(self, label: str, say: Callable[[str], None]) -> None:
        self._label, self._say = label, say
        self._tenth = self._first = 0
        self._began = monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Counts from where the training was taken up."""
        self._began, self._first = monotonic(), state.global_step

    def on_log(self, args: Any, state: Any, control: Any, **told: Any) -> None:  # noqa: ARG002
        """Says a line when another tenth is done."""
        logs = told["logs"]
        done, steps = state.global_step, state.max_steps
        tenth = 10 * done // steps
        if "loss" not in logs or tenth <= self._tenth:
            return
        self._tenth = tenth
        pace = (monotonic() - self._began) / (done - self._first)
        left = pace * (steps - done)
        self._say(f"{self._label}: step {done}/{steps}, loss {logs['loss']:.4g}, {left:.0f} s left")
