"""The report of a large series: how long it takes, and how that grows.

Run `OMP_NUM_THREADS=1 python -m bench.series`. One of the benchmarks has length-controlled win
rates: it is refitted as often as all other cells are bootstrapped, 10,000 times. The calibration
rows come from ITERBENCH_ASSETS, or from ../shared/assets.
"""

import tempfile
from pathlib import Path
from time import process_time

import numpy as np

from bench.length_control import read_calibration
from harness.commands.report import write
from harness.report.telling.cells import Cell, Protocol
from harness.report.telling.tell import tell
from harness.stats.length_control import bootstrap_length_control, fit_length_control
from harness.stats.paired import REPLICATES
from harness.types import Item, Redrawn, Score

CHECKPOINTS, BENCHMARKS, PROMPTS = 10, 6, 805
LIMIT = 20.0
"""Seconds of CPU for a report of that size."""
CATEGORIES = 8


def cells(checkpoints: int, prompts: int) -> list[Cell]:
    """Checkpoints that get a little better each time, on benchmarks whose prompts differ."""
    random = np.random.default_rng(0)
    found = []
    for number in range(BENCHMARKS):
        hardness_N = random.normal(0, 1, prompts)
        for step in range(checkpoints):
            value_N = 1 / (1 + np.exp(hardness_N - 0.03 * step + random.normal(0, 1, prompts)))
            found.append(_cell(number, step, value_N))
    return found


def _cell(number: int, step: int, value_N: np.ndarray) -> Cell:
    label = f"bench{number}@1"
    place = {"model iteration": str(step)} | ({"model parent": f"iter{step - 1}"} if step else {})
    items = [Item(f"{label}/{i}", float(value), None) for i, value in enumerate(value_N)]
    score = Score("win_rate", float(value_N.mean()), len(items))
    return Cell(f"iter{step}", label, "judge", {"benchmark": label, **place}, [score], items)


def protocols(prompts: int) -> dict[str, Protocol]:
    """Benchmarks with as many categories as MT-Bench has."""
    labels = [f"bench{number}@1" for number in range(BENCHMARKS)]
    return {
        label: Protocol(
            label, categories={f"{label}/{i}": f"c{i % CATEGORIES}" for i in range(prompts)}
        )
        for label in labels
    }


def refits(checkpoints: int) -> float:
    """Seconds of CPU for the length-controlled win rates of one benchmark."""
    random, calibration = np.random.default_rng(1), read_calibration()
    difficulty_N = calibration.difficulty_G[:PROMPTS]
    start = process_time()
    for _ in range(checkpoints):
        features = random.random(PROMPTS), random.normal(0, 500, PROMPTS), difficulty_N
        fit = fit_length_control(*features, calibration)
        draws_b = bootstrap_length_control(*features, calibration, c=fit.c)
        Redrawn("lc_win_rate", fit.win_rate, (), draws_b.tolist())
    return process_time() - start


def seconds(checkpoints: int, prompts: int) -> float:
    """Seconds of CPU from results to files."""
    made, known = cells(checkpoints, prompts), protocols(prompts)
    with tempfile.TemporaryDirectory() as folder:
        start = process_time()
        write(tell("series", made, known, replicates=REPLICATES), Path(folder))
        return process_time() - start


def main() -> None:
    """Prints the time of the full size, then of 1, 4 and 16 times as many of each."""
    seconds(2, 50)  # what is loaded once
    once, fitted = seconds(CHECKPOINTS, PROMPTS), refits(CHECKPOINTS)
    print(
        f"{CHECKPOINTS} checkpoints x {BENCHMARKS} benchmarks x {PROMPTS} prompts, {REPLICATES} "
        f"rounds: {once:.1f} s of CPU, and {fitted:.1f} s for as many refits of each LC win rate"
    )
    print(f"{'times':>6} {'checkpoints, s':>15} {'prompts, s':>12}")
    for times in (1, 4, 16):
        wide = seconds(CHECKPOINTS * times, PROMPTS)
        long = seconds(CHECKPOINTS, PROMPTS * times)
        print(f"{times:>6} {wide:>15.1f} {long:>12.1f}")
    if once + fitted > LIMIT:
        raise SystemExit(f"expected under {LIMIT} s, came {once + fitted:.1f}")


if __name__ == "__main__":
    main()
