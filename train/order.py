"""In which order examples are trained on, and how fast at each step."""

import math
import random
from collections.abc import Callable, Sequence


def order(sizes: Sequence[int], *, batch_size: int, rows: int, seed: int) -> list[int]:
    """Indexes of the examples of a whole training, so many of them, in order.

    Each epoch is a permutation of its own. It is cut into optimiser steps, and inside a step
    examples of like size come together, so that forward passes hold little padding: which examples
    share a step, and so the gradient, does not depend on their size.

    Args:
        sizes: Tokens of each example.
        batch_size: Examples of an optimiser step.
        rows: How many indexes to return, over all epochs.
        seed: Of the permutations.
    """
    indexes: list[int] = []
    for epoch in range(math.ceil(rows / len(sizes))):
        shuffled = list(range(len(sizes)))
        random.Random(f"{seed} {epoch}").shuffle(shuffled)
        indexes += shuffled
    steps = [indexes[at : min(at + batch_size, rows)] for at in range(0, rows, batch_size)]
    return [index for step in steps for index in sorted(step, key=lambda one: sizes[one])]


def pace(schedule: str, *, steps: float, warmup: float, floor: float) -> Callable[[int], float]:
    """The learning rate's factor at each step, counted from 0: up to 1, then down to the floor.

    Args:
        schedule: "linear", "cosine" or "constant" after the warm-up.
        steps: Length of the whole schedule; a training may be shorter.
        warmup: Share of it in which the rate rises, linearly from 0.
        floor: Where it ends, as a share of the highest.
    """
    rising = warmup * steps

    def factor(step: int) -> float:
        if step < rising:
            return step / rising
        if schedule == "constant":
            return 1.0
        done = min(1.0, (step - rising) / max(1.0, steps - rising))
        left = 1 - done if schedule == "linear" else (1 + math.cos(math.pi * done)) / 2
        return floor + (1 - floor) * left

    return factor
