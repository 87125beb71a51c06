"""Tokens per second of a DPO iteration, ours beside TRL's DPOTrainer; and the memory of both.

    OMP_NUM_THREADS=1 python -m bench.training

Both train the demonstration's network on the same 960 pairs, 64 to an optimiser step, from the
same weights and with reference log-probabilities computed before. Each may choose how many pairs go
through the network at once, and is shown at its best. Every run has a process of its own; they take
turns, three rounds, and the medians are printed. `steps` are the optimiser steps alone, `whole` is
all from the pairs as text to the checkpoint on the disk. Tokens are counted as a plain layout has
them, each prompt twice, for both.
"""

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

PAIRS = 960
BATCH = 64
MICRO = (64, 32, 16)
ROUNDS = 3
LONG = 8
"""How much longer prompts are in the second setting: 8 questions in one."""


class Took(NamedTuple):
    """What a run took."""

    steps: float
    """Seconds."""
    whole: float
    """Seconds."""
    memory: float
    """Most megabytes of the process."""


def pairs(times: int) -> list[tuple[str, str, str]]:
    """Prompt, chosen and rejected of noisy writers, the prompt so many times as long."""
    from train.demo.people import noisy
    from train.demo.sets import prompts

    rng = Random(0)
    texts = prompts("prompts")[:PAIRS]
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


def ours(base: Path, folder: Path, times: int, micro: int) -> Clock:
    """One iteration through train/fit.py."""
    from train.examples import Answer, Example
    from train.fit import fit
    from train.job import Job
    from train.recipe import Training

    training = Training(learning_rate=1e-4, batch_size=BATCH, micro_batch=micro)
    job = Job(str(base), str(folder / "out"), "dpo", {"beta": 0.5}, training)
    job.write(folder / "data", [Example((x,), (Answer(w), Answer(v))) for x, w, v in pairs(times)])
    clock = Clock()
    fit(folder / "data", [clock.callback])
    return clock


def trl(base: Path, folder: Path, times: int, micro: int) -> Clock:
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
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=BATCH // micro,
        logging_steps=1,
        dataloader_pin_memory=False,
    )
    columns = zip(("prompt", "chosen", "rejected"), zip(*pairs(times), strict=True), strict=True)
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


def measure(
    side: Callable[[Path, Path, int, int], Clock],
    base: Path,
    times: int,
    micro: int,
    answer: Connection,
) -> None:
    """Runs in a process of its own and tells what it took."""
    with tempfile.TemporaryDirectory() as folder, Path("/dev/null").open("w") as nowhere:
        sys.stderr = nowhere
        with redirect_stdout(nowhere):
            import trl  # noqa: F401

            import train.fit  # noqa: F401 - not part of what is timed

            start = time.perf_counter()
            clock = side(base, Path(folder), times, micro)
            whole = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    answer.send(Took(clock.seconds, whole, memory))


def apart(*arguments: Any) -> Took:
    """The measurement, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=measure, args=(*arguments, there))
    process.start()
    took: Took = here.recv()
    process.join()
    return took


def best(train: Any, base: Path, times: int) -> int:
    """The number of pairs at once with which a trainer is fastest."""
    return min(MICRO, key=lambda micro: apart(train, base, times, micro).whole)


def main() -> None:
    """Prints a table for short and for long prompts."""
    from train.demo.checkpoint import make_base

    with tempfile.TemporaryDirectory() as folder:
        base = make_base(Path(folder) / "base")
        for times in (1, LONG):
            show(base, times)


def show(base: Path, times: int) -> None:
    """Prints the table of one length of prompts."""
    tokens = sum(2 * len(x) + len(w) + len(v) + 4 for x, w, v in pairs(times))
    sides = {"ours": ours, "TRL": trl}
    micro = {name: best(train, base, times) for name, train in sides.items()}
    rounds: dict[str, list[Took]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, train in sides.items():
            rounds[name].append(apart(train, base, times, micro[name]))
    middle = {name: Took(*map(median, zip(*took, strict=True))) for name, took in rounds.items()}
    print(f"{PAIRS} pairs of {tokens / PAIRS:.0f} tokens")
    print(f"{'':<6}{'at once':>8}{'steps, tokens/s':>17}{'whole, tokens/s':>17}{'peak MB':>9}")
    for name, took in middle.items():
        rates = f"{tokens / took.steps:>17.0f}{tokens / took.whole:>17.0f}"
        print(f"{name:<6}{micro[name]:>8}{rates}{took.memory:>9.0f}")
    mine, their = middle["ours"], middle["TRL"]
    print(f"ratio {their.steps / mine.steps:>25.2f}{their.whole / mine.whole:>17.2f}\n")


if __name__ == "__main__":
    main()
