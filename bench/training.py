"""Tokens per second of a DPO iteration, ours beside TRL's DPOTrainer; and the memory of both.

    python -m bench.training

Both train the demonstration's network on the same pairs, 64 to an optimiser step, from the same
weights and with reference log-probabilities computed before. Each is shown at its best of how many
pairs go through the network at once, of malloc's ways with big blocks, and of one or two threads:
they are tried one after the other, on three steps. glibc gives big blocks back to the
system and takes them anew in every step, unless it is told to keep them, which suits both sides.

Every run has a process of its own, forked where all is imported already. Sides take
turns, and the medians are printed: on a machine that others use too, believe the ratio, not the
rates. `steps` are the optimiser steps alone, `whole` is all from the pairs as text to the
checkpoint on the disk. Tokens are counted as a plain layout has them, each prompt twice, for both.
"""

import ctypes
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, NamedTuple

BATCH = 64
ROUNDS = 3
SETTINGS = ((1, 512), (8, 256))
"""How many questions a prompt has, and how many pairs there are."""
IMPORTED = ["datasets", "trl.trainer.dpo_trainer", "trl.trainer.dpo_config", "train.fit"]
"""By the process that all others are forked from."""
KEPT = {-4: 0, -1: 2**31 - 1, -2: 2**26}
"""Options of `mallopt`: no block by mmap, nothing given back, 64 MB more than is asked for."""


class Way(NamedTuple):
    """How a side is run."""

    at_once: int
    """Pairs that go through the network together."""
    keeps: bool
    """Whether malloc keeps big blocks."""
    threads: int


MORE: tuple[dict[str, Any], ...] = (
    {"at_once": 32},
    {"at_once": 64},
    {"keeps": False},
    {"threads": 2},
)
"""What is tried after the first way, each change kept if it is faster."""
FIRST = Way(16, keeps=True, threads=1)


class Took(NamedTuple):
    """What a run took."""

    steps: float
    """Seconds."""
    whole: float
    """Seconds."""
    memory: float
    """Most megabytes of the process."""


def pairs(times: int, n: int) -> list[tuple[str, str, str]]:
    """Prompt, chosen and rejected of noisy writers, n times, the prompt so many times as long."""
    from train.demo.people import noisy
    from train.demo.sets import prompts

    rng = Random(0)
    texts = prompts("prompts")[:n]
    return [
        ("".join(rng.choices(texts, k=times - 1)) + text, noisy(text, rng), noisy(text, rng))
        for text in texts
    ]


class Clock:
    """The time from the second optimiser step to the last; the first warms up."""

    def __init__(self) -> None:
        from transformers import TrainerCallback

        clock = self
        self.marks: list[float] = []

        class Ticks(TrainerCallback):
            def on_step_end(self, *_: Any, **__: Any) -> None:
                clock.marks.append(time.perf_counter())

        self.callback = Ticks()

    @property
    def seconds(self) -> float:
        """Scaled to all steps."""
        n = len(self.marks)
        return (self.marks[-1] - self.marks[0]) * n / (n - 1)


Pairs = list[tuple[str, str, str]]
Side = Callable[[Path, Path, Pairs, int], Clock]


def ours(base: Path, folder: Path, data: Pairs, at_once: int) -> Clock:
    """One iteration through train/fit.py."""
    from train.examples import Answer, Example
    from train.fit import fit
    from train.job import Job
    from train.recipe import Training

    training = Training(learning_rate=1e-4, batch_size=BATCH, micro_batch=at_once)
    job = Job(str(base), str(folder / "out"), "dpo", {"beta": 0.5}, training)
    job.write(folder / "data", [Example((x,), (Answer(w), Answer(v))) for x, w, v in data])
    clock = Clock()
    fit(folder / "data", [clock.callback])
    return clock


