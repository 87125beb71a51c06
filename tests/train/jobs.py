"""What jobs for a tiny checkpoint train on, and what came of them: see the fixture `job`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainerCallback

from train.examples import Answer, Example
from train.fit import fit

WORDS = ("red", "green", "blue", "yellow", "a much longer answer")
EXAMPLES = [
    Example(
        (f"Colour {number}?",),
        (Answer(WORDS[number % 5]), Answer(WORDS[(number + 2) % 5])),
        {"p_chosen": 0.9 - number / 40, "p_rejected": number / 40, "weight": 1.0, "desirable": 1.0},
    )
    for number in range(12)
]
THREES = [Example(e.said, (*e.responses, Answer("original"))) for e in EXAMPLES]
"""Two ranked responses and an original, for tuna."""
SETTINGS = {
    "dpo": {"beta": 0.1},
    "ipo": {"beta": 0.1},
    "ipo_sum": {"beta": 0.1},
    "kto": {"beta": 0.1},
    "sppo": {"eta": 5.0},
    "sppo_hard": {"eta": 5.0},
    "tuna": {"margin": 0.1, "mle_weight": 1.0},
}

Write = Callable[..., Path]
"""Writes a job; returns its folder."""


def steps(data: Path) -> list[dict[str, Any]]:
    """The figures of the optimiser steps."""
    lines = data.with_suffix(".jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = load_file(folder / "model.safetensors")
    return found


def trained(data: Path) -> dict[str, torch.Tensor]:
    fit(data)
    return weights(data.with_suffix(""))


def assert_alike(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, other[name], rtol=1e-4, atol=2e-5)


class _Stop(TrainerCallback):
    """Ends a training as a crash would, after so many steps."""

    def __init__(self, step: int) -> None:
        self._step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == self._step:
            raise KeyboardInterrupt


def stopped(data: Path, step: int) -> Path:
    """Trains so many steps; returns the folder of the states."""
    with pytest.raises(KeyboardInterrupt):
        fit(data, [_Stop(step)])
    return data / "states"
