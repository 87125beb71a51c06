"""Checkpoints against each other: as a matrix, as a list of pairs, and as data."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from harness.judging import settle
from harness.pairing import meetings
from harness.pipeline import Result
from harness.report.figures import Bar, Square, bars, heat_map
from harness.report.naming import short, short_names
from harness.report.scores import cell, results_table, score_data
from harness.report.table import Table
from harness.types import Score

FORMAT = "iterbench.head_to_head/1"
"""Name and version of the JSON that `head_to_head_data` makes."""


class Match(NamedTuple):
    """Two checkpoints on the same prompts."""

    first: str
    second: str
    result: Result
    """Of the first, with the second as its baseline; the scores of `pairing.head_to_head`."""

    @property
    def label(self) -> str:
        """Both names, as the pair is shown."""
        return f"{self.first} vs {self.second}"


def matrix_table(matches: Sequence[Match]) -> Table:
    """Win rates of rows over columns in percent; a cell and its mirror image add up to 100."""
    names, cells = _cells(matches)
    return Table(
        title=f"{_title(matches[0])}: win rate of the row over the column",
        columns=["checkpoint", *names],
        rows=[[row, *(_plain(cells.get((row, column))) for column in names)] for row in names],
    )


def pairs_table(matches: Sequence[Match]) -> Table:
    """Every pair: how often the first won, tied, lost, how often the orders disagreed, unread."""
    table = results_table([(match.label, match.result) for match in matches])
    equal = [f"{m.label}: {n} equal answers, ties unasked" for m in matches if (n := _equal(m))]
    return replace(
        table,
        title=f"{_title(matches[0])}: pairs, 95 % intervals by prompt",
        columns=["pair", *table.columns[1:]],
        notes=[*table.notes, *equal, *_legend(len(matches))],
    )


def draw(folder: Path, matches: Sequence[Match]) -> None:
    """Writes `pairs.svg`, win, tie and lose of every pair, and `matrix.svg`, with 95 % intervals.

    A withheld win rate is left blank, and so is a pair without shares.

    Raises:
        ModelError: matplotlib is not installed.
        DataError: A file cannot be written.
    """
    names, cells = _cells(matches)
    called = dict(zip(names, short_names(names), strict=True))
    shown = [bar for match in matches if (bar := _bar(match, called)) is not None]
    if shown:
        bars(folder / "pairs.svg", shown, _drawn_title(matches[0]))
    squares = [[_square(cells.get((row, column))) for column in names] for row in names]
    title = f"{_drawn_title(matches[0])}\nwin rate of the row over the column"
    heat_map(folder / "matrix.svg", [*called.values()], squares, title)


def _bar(match: Match, called: Mapping[str, str]) -> Bar | None:
    shares = {score.metric: score.value for score in match.result.scores}
    drawn = {
        name: 100 * value for name in ("win", "tie", "lose") if (value := shares[name]) is not None
    }
    label = f"{called[match.first]}\nvs {called[match.second]}"
    return Bar(label, drawn) if len(drawn) == 3 else None


def _square(score: Score | None) -> Square:
    if score is None or score.value is None:
        return Square(None, "")
    ends = score.interval and f"{100 * score.interval[0]:.1f} – {100 * score.interval[1]:.1f}"
    return Square(100 * score.value, ends or "")


def head_to_head_data(matches: Sequence[Match], *, items: bool) -> dict[str, Any]:
    """The JSON document `iterbench.head_to_head/1`; fractions in [0, 1], a withheld value is null.

    Keys: `format`; `benchmark`; `judge`; `pairs`, each with the names `first` and `second`, the
    `identity` of what decided it ("model" is the first, "model baseline" the second), `scores`
    (win_rate, win, tie, lose, flips, all of the first, as in iterbench.results/1), the count of
    `equal` answers and, if asked for, `items`: for each prompt its `id`, the preference for the
    first `as_candidate`, `as_baseline` and their mean, `value`, and the `cause` of what is unread.
    """
    result = matches[0].result
    return {
        "format": FORMAT,
        "benchmark": result.card.label,
        "judge": result.judge,
        "pairs": [_pair_data(match, items=items) for match in matches],
    }


def _pair_data(match: Match, *, items: bool) -> dict[str, Any]:
    met = meetings(match.result.verdicts)
    return {
        "first": match.first,
        "second": match.second,
        "identity": dict(match.result.identity),
        "scores": [score_data(score) for score in match.result.scores],
        "equal": _equal(match),
        **({"items": [one._asdict() | {"value": one.value} for one in met]} if items else {}),
    }


def _legend(n_pairs: int) -> list[str]:
    legend = "win, lose: preferred in both orders; all else is a tie; flips: the orders disagree"
    alone = f"each interval is for its pair alone; {n_pairs} pairs give chance {n_pairs} tries"
    return [legend, alone] if n_pairs > 1 else [legend]


def _equal(match: Match) -> int:
    """Comparisons of answers that are alike, so that nobody was asked."""
    settled = [settle(v.comparison, v.judge) for v in match.result.verdicts[::2]]
    return sum(one is not None and one.value is not None for one in settled)


def _cells(matches: Sequence[Match]) -> tuple[list[str], dict[tuple[str, str], Score]]:
    """The checkpoints in order, and the win rates of each over each other, both ways."""
    names = list(dict.fromkeys(name for match in matches for name in match[:2]))
    cells = {(m.first, m.second): m.result.scores[0] for m in matches}
    return names, cells | {(b, a): _mirrored(score) for (a, b), score in cells.items()}


def _mirrored(score: Score) -> Score:
    """The same from the other side."""
    if score.value is None:
        return score
    ends = score.interval and (1 - score.interval[1], 1 - score.interval[0])
    return replace(score, value=1 - score.value, interval=ends)


def _plain(score: Score | None) -> str:
    """The figure alone; a checkpoint does not meet itself."""
    return "" if score is None else cell(replace(score, interval=None, bounds=None))


def _title(match: Match) -> str:
    return f"{match.result.card.title} head-to-head, {match.result.judge} judging"


def _drawn_title(match: Match) -> str:
    """The title in two lines, neither wider than a figure."""
    title, judge = short(match.result.card.title, 40), short(match.result.judge, 44)
    return f"{title} head-to-head\n{judge} judging"
