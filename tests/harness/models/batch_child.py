"""A process of its own that buys by batch: `python -m tests.harness.models.batch_child …`.

Its arguments are the store, the model's name and the number of prompts; it prints the answers.
"""

import sys
from dataclasses import replace
from pathlib import Path

from harness.models.batches import batched
from harness.models.serving.batch import Batched
from harness.models.serving.remote import Patience
from harness.registry import live
from harness.store import Batches, Cached, Store
from harness.types import ModelOptions
from tests.harness.models.calling import asking

BRISK = Patience(first_wait=0.01, longest_wait=0.05)


def buying(store: Store, name: str, told: list[str] | None = None) -> Batched:
    """The model of that name, asked by batch, whose patience is short."""
    model = live(name, ModelOptions())
    tell = (told if told is not None else []).append
    docket = Batches(store, model.name, model.identity)
    return replace(batched(model, docket, tell), patience=BRISK)


def main(path: str, name: str, number: str) -> None:
    """Buys the answers and prints them."""
    with Store(Path(path)) as store:
        model = Cached(buying(store, name), store, run="r")
        texts = [one.text for one in model.generate(asking(int(number)))]
        sys.stdout.write("\n".join(texts))


if __name__ == "__main__":
    main(*sys.argv[1:])
