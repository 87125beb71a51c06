"""A judge on trial, as a table, as data and as a figure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from harness.report.figures import Panel, panels
from harness.report.scores import cell, score_data
from harness.report.table import Table
from harness.stats.length_bias import Bin, length_curve
from harness.types import Score

FORMAT = "iterbench.judge_eval/1"
"""Name and version of the JSON that `judge_eval_data` makes."""

_LEGEND = {
    "accuracy": "accuracy: the known winner is preferred; a tie of the judge's is wrong",
    "flips": "flips: the two orders of a pair do not prefer the same answer",
    "first_slot": "first slot: mean preference for the answer shown first; 50 is fair",
    "length_slope": "length slope: log-odds won by one standard deviation of extra length",
    "system_difference": "system difference: mean gap between a system's two mean verdicts",
    "saturation": "saturation: verdicts at the end of the scale",
}


JUDGE_EVAL = "judge_eval.json"


class Findings(NamedTuple):
    """What a trial found of a judge."""

    trial: str
    title: str
    gold: str
    """Whose verdicts are known."""
    n_cases: int
    scores: Sequence[Score]
    gold_scores: Sequence[Score] = ()
    """Of the known verdicts themselves, by the same names."""
    causes: Mapping[str, int] = Counter()
    """Why verdicts are unread."""
    curves: Mapping[str, Sequence[Bin]] = {}
    """Win rate by difference in length, by whose verdicts."""


def judge_eval_table(judge: str, found: Sequence[Findings]) -> Table:
    """A row for each measure of each trial: the judge's value beside that of the known verdicts."""
    rows = [
        [one.trial, _title(score.metric), _cell(score), _of(one, score), *_counts(score)]
        for one in found
        for score in one.scores
    ]
    metrics = {score.metric for one in found for score in one.scores}
    legend = [line for metric, line in _LEGEND.items() if metric in metrics]
    return Table(
        f"{judge} on trial, 95 % intervals over prompts",
        ["trial", "measure", "judge", "known verdicts", "n", "unread"],
        rows,
        [*map(_about, found), *_unread(found), *_doubts(found), *legend],
        words=2,
    )


def judge_eval_data(judge: str, found: Sequence[Findings]) -> dict[str, Any]:
    """The JSON document `iterbench.judge_eval/1`; fractions in [0, 1].

    Keys: `format`; `judge`; `trials`, each with `trial`, `title`, `gold` (whose verdicts are
    known), `cases`, `scores` and `gold_scores` (as in iterbench.results/1), `unread` (a count by
    cause) and `length_curve` (by whose verdicts: bins of `lead`, `win_rate` and `n`).
    """
    return {"format": FORMAT, "judge": judge, "trials": [_data(one) for one in found]}


def draw(path: Path, found: Sequence[Findings]) -> bool:
    """Win rate by how much longer an answer is, a panel for each trial; whether there was any."""
    drawn = [
        Panel(f"win rate, {one.trial}", {who: _points(bins) for who, bins in curves.items()})
        for one in found
        if (curves := {who: bins for who, bins in one.curves.items() if bins})
    ]
    if drawn:
        panels(path, drawn, "characters longer than the other")
    return bool(drawn)


def curve(
    lead: "np.ndarray[Any, np.dtype[np.float64]]", value: "np.ndarray[Any, np.dtype[np.float64]]"
) -> list[Bin]:
    """The curve of what was read."""
    read = ~np.isnan(value)
    return length_curve(lead[read], value[read])


def _points(bins: Sequence[Bin]) -> list[tuple[float, float]]:
    return [(one.lead, one.win_rate) for one in bins]


def _data(one: Findings) -> dict[str, Any]:
    return {
        "trial": one.trial,
        "title": one.title,
        "gold": one.gold,
        "cases": one.n_cases,
        "scores": [score_data(score) for score in one.scores],
        "gold_scores": [score_data(score) for score in one.gold_scores],
        "unread": dict(one.causes),
        "length_curve": {
            who: [bin_._asdict() for bin_ in curve] for who, curve in one.curves.items()
        },
    }


def _of(one: Findings, score: Score) -> str:
    return next((_cell(gold) for gold in one.gold_scores if gold.metric == score.metric), "")


def _cell(score: Score) -> str:
    if score.value is None:
        return "–"
    if score.unit in {"USD", "seconds"}:
        return f"{score.value:.3g}"
    return cell(score)


def _counts(score: Score) -> tuple[str, str]:
    return str(score.n), str(score.n_unread)


def _title(metric: str) -> str:
    return metric.replace("_", " ").replace("usd", "USD")


def _about(one: Findings) -> str:
    return f"{one.trial}: {one.title}, {one.n_cases} prompts, verdicts known by {one.gold}"


def _unread(found: Sequence[Findings]) -> list[str]:
    return [
        f"{one.trial}: {sum(one.causes.values())} unread: "
        + "; ".join(f"{n} {cause}" for cause, n in Counter(one.causes).most_common(3))
        for one in found
        if one.causes
    ]


def _doubts(found: Sequence[Findings]) -> list[str]:
    told = {
        f"{one.trial}: {doubt}": None for one in found for s in one.scores for doubt in s.doubts
    }
    return list(told)
