"""What AlpacaEval's verdicts add up to.

Shapes: N prompts of one model, G rows of calibration data.
Source: tatsu-lab/alpaca_eval@cd543a1, `metrics/winrate.py` and `metrics/glm_winrate.py`.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.stats.length_control import (
    Calibration,
    LengthControl,
    bootstrap_length_control,
    fit_length_control,
    length_control_bounds,
)
from harness.stats.paired import REPLICATES
from harness.types import Assets, Generation, Redrawn, Score, Verdict

OFFICIAL_CALIBRATION = "alpaca_eval/df_gamed.csv"
RECONSTRUCTED_CALIBRATION = "alpaca_eval/df_gamed_reconstructed.csv"
_Z = 1.959963984540054  # normal quantile of a 95 % interval


class Judged(NamedTuple):
    """The judged answers of one model as columns."""

    preference_N: NDArray[np.float64]
    """Preference for the candidate in [0, 1]; NaN is unread."""
    candidate_length_N: NDArray[np.float64]
    """In characters; NaN where there is no answer."""
    baseline_length_N: NDArray[np.float64]
    place_N: NDArray[np.int64]
    """Which prompt each row is of: its place in official order, in 0..804."""
    difficulty_row_N: NDArray[np.int64]
    """Which prompt's difficulty each row takes, in 0..804."""

    def in_official_order(self) -> "Judged":
        """The same rows by place: the folds of a fit and the last digits of a sum go by row."""
        order = np.argsort(self.place_N, kind="stable")
        return Judged._make(column[order] for column in self)


def judged(verdicts: Sequence[Verdict]) -> Judged:
    """Columns of verdicts; the prompt's place is the last part of its id."""
    pairs = [verdict.comparison for verdict in verdicts]
    places = [int(pair.candidate.prompt.id.rsplit("/", 1)[1]) for pair in pairs]
    values = [np.nan if verdict.value is None else verdict.value for verdict in verdicts]
    return Judged(
        np.array(values, dtype=np.float64),
        np.array([_length(pair.candidate) for pair in pairs]),
        np.array([len(pair.baseline.text) if pair.baseline else 0 for pair in pairs], np.float64),
        np.array(places, np.int64),
        np.array(places, np.int64),
    ).in_official_order()


def _length(answer: Generation) -> float:
    return np.nan if answer.failure is not None else float(len(answer.text))


def plain_scores(table: Judged) -> list[Score]:
    """Win rate, discrete win rate and average length: AlpacaEval 1.0."""
    return [win_rate(table), discrete_win_rate(table), average_length(table)]


def length_controlled_scores(table: Judged, assets: Assets) -> list[Score]:
    """As 1.0, led by the length-controlled win rate: AlpacaEval 2.0."""
    return [lc_win_rate(table, read_calibration(assets)), *plain_scores(table)]


def win_rate(table: Judged) -> Score:
    """Mean preference, its standard error (ddof 1) and normal 95 % interval."""
    return _mean_score("win_rate", table.preference_N)


def discrete_win_rate(table: Judged) -> Score:
    """Share of wins, a draw counting half: the sign of each preference only."""
    return _mean_score("discrete_win_rate", (np.sign(table.preference_N - 0.5) + 1) / 2)


def average_length(table: Judged) -> Score:
    """Mean length of the candidate's responses, in characters."""
    given = table.candidate_length_N[~np.isnan(table.candidate_length_N)]
    lost = len(table.candidate_length_N) - len(given)
    mean = float(given.mean()) if len(given) else None
    return Score("avg_length", mean, len(given), lost, unit="characters")


def lc_win_rate(table: Judged, calibration: "CalibrationTable") -> Score:
    """Win rate had both sides written equally much, with a bootstrap 95 % interval."""
    n_unread = int(np.isnan(table.preference_N).sum())
    n = len(table.preference_N) - n_unread
    if is_the_baseline(table):
        return Score("lc_win_rate", 0.5, n, interval=(0.5, 0.5), standard_error=0.0)
    if n == 0:
        return Score("lc_win_rate", None, n, n_unread, bounds=(0.0, 1.0))
    fit = fit_lc(table, calibration)
    draws_b = np.array(_refits(table, calibration, fit.c))
    low, high = np.percentile(draws_b, [2.5, 97.5])
    return Score(
        "lc_win_rate",
        fit.win_rate,
        n,
        n_unread,
        interval=(float(low), float(high)) if low < high else None,
        standard_error=float(draws_b.std(ddof=1)),
        bounds=length_control_bounds(*_columns(table, calibration), calibration.rows)
        if n_unread
        else None,
        doubts=(*fit.doubts, *_doubt_difficulties(table)),
    )


