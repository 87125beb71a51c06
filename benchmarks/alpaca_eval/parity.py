"""AlpacaEval's published numbers, recomputed from its published judgments.

The length-controlled column is checked three ways, because its cross-validation upstream splits
rows by an unstable sort: from the published coefficients (exact), with the C that they imply, and
with our own cross-validation. Published values that contradict their own coefficients are named.
"""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.alpaca_eval import columns, files, scores
from benchmarks.alpaca_eval.rubric import logprob_rubric
from harness.judging import turned
from harness.stats.length_control import GRID, Coefficients, predict_win_rate
from harness.types import Assets, Check, Comparison, Generation, Rubric, Unread

_BOARDS = "alpaca_eval/leaderboards"
_BOARD_2 = f"{_BOARDS}/data_AlpacaEval_2/weighted_alpaca_eval_gpt4_turbo_leaderboard.csv"
_BOARD_1 = f"{_BOARDS}/data_AlpacaEval/alpaca_eval_gpt4_leaderboard.csv"
_COEFFICIENTS = "alpaca_eval/glm_weights/length_controlled_v1_baseline_gpt4_1106_preview.csv"

_LENGTHS = "published lengths include outputs that were never judged"

Board = Mapping[str, Mapping[str, str]]
"""A published table's cells by model and column."""
Differences = Mapping[str, float]
"""Absolute difference to the published number by model, in points (percent)."""

SELF_CONTRADICTORY = ("NullModel", "dbrx-instruct")
"""Models whose published LC win rate does not follow from their own published coefficients."""


def verify_2(assets: Assets, annotator: files.Annotator) -> list[Check]:
    """AlpacaEval 2.0: win rates, length-controlled win rates and the reading of raw answers."""
    board, coefficients = _table(assets, _BOARD_2), _table(assets, _COEFFICIENTS)
    tables = dict(_annotated(assets, "annotations", board))
    calibration = scores.read_calibration(assets)
    implied, validated = _lc_differences(tables, board, coefficients, calibration)
    named = [f"calibration: {calibration.source}"]
    return [
        _check(
            "win rate",
            _win_rate_differences(tables, board),
            1e-6,
            _off_board(assets, "annotations", board),
        ),
        _check("average length", _length_differences(tables, board), 1, [_LENGTHS]),
        _check(
            "LC win rate from published coefficients",
            _coefficient_differences(board, coefficients, calibration),
            1e-6,
            [f"left out, contradict themselves: {', '.join(SELF_CONTRADICTORY)}"],
        ),
        _check("LC win rate, C implied by published coefficients", implied, 0.02, named),
        _check("LC win rate, C by cross-validation", validated, 0.15, named),
        _mean_check("LC win rate, C by cross-validation, mean", validated, 0.03, named),
        _check(
            "preference read from the judge's raw answer",
            _reading_differences(assets, annotator),
            1e-7,
        ),
    ]


def verify_1(assets: Assets) -> list[Check]:
    """AlpacaEval 1.0: win rates."""
    board = _table(assets, _BOARD_1)
    tables = dict(_annotated(assets, "annotations_v1", board))
    unlisted = _off_board(assets, "annotations_v1", board)
    return [_check("win rate", _win_rate_differences(tables, board), 0.01, unlisted)]


def _check(claim: str, differences: Differences, limit: float, notes: Sequence[str] = ()) -> Check:
    worst = max(differences, key=differences.__getitem__, default="")
    largest = differences[worst] if worst else math.nan
    return Check(claim, len(differences), largest, limit, worst, tuple(notes))


def _mean_check(claim: str, differences: Differences, limit: float, notes: Sequence[str]) -> Check:
    mean = float(np.mean(list(differences.values()))) if differences else math.nan
    return Check(claim, len(differences), mean, limit, "", tuple(notes))


def _table(assets: Assets, name: str) -> dict[str, dict[str, str]]:
    rows = csv.DictReader(io.StringIO(assets.read(name).decode()))
    return {row[""]: row for row in rows}


def _annotated(assets: Assets, folder: str, board: Board) -> Iterator[tuple[str, scores.Judged]]:
    """Judged answers of the models on the board whose annotations are on this machine."""
    for model, name in _here(assets, folder).items():
        if model in board:
            rows = [json.loads(line) for line in assets.read(name).splitlines()]
            yield model, columns.read_columns(rows, rows[0]["generator_1"])


