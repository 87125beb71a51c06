"""What the reference says of every response: computed once, before the first step, and kept."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import gather_object

from harness.files import write_whole
from train.forward import Layout, collate, response_logps
from train.rows import Row

Logps = list[list[float]]
"""Log-probability of each response to each row, in nats."""


def refer(network: Any, rows: Sequence[Row], layout: Layout, *, at_once: int) -> Logps:
    """What a network says of all responses, each process asking for a part of the rows.

    Args:
        network: On the device of the process, with the weights that a training begins with.
        rows: In any order; rows of like size are asked together.
        layout: As in `train.forward.collate`.
        at_once: Rows of a pass.
    """
    process = PartialState()
    found: dict[int, list[float]] = {}
    indexes = sorted(range(len(rows)), key=lambda one: rows[one].size)
    chunks = [indexes[at : at + at_once] for at in range(0, len(indexes), at_once)]
    # Every process makes as many passes as the others: sharded weights wait for all of them.
    turns = -(-len(chunks) // process.num_processes)
    for turn in range(turns):
        chunk = chunks[(turn * process.num_processes + process.process_index) % len(chunks)]
        batch = collate([rows[one] for one in chunk], layout=layout)
        logps_B_R = response_logps(network, batch.to(process.device))
        found.update(zip(chunk, logps_B_R.tolist(), strict=True))
    every = {index: logps for part in gather_object([found]) for index, logps in part.items()}
    return [every[index] for index in range(len(rows))]


def keep(file: Path, reference: Logps) -> None:
    """Writes it once, whichever process is asked."""
    if PartialState().is_main_process:
        write_whole(file, json.dumps(reference).encode())


def known(file: Path, rows: Sequence[Row]) -> Logps | None:
    """What the file tells of every response of the rows; None if it does not."""
    try:
        found: Logps = json.loads(file.read_bytes())
        torch.tensor([logp for logps in found for logp in logps], dtype=torch.float32)
        is_whole = [len(logps) for logps in found] == [len(row.responses) for row in rows]
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return found if is_whole else None
