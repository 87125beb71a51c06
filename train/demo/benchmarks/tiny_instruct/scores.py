"""What TinyInstruct's verdicts add up to. Letter of shapes: N prompts.

Source: arXiv 2404.04475 for the length control, with two deviations: there is no published
difficulty of a prompt, so that it is 0 for all, and no calibration model, so that the candidate's
own rows decide what a judge gives for length. C is fixed where it hardly matters, since
cross-validation would choose among fits of one coefficient by noise alone.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.stats.length_control import (
    Calibration,
    bootstrap_length_control,
    fit_length_control,
    length_control_bounds,
)
from harness.types import Score, Verdict
from train.demo.world import correct

METRICS = ("lc_win_rate", "win_rate", "accuracy", "avg_length")
C = 100.0
"""Weight of the data in the fit: its penalty moves the mean of 400 rows by 1 / (400 C)."""
BOOTSTRAPS = 1000
NO_CALIBRATION = Calibration(np.empty(0), np.empty(0), np.empty(0))
_Z = 1.959963984540054  # normal quantile of a 95 % interval

Array = NDArray[np.float64]


class Judged(NamedTuple):
    """The verdicts of one model as columns."""

    preference_N: Array
    """Preference for the candidate in [0, 1]; NaN is unread."""
    length_N: Array
    """Of the candidate's response, in characters; NaN where there is none."""
    delta_N: Array
    """Baseline's length less the candidate's; NaN where there is no response."""
    correct_N: Array
    """1 where the answer is right, else 0; NaN where there is no response."""


def scores(verdicts: Sequence[Verdict]) -> list[Score]:
    """Every metric, in the order of `METRICS`, whatever the order of the verdicts."""
    table = judged(sorted(verdicts, key=lambda verdict: verdict.comparison.candidate.prompt.turns))
    return [
        lc_win_rate(table),
        _mean("win_rate", table.preference_N),
        accuracy(table.correct_N),
        average_length(table.length_N),
    ]


def judged(verdicts: Sequence[Verdict]) -> Judged:
    """Columns of verdicts, in their order."""
    return Judged(*np.array([_row(verdict) for verdict in verdicts], np.float64).reshape(-1, 4).T)


def _row(verdict: Verdict) -> tuple[float, float, float, float]:
    candidate, baseline = verdict.comparison.candidate, verdict.comparison.baseline
    value = math.nan if verdict.value is None else verdict.value
    if candidate.failure is not None:
        return value, math.nan, math.nan, math.nan
    rival = len(baseline.text) if baseline else 0
    length = len(candidate.text)
    return value, length, rival - length, correct(candidate.prompt.turns[-1], candidate.text)


def lc_win_rate(table: Judged) -> Score:
    """Win rate had both sides written equally much, with a bootstrap 95 % interval."""
    n_unread = int(np.isnan(table.preference_N).sum())
    n = len(table.preference_N) - n_unread
    if n == 0:
        return Score("lc_win_rate", None, n, n_unread, bounds=(0.0, 1.0))
    if np.all(table.preference_N == 0.5):  # as any fit says, whose doubts would be idle
        return Score("lc_win_rate", 0.5, n, interval=(0.5, 0.5), standard_error=0.0)
    fit = fit_length_control(*_features(table), c=C)
    draws = bootstrap_length_control(*_features(table), c=C, replicates=BOOTSTRAPS)
    low, high = np.percentile(draws, [2.5, 97.5]).tolist()
    return Score(
        "lc_win_rate",
        fit.win_rate,
        n,
        n_unread,
        interval=(low, high),
        standard_error=float(draws.std(ddof=1)),
        bounds=_bounds(table) if n_unread else None,
        doubts=fit.doubts,
    )


def accuracy(correct_N: Array) -> Score:
    """Share of right answers, with Wilson's 95 % interval; no judge has a say in it.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    score = _mean("accuracy", correct_N)
    if score.value is None:
        return score
    n, share = score.n, score.value
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    reach = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + (_Z / (2 * n)) ** 2)
    return replace(score, interval=(max(0.0, centre - reach), min(1.0, centre + reach)))


def average_length(length_N: Array) -> Score:
    """Mean length of the candidate's responses, in characters."""
    given = length_N[~np.isnan(length_N)]
    mean = float(given.mean()) if len(given) else None
    return Score("avg_length", mean, len(given), len(length_N) - len(given), unit="characters")


def _features(table: Judged) -> tuple[Array, Array, Array, Calibration]:
    # A lost answer has no preference either; its length must only not disturb the others'.
    return table.preference_N, np.nan_to_num(table.delta_N), *_nothing(table)


def _bounds(table: Judged) -> tuple[float, float]:
    return length_control_bounds(table.preference_N, table.delta_N, *_nothing(table), c=C)


def _nothing(table: Judged) -> tuple[Array, Calibration]:
    return np.zeros(len(table.delta_N)), NO_CALIBRATION


def _mean(metric: str, value_N: Array) -> Score:
    """The mean of what there is, with its normal 95 % interval and bounds for what there is not."""
    read = value_N[~np.isnan(value_N)]
    n, n_unread, total = len(read), int(np.isnan(value_N).sum()), float(read.sum())
    if n == 0:
        return Score(metric, None, n, n_unread, bounds=(0.0, 1.0))
    mean = total / n
    error = float(read.std(ddof=1)) / math.sqrt(n) if n > 1 else None
    reach = None if error is None else _Z * error
    return Score(
        metric,
        mean,
        n,
        n_unread,
        interval=None if reach is None else (max(0.0, mean - reach), min(1.0, mean + reach)),
        standard_error=error,
        bounds=(total / len(value_N), (total + n_unread) / len(value_N)) if n_unread else None,
    )
