"""Results as a table and as data. Here, and nowhere before, fractions become percent."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from harness.pipeline import Result
from harness.report.table import Table
from harness.types import Score

FORMAT = "iterbench.results/1"
"""Name and version of the JSON that `results_data` makes."""

SAMPLE_OF = "model sample of"
"""The entry of an identity that says whose further sample a result is; no other checkpoint's."""

_TITLES = {"avg_length": "length", "lc_win_rate": "LC win rate", "win_rate": "win rate"}
_ITERATION = "model iteration"
_MARKED = 0.01
"""Above this share of unread verdicts a figure carries a mark."""


def results_table(results: Sequence[tuple[str, Result]]) -> Table:
    """One benchmark's results, a row for each named checkpoint, in the order given."""
    card = results[0][1].card
    metrics = [*dict.fromkeys(score.metric for _, result in results for score in _main(result))]
    shows_iteration = any(_ITERATION in result.identity for _, result in results)
    return Table(
        title=f"{card.title}, {results[0][1].judge} judging, 95 % intervals",
        columns=[
            "checkpoint",
            *(["iter"] if shows_iteration else []),
            *map(metric_title, metrics),
            "n",
            "unread",
        ],
        rows=[
            [
                name,
                *([result.identity.get(_ITERATION, "")] if shows_iteration else []),
                *_figures(result, metrics),
            ]
            for name, result in results
        ],
        notes=_notes(results),
    )


def parts_tables(results: Sequence[tuple[str, Result]]) -> list[Table]:
    """One benchmark's results part by part, a row for each METRIC/PART; none if it has no parts.

    What is finer, METRIC/PART/DETAIL, is in the data only.
    """
    parts = [
        {score.metric: score for score in result.scores if score.metric.count("/") == 1}
        for _, result in results
    ]
    rows = [
        [part, *(cell(scores[part]) if part in scores else "" for scores in parts)]
        for part in dict.fromkeys(part for scores in parts for part in scores)
    ]
    names = [name for name, _ in results]
    doubts = [
        f"{part}: {doubt}"
        for scores in parts
        for part, score in scores.items()
        for doubt in score.doubts
    ]
    title = f"{results[0][1].card.title}, part by part"
    notes = [*dict.fromkeys(doubts)]
    return [Table(title, ["part", *names], rows, notes)] if rows else []


def _main(result: Result) -> list[Score]:
    return [score for score in result.scores if "/" not in score.metric]


def results_data(
    results: Sequence[tuple[str, Result]], *, items: bool = False
) -> list[dict[str, Any]]:
    """Every result with identity and scores, fractions in [0, 1]; with every verdict if asked."""
    return [
        {
            "checkpoint": name,
            "benchmark": result.card.label,
            "model": result.model,
            "judge": result.judge,
            "identity": dict(result.identity),
            "scores": [score_data(score) for score in result.scores],
            **({"items": [item._asdict() for item in result.items]} if items else {}),
        }
        for name, result in results
    ]


def score_data(score: Score) -> dict[str, Any]:
    """A score as data; a withheld value is null."""
    return {
        "metric": score.metric,
        "value": score.value,
        "unit": score.unit,
        "interval": score.interval,
        "standard_error": score.standard_error,
        "n": score.n,
        "n_unread": score.n_unread,
        "coverage": score.coverage,
        "bounds": score.bounds,
        "doubts": list(score.doubts),
    }


def cell(score: Score) -> str:
    """A score as it is shown, with its interval, or with its bounds when it is withheld."""
    if score.value is None:
        return f"withheld{shown_range(score.bounds, score.unit)}"
    mark = "*" if score.coverage < 1 - _MARKED else ""
    return f"{shown_value(score.value, score.unit)}{mark}{shown_range(score.interval, score.unit)}"


def shown_value(value: float, unit: str) -> str:
    """A number in the unit in which people read it: fractions in percent."""
    if unit == "fraction":
        return f"{100 * value:.2f}"
    return f"{value:.0f}" if unit == "characters" else f"{value:.2f}"


def shown_range(pair: tuple[float, float] | None, unit: str) -> str:
    """Both ends, as they stand behind a value."""
    return f" [{shown_value(pair[0], unit)}, {shown_value(pair[1], unit)}]" if pair else ""


def _figures(result: Result, metrics: Sequence[str]) -> list[str]:
    """A cell for each metric, empty where the result has none of it."""
    main, told = result.scores[0], {score.metric: cell(score) for score in _main(result)}
    return [*(told.get(metric, "") for metric in metrics), str(main.n), str(main.n_unread)]


def metric_title(metric: str) -> str:
    """A metric as it is called in a heading."""
    return _TITLES.get(metric, metric.replace("_", " "))


def _notes(results: Sequence[tuple[str, Result]]) -> list[str]:
    notes = _common(results)
    if any(score.coverage < 1 - _MARKED for _, result in results for score in _main(result)):
        notes.append(f"*: above {_MARKED:.0%} of the verdicts are unread")
    for name, result in results:
        notes += [f"{name}: {doubt}" for score in _main(result) for doubt in score.doubts]
        notes += _unread_notes(name, result)
    return notes


_SHOWN = (
    "benchmark",
    "baseline",
    "calibration",
    "references",
    "tasks",
    "judge rubric",
    "prompts",
)


def _common(results: Sequence[tuple[str, Result]]) -> list[str]:
    """What decided all rows, and a warning where rows differ and so cannot be compared."""
    notes = []
    for key in ("judge", *_SHOWN):
        values = list(dict.fromkeys(result.identity.get(key, "") for _, result in results))
        if len(values) > 1:
            notes.append(f"rows differ in {key}: {', '.join(map(repr, values))}")
        elif values[0] and key in _SHOWN:
            notes.append(f"{key}: {values[0]}")
    return notes


def _unread_notes(name: str, result: Result) -> list[str]:
    main = result.scores[0]
    if not main.n_unread:
        return []
    causes = Counter(item.cause for item in result.items if item.cause is not None)
    most = sorted(causes.items(), key=lambda cause: (-cause[1], cause[0]))[:3]
    listed = f" ({'; '.join(f'{count} {cause}' for cause, count in most)})" if most else ""
    bounds = (
        f", within{shown_range(main.bounds, main.unit)} had they been read" if main.bounds else ""
    )
    state = "the score is withheld" if main.value is None else "the score is kept"
    return [
        f"{name}: {main.n_unread} unread, {state} at {main.coverage:.1%} coverage{bounds}{listed}"
    ]