def trl(base: Path, folder: Path, data: Pairs, at_once: int) -> Clock:
    """One iteration through TRL, all it does for large models turned off that costs time here."""
    from datasets import Dataset, disable_progress_bars
    from transformers import AutoTokenizer
    from trl import DPOConfig, DPOTrainer

    disable_progress_bars()
    config = DPOConfig(
        output_dir=str(folder),
        loss_type=["sigmoid"],
        beta=0.5,
        precompute_ref_log_probs=True,
        precompute_ref_batch_size=64,
        bf16=False,
        use_cpu=True,
        gradient_checkpointing=False,
        max_length=None,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        learning_rate=1e-4,
        num_train_epochs=1,
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=BATCH // at_once,
        logging_steps=1,
        dataloader_pin_memory=False,
    )
    columns = zip(("prompt", "chosen", "rejected"), zip(*data, strict=True), strict=True)
    clock = Clock()
    trainer = DPOTrainer(
        model=str(base),
        args=config,
        train_dataset=Dataset.from_dict({name: list(texts) for name, texts in columns}),
        processing_class=AutoTokenizer.from_pretrained(base),
        callbacks=[clock.callback],
    )
    trainer.train()
    trainer.save_model(str(folder / "out"))
    return clock


def measure(side: Side, base: Path, data: Pairs, way: Way, answer: Connection) -> None:
    """Runs in a process of its own and tells what it took."""
    import torch

    torch.set_num_threads(way.threads)
    if way.keeps:
        keep_blocks()
    with tempfile.TemporaryDirectory() as folder, Path("/dev/null").open("w") as nowhere:
        sys.stderr = nowhere
        with redirect_stdout(nowhere):
            start = time.perf_counter()
            clock = side(base, Path(folder), data, way.at_once)
            whole = time.perf_counter() - start
    if len(clock.marks) != len(data) // BATCH:
        raise ValueError(f"expected {len(data) // BATCH} optimiser steps, came {len(clock.marks)}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    answer.send(Took(clock.seconds, whole, memory))


def keep_blocks() -> None:
    """Tells glibc's malloc to keep what it has; other libraries have other ways."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", lambda *_: True)
    for option, value in KEPT.items():
        if not mallopt(option, value):
            raise OSError(f"mallopt({option}, {value}) was refused")


def apart(*arguments: Any) -> Took:
    """The measurement, in a process of its own."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    here, there = context.Pipe()
    process = context.Process(target=measure, args=(*arguments, there))
    process.start()
    there.close()
    took: Took = here.recv()
    process.join()
    return took


def best(side: Side, base: Path, data: Pairs) -> Way:
    """The way in which a side is fastest."""
    way, least = FIRST, apart(side, base, data, FIRST).whole
    for change in MORE:
        other = way._replace(**change)
        took = apart(side, base, data, other).whole
        if took < least:
            way, least = other, took
    return way


def main() -> None:
    """Prints a table for short and for long prompts."""
    from train.demo.checkpoint import make_base

    with tempfile.TemporaryDirectory() as folder:
        base = make_base(Path(folder) / "base")
        for times, n in SETTINGS:
            show(base, pairs(times, n))


def show(base: Path, data: Pairs) -> None:
    """Prints the table of one length of prompts."""
    tokens = sum(2 * len(x) + len(w) + len(v) + 4 for x, w, v in data)
    sides: dict[str, Side] = {"ours": ours, "TRL": trl}
    ways = {name: best(side, base, data[: 3 * BATCH]) for name, side in sides.items()}
    rounds: dict[str, list[Took]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, side in sides.items():
            rounds[name].append(apart(side, base, data, ways[name]))
    middle = {name: Took(*map(median, zip(*took, strict=True))) for name, took in rounds.items()}
    print(f"{len(data)} pairs of {tokens / len(data):.0f} tokens")
    print(f"{'':<6}{'at once':>8}{'malloc':>8}{'threads':>9}", end="")
    print(f"{'steps, tokens/s':>17}{'whole, tokens/s':>17}{'peak MB':>9}")
    for name, took in middle.items():
        way = ways[name]
        print(f"{name:<6}{way.at_once:>8}{'keeps' if way.keeps else 'gives':>8}", end="")
        print(f"{way.threads:>9}{tokens / took.steps:>17.0f}", end="")
        print(f"{tokens / took.whole:>17.0f}{took.memory:>9.0f}")
    mine, their = middle["ours"], middle["TRL"]
    print(f"ratio {their.steps / mine.steps:>42.2f}{their.whole / mine.whole:>17.2f}\n", flush=True)


if __name__ == "__main__":
    main()
