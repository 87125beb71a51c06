import csv
import gzip
import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.stats.l1_logistic import Array
from harness.stats.length_control import Calibration, Coefficients

_BESIDE = Path(__file__).parents[4] / "shared" / "assets"


@dataclass(frozen=True)
class PublishedAlpaca:
    """The published files of AlpacaEval 2.0, as far as length control needs them."""

    folder: Path

    @cached_property
    def models(self) -> list[str]:
        """Models with judgments, coefficients and a length-controlled win rate."""
        files = (self.folder / "annotations").glob("*.jsonl.gz")
        known = self.coefficients.keys() & self.board.keys()
        judged = {file.name.removesuffix(".jsonl.gz") for file in files}
        return sorted(judged & known - {"gpt4_1106_preview"})  # the baseline: 0.5, nothing to fit

    @cached_property
    def calibration(self) -> Calibration:
        rows = self._rows("df_gamed_reconstructed.csv")
        names = ("preference", "std_delta_len", "instruction_difficulty")
        return Calibration(*(np.array([float(row[name]) for row in rows]) for name in names))

    @cached_property
    def difficulty(self) -> Array:
        return self.calibration.difficulty_G[:805]

    @cached_property
    def coefficients(self) -> dict[str, Coefficients]:
        rows = self._rows("glm_weights/length_controlled_v1_baseline_gpt4_1106_preview.csv")
        return {row.pop(""): Coefficients(*map(float, row.values())) for row in rows}

    @cached_property
    def board(self) -> dict[str, dict[str, str]]:
        """Rows of the leaderboard, win rates in percent."""
        name = "weighted_alpaca_eval_gpt4_turbo_leaderboard.csv"
        return {row[""]: row for row in self._rows(f"leaderboards/data_AlpacaEval_2/{name}")}

    def judgments(self, model: str) -> tuple[Array, Array, Array]:
        """Preferences in [0, 1], length differences and difficulties."""
        with gzip.open(self.folder / "annotations" / f"{model}.jsonl.gz") as lines:
            rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
        preference = np.array([row["preference"] - 1 for row in rows])
        delta = np.array([float(row["len_output_1"] - row["len_output_2"]) for row in rows])
        return preference, delta, self.difficulty[: len(rows)]

    def _rows(self, name: str) -> list[dict[str, str]]:
        return list(csv.DictReader((self.folder / name).read_text().splitlines()))


@pytest.fixture(scope="session")
def alpaca() -> PublishedAlpaca:
    folder = Path(os.environ.get("ITERBENCH_ASSETS", _BESIDE)) / "alpaca_eval"
    if not folder.is_dir():
        pytest.skip(f"the published files are not in {folder}")
    return PublishedAlpaca(folder)