def _off_board(assets: Assets, folder: str, board: Board) -> list[str]:
    models = sorted(_here(assets, folder).keys() - board.keys())
    return [f"judged but not on the board: {', '.join(models)}"] if models else []


def _here(assets: Assets, folder: str) -> dict[str, str]:
    """Official annotations on this machine by model."""
    names = filter(assets.has, assets.names(f"alpaca_eval/{folder}/"))
    return {name.rsplit("/", 1)[1].removesuffix(".jsonl"): name for name in names}


def _win_rate_differences(tables: Mapping[str, scores.Judged], board: Board) -> Differences:
    return {
        model: abs(100 * float(np.nanmean(table.preference_N)) - float(board[model]["win_rate"]))
        for model, table in tables.items()
    }


def _length_differences(tables: Mapping[str, scores.Judged], board: Board) -> Differences:
    """The published length is rounded down."""
    return {
        model: abs(int(table.candidate_length_N.mean()) - float(board[model]["avg_length"]))
        for model, table in tables.items()
    }


def _coefficient_differences(
    board: Board, coefficients: Board, calibration: scores.CalibrationTable
) -> Differences:
    """Of every model with published coefficients, judged or not.

    `n_total` counts the judgments that were read; a model's rows are as many when outputs were
    missing, and all 805 when judgments were unread, so the nearer of the two is taken.
    """
    differences = {}
    for model in coefficients.keys() & board.keys() - set(SELF_CONTRADICTORY):
        published = float(board[model]["length_controlled_winrate"])
        weights = _weights(coefficients[model])
        differences[model] = min(
            abs(100 * predict_win_rate(weights, calibration.difficulty[:rows]) - published)
            for rows in (int(board[model]["n_total"]), 805)
        )
    return differences


def _lc_differences(
    tables: Mapping[str, scores.Judged],
    board: Board,
    coefficients: Board,
    calibration: scores.CalibrationTable,
) -> tuple[Differences, Differences]:
    """With the grid's C whose fit is nearest to the published coefficients, and with our own C.

    The baseline itself is left out: its 50 % is by construction.
    """
    implied, validated = {}, {}
    for model, table in tables.items():
        if scores.is_the_baseline(table):
            continue
        published = float(board[model]["length_controlled_winrate"])
        target = np.array(_weights(coefficients[model]))
        fits = [scores.fit_lc(table, calibration, float(c)) for c in GRID]
        nearest = min(fits, key=lambda fit: _distance(fit.coefficients, target))
        implied[model] = abs(100 * nearest.win_rate - published)
        validated[model] = abs(100 * scores.fit_lc(table, calibration).win_rate - published)
    return implied, validated


def _distance(coefficients: Coefficients, target: NDArray[np.float64]) -> float:
    return float(np.abs(np.array(coefficients) - target).max())


def _weights(row: Mapping[str, str]) -> Coefficients:
    return Coefficients(
        float(row["np.tanh(std_delta_len)"]),
        float(row["instruction_difficulty"]),
        float(row["not_gamed_baseline.astype(float)"]),
    )


def _reading_differences(assets: Assets, annotator: files.Annotator) -> Differences:
    """Our order and our reading of GPT-4's raw answers against the recorded preferences."""
    rubric = logprob_rubric(assets)
    differences: dict[str, float] = {}
    for name in filter(assets.has, assets.names("alpaca_eval/annotations_full/")):
        rows = [row for row in json.loads(assets.read(name)) if row["raw_completion"]]
        recorded = files.read_judgments(rows, annotator)
        for number, (row, (comparison, raw, _)) in enumerate(zip(rows, recorded, strict=True)):
            answer = Generation(comparison.candidate.prompt, "", (raw,))
            value = _preference(rubric, comparison, answer)
            differences[f"{name}:{number}"] = abs(1 + value - row["preference"])
    return differences


def _preference(rubric: Rubric, comparison: Comparison, answer: Generation) -> float:
    """For the candidate; an answer that GPT-4's own parser read and ours does not is infinity."""
    value = rubric.read(answer)
    if isinstance(value, Unread):
        return math.inf
    return turned(value, swap=rubric.shows_candidate_first(comparison))
