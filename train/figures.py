"""Figures of optimiser steps: what is told of each, and the file of JSON lines that keeps them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from train.criterion import Seen


def figures(seen: Seen, *, beta: float | None) -> dict[str, float]:
    """What is told of a forward pass: log-ratios in nats, lengths in tokens, and of how many rows.

    All but `rows` are sums over the rows that count. Rewards are those that the policy implies,
    log-ratios times beta, whatever an objective compares them with.

    Args:
        seen: The pass.
        beta: From `Criterion.beta`; None where there is no reference.
    """
    counted_B = seen.batch.counted_B

    def total(value_B: Tensor) -> float:
        return (value_B * counted_B).sum().item()

    lengths_B_R = seen.batch.lengths_B_R
    told = {"rows": counted_B.sum().item(), "length_chosen": total(lengths_B_R[:, 0])}
    if beta is None:
        return told
    ratio_B_R = seen.ratio_B_R.detach()
    chosen, rejected = total(ratio_B_R[:, 0]), total(ratio_B_R[:, 1])
    return told | {
        "length_rejected": total(lengths_B_R[:, 1]),
        "log_ratio_chosen": chosen,
        "log_ratio_rejected": rejected,
        "reward_chosen": beta * chosen,
        "reward_rejected": beta * rejected,
        "accuracy": total((ratio_B_R[:, 0] > ratio_B_R[:, 1]).float()),
        "kl": -total(ratio_B_R.mean(1)),
    }


def means(figures: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each figure over the rows of all forward passes."""
    rows = sum(one["rows"] for one in figures)
    names = [name for name in figures[0] if name != "rows"] if figures else []
    return {name: sum(one[name] for one in figures) / rows for name in names}


def add_line(file: Path, line: Mapping[str, Any]) -> None:
    """Adds a JSON line; one that was cut before it, by a kill or a full disk, is taken away."""
    with file.open("ab+") as stream:
        stream.seek(0)
        stream.truncate(stream.read().rfind(b"\n") + 1)
        stream.write(json.dumps(line).encode() + b"\n")
