import time
from collections.abc import Mapping
from types import MappingProxyType

from harness.commands.timed import Clock, Timed
from harness.types import UNWATCHED, Generation, Prompt
from tests.records import generation, prompt


class Slow:
    """Takes a moment, and has the answer to q0 already."""

    name = "slow"
    identity: Mapping[str, str] = MappingProxyType({"weights": "w"})

    def missing(self, prompts: list[Prompt]) -> list[Prompt]:
        return [asked for asked in prompts if asked.id != "q0"]

    def generate(self, prompts: list[Prompt], watch: object = UNWATCHED) -> list[Generation]:
        time.sleep(0.02)
        return [generation("a", prompt=asked) for asked in prompts]


def test_the_clock_counts_what_was_really_asked() -> None:
    clock = Clock()
    Timed(Slow(), clock).generate([prompt("q0"), prompt("q1")])  # type: ignore[arg-type]
    assert clock.answers == 1
    assert clock.seconds >= 0.02


def test_what_is_stored_takes_no_time() -> None:
    clock = Clock()
    Timed(Slow(), clock).generate([prompt("q0")])  # type: ignore[arg-type]
    assert clock == Clock(0.0, 0)


def test_a_timed_model_is_the_model() -> None:
    timed = Timed(Slow(), Clock())  # type: ignore[arg-type]
    assert (timed.name, timed.identity) == ("slow", {"weights": "w"})
