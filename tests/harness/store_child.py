"""A process of its own that uses a store: `python -m tests.harness.store_child TASK STORE WHAT`."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from harness.models.openai import build
from harness.models.scripted import Scripted
from harness.store import Cached, Store
from harness.types import Decoding, ModelOptions, Prompt, Response, Usage

CONCURRENCY = 16


def prompts(number: int, subject: str) -> list[Prompt]:
    """Prompts that differ in their only turn."""
    decoding = Decoding(max_tokens=8, top_logprobs=2)
    return [Prompt(f"p/{i}", (f"{subject} {i}",), decoding) for i in range(number)]


def judge(store: Store, what: str) -> None:
    """Asks a server all prompts and writes down what it said; `what` is "NUMBER URL"."""
    number, url = what.split()
    model = Cached(build(url, ModelOptions(concurrency=CONCURRENCY)), store, run="ordeal")
    sys.stdout.write(repr(model.generate(prompts(int(number), "Which is better,"))))


def hammer(store: Store, what: str) -> None:
    """Asks 50 prompts of its own and 50 that every worker asks, in batches of 10."""
    answer = Response(what, usage=Usage(2, 1))
    model = Cached(Scripted(lambda _: answer), store, run=what)
    asked = [p for pair in zip(prompts(50, "all"), prompts(50, what), strict=True) for p in pair]
    for first in range(0, len(asked), 10):
        model.generate(asked[first : first + 10])


TASKS: Mapping[str, Callable[[Store, str], None]] = {"judge": judge, "hammer": hammer}

if __name__ == "__main__":
    task, path, what = sys.argv[1:]
    with Store(Path(path)) as opened:
        TASKS[task](opened, what)
