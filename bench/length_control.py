"""Our length-controlled fit against alpaca_eval's, on the same published annotations.

Run with a Python that has alpaca_eval: `OMP_NUM_THREADS=1 python -m bench.length_control [MODEL]`.
The files come from ITERBENCH_ASSETS, or from ../shared/assets.
"""

import gzip
import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from harness.stats.l1_logistic import Array
from harness.stats.length_control import (
    Calibration,
    bootstrap_length_control,
    fit_length_control,
)

ROUNDS = 21
_BESIDE = Path(__file__).parents[2] / "shared" / "assets"
FILES = Path(os.environ.get("ITERBENCH_ASSETS", _BESIDE)) / "alpaca_eval"
GAMED = FILES / "df_gamed_reconstructed.csv"


def read_annotations(model: str) -> list[dict[str, Any]]:
    """The published rows, with outputs of the published lengths."""
    with gzip.open(FILES / "annotations" / f"{model}.jsonl.gz") as lines:
        rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    for row in rows:
        del row["index"]  # alpaca_eval numbers the rows itself
        row |= {f"output_{side}": row[f"len_output_{side}"] * "x" for side in (1, 2)}
    return rows


def read_calibration() -> Calibration:
    """The rows of the two calibration models."""
    names = ("preference", "std_delta_len", "instruction_difficulty")
    rows = np.genfromtxt(GAMED, delimiter=",", names=True, dtype=None, encoding="utf-8")
    return Calibration(*(rows[name] for name in names))


def arrays(rows: list[dict[str, Any]], calibration: Calibration) -> tuple[Array, Array, Array]:
    """Preferences, length differences and difficulties out of the annotations."""
    preference = np.array([row["preference"] - 1 for row in rows])
    delta = np.array([float(len(row["output_1"]) - len(row["output_2"])) for row in rows])
    return preference, delta, calibration.difficulty_G[: len(rows)]


def upstream(table: Any) -> float:
    """alpaca_eval's length-controlled win rate of a data frame, its download replaced by a file."""
    from alpaca_eval.metrics import glm_winrate

    glm_winrate.hf_hub_download = lambda **_: GAMED
    scores = glm_winrate.get_length_controlled_winrate(
        table, save_weights_dir=None, is_add_glm_preference_inplace=False
    )
    return float(scores["length_controlled_winrate"]) / 100


def seconds(call: Callable[[], object]) -> float:
    """How long one call takes."""
    start = perf_counter()
    call()
    return perf_counter() - start


def main(model: str = "claude-2") -> None:
    """Times the three in turns, so that a busy machine slows all alike, and prints medians."""
    import pandas as pd

    warnings.simplefilter("ignore")  # scikit-learn's deprecations
    rows, calibration = read_annotations(model), read_calibration()
    table = pd.DataFrame(rows)
    fit = fit_length_control(*arrays(rows, calibration), calibration)
    calls: dict[str, Callable[[], object]] = {
        "alpaca_eval, one fit": lambda: upstream(table),
        "iterbench, one fit": lambda: fit_length_control(*arrays(rows, calibration), calibration),
        "iterbench, 10,000 refits": lambda: bootstrap_length_control(
            *arrays(rows, calibration), calibration, c=fit.c
        ),
    }
    timed = {name: [seconds(call)] for name, call in calls.items()}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            timed[name].append(seconds(call))
    theirs = median(timed["alpaca_eval, one fit"][1:])
    print(f"{model}: alpaca_eval {upstream(table):.5f}, iterbench {fit.win_rate:.5f}")
    print(f"{'median of ' + str(ROUNDS):<24} {'ms':>8} {'of one alpaca_eval fit':>24}")
    for name, times in timed.items():
        ours = median(times[1:])
        print(f"{name:<24} {1e3 * ours:8.2f} {ours / theirs:24.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