def redraw_lc(table: Judged, calibration: "CalibrationTable") -> Redrawn | None:
    """The length-controlled win rate, and refits on prompts drawn with replacement.

    The draws go by place, so that two models with rows of the same prompts had the same drawn.
    """
    prompts = tuple(f"alpaca_eval/{place}" for place in table.place_N.tolist())
    if is_the_baseline(table):
        return Redrawn("lc_win_rate", 0.5, prompts, [0.5] * REPLICATES)
    if np.isnan(table.preference_N).all():
        return None
    fit = fit_lc(table, calibration)
    return Redrawn("lc_win_rate", fit.win_rate, prompts, _refits(table, calibration, fit.c))


def _refits(table: Judged, calibration: "CalibrationTable", c: float) -> tuple[float, ...]:
    columns = (*_features(table, calibration), *calibration.rows)
    return _refits_of(tuple(np.asarray(one, np.float64).tobytes() for one in columns), c)


@lru_cache(maxsize=64)
def _refits_of(columns: tuple[bytes, ...], c: float) -> tuple[float, ...]:
    """Remembered: a score's interval and the changes in its report are of the same refits."""
    preference_N, delta_N, difficulty_N, *calibration = map(np.frombuffer, columns)
    draws_b = bootstrap_length_control(
        preference_N, delta_N, difficulty_N, Calibration(*calibration), c=c
    )
    return tuple(draws_b.tolist())


def fit_lc(table: Judged, calibration: "CalibrationTable", c: float | None = None) -> LengthControl:
    """The length-control fit of one model; c by cross-validation unless it is given."""
    return fit_length_control(*_features(table, calibration), calibration.rows, c=c)


class CalibrationTable(NamedTuple):
    """The judged answers of the two gamed baselines, and each prompt's difficulty."""

    rows: Calibration
    difficulty: NDArray[np.float64]
    """By prompt, shape (805,)."""
    source: str
    """Which file it is."""


def read_calibration(assets: Assets) -> CalibrationTable:
    """The official file if it is on this machine, else the reconstruction, else a download."""
    name = calibration_name(assets)
    rows = list(csv.DictReader(io.StringIO(assets.read(name).decode())))
    columns = {
        key: np.array([float(row[key]) for row in rows])
        for key in ("preference", "std_delta_len", "instruction_difficulty", "index")
    }
    _, first = np.unique(columns["index"], return_index=True)
    gamed = Calibration(
        columns["preference"], columns["std_delta_len"], columns["instruction_difficulty"]
    )
    return CalibrationTable(gamed, columns["instruction_difficulty"][first], name)


def calibration_name(assets: Assets) -> str:
    """Which calibration file a fit on this machine uses."""
    only_reconstruction = not assets.has(OFFICIAL_CALIBRATION) and assets.has(
        RECONSTRUCTED_CALIBRATION
    )
    return RECONSTRUCTED_CALIBRATION if only_reconstruction else OFFICIAL_CALIBRATION


def _features(
    table: Judged, calibration: CalibrationTable
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    preference_N, delta_length_N, difficulty_N = _columns(table, calibration)
    # A lost answer has no preference either; its length must only not disturb the others'.
    return preference_N, np.nan_to_num(delta_length_N), difficulty_N


def _columns(
    table: Judged, calibration: CalibrationTable
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """As `_features`, with NaN for the length of a lost answer."""
    delta_length_N = table.baseline_length_N - table.candidate_length_N
    return table.preference_N, delta_length_N, calibration.difficulty[table.difficulty_row_N]


def is_the_baseline(table: Judged) -> bool:
    """Whether every answer ties with the baseline's at its length: 0.5 by construction."""
    same_length = np.array_equal(table.candidate_length_N, table.baseline_length_N)
    return same_length and bool(np.all(table.preference_N == 0.5))


def _doubt_difficulties(table: Judged) -> Iterator[str]:
    if not np.array_equal(table.difficulty_row_N, table.place_N):
        yield "difficulties by row, as upstream does when rows are missing"


def _mean_score(metric: str, value_N: NDArray[np.float64]) -> Score:
    """The mean of what was read, with its bounds for what was not."""
    read = value_N[~np.isnan(value_N)]
    n, n_unread = len(read), len(value_N) - len(read)
    bounds = (read.sum() / len(value_N), (read.sum() + n_unread) / len(value_N))
    if n == 0:
        return Score(metric, None, n, n_unread, bounds=(0.0, 1.0))
    mean = float(read.mean())
    error = float(read.std(ddof=1) / np.sqrt(n)) if n > 1 else None
    # Verdicts that are all alike do not say that they always are.
    interval = (max(0.0, mean - _Z * error), min(1.0, mean + _Z * error)) if error else None
    return Score(metric, mean, n, n_unread, interval, error, bounds=bounds if n_unread else None)
