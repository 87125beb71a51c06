"""What MT-Bench's verdicts add up to: mean ratings, or shares of won, lost and tied turns.

Every interval is over questions, since the two turns of a question are not independent.

Source: lm-sys/FastChat@0e6d3e4, `fastchat/llm_judge/show_result.py`. Upstream leaves out what could
not be read without a word, and lets a rating of 0 in.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import fsum
from typing import NamedTuple

from benchmarks.mt_bench.questions import TEMPERATURES, question_id
from benchmarks.mt_bench.rubric import HIGHEST, LOWEST, judged_turn
from harness.stats.clustered import clustered_mean
from harness.types import Item, Score, Verdict

Categories = Mapping[int, str]
"""Every question's category."""


class Judged(NamedTuple):
    """One turn of one question, judged."""

    question: int
    turn: int
    """From 0."""
    value: float | None
    """A rating; in the pairwise mode a preference in {0, 0.5, 1}. None is unread."""
    cause: str | None = None
    """Why it is unread."""

    @property
    def id(self) -> str:
        """Of the item."""
        return f"mt_bench/{self.question}/turn-{self.turn + 1}"


def judged(verdicts: Sequence[Verdict]) -> list[Judged]:
    """Each verdict as the turn that it is about."""
    return [
        Judged(
            question_id(one.comparison.candidate.prompt),
            judged_turn(one.comparison),
            one.value,
            one.cause,
        )
        for one in verdicts
    ]


def met(verdicts: Sequence[Verdict]) -> list[Judged]:
    """What both orders say of a turn together: the verdicts two by two."""
    orders = zip(judged(verdicts[::2]), judged(verdicts[1::2]), strict=True)
    return [
        there._replace(value=_both(there.value, back.value), cause=there.cause or back.cause)
        for there, back in orders
    ]


def items(verdicts: Sequence[Verdict]) -> list[Item]:
    """Every turn that was won (1.0), lost (0.0) or tied (0.5)."""
    return [Item(one.id, one.value, one.cause) for one in met(verdicts)]


def rating_scores(judged: Sequence[Judged], categories: Categories) -> list[Score]:
    """The mean of all ratings, of each turn's and of each category's that was asked."""
    return [
        _rating("score", judged),
        *(_rating(f"turn_{turn + 1}", [j for j in judged if j.turn == turn]) for turn in (0, 1)),
        *(_rating(name, some) for name, some in _by_category(judged, categories)),
    ]


def pairwise_scores(judged: Sequence[Judged]) -> list[Score]:
    """Win rate with ties as half first, then of each turn; then the shares of wins, losses, ties.

    A turn is won or lost when both orders say so; everything else is a tie.
    """
    adjusted = "win_rate_adjusted"
    shares = {"win_rate": 1.0, "loss_rate": 0.0, "tie_rate": 0.5}
    return [
        _share(adjusted, judged),
        *(
            _share(f"{adjusted}_turn_{turn + 1}", [j for j in judged if j.turn == turn])
            for turn in (0, 1)
        ),
        *(_share(metric, _is(judged, value)) for metric, value in shares.items()),
    ]


def outcome(first: float, second: float) -> float:
    """Won (1.0) or lost (0.0) when both orders prefer the same answer; else a tie (0.5)."""
    if min(first, second) > 0.5:
        return 1.0
    return 0.0 if max(first, second) < 0.5 else 0.5


MIN_COVERAGE = 0.95
"""Below this share of verdicts that were read a score is withheld."""

METRICS = ("score", "turn_1", "turn_2", *TEMPERATURES)
PAIRWISE_METRICS = (
    "win_rate_adjusted",
    "win_rate_adjusted_turn_1",
    "win_rate_adjusted_turn_2",
    "win_rate",
    "loss_rate",
    "tie_rate",
)


def _both(there: float | None, back: float | None) -> float | None:
    return None if there is None or back is None else outcome(there, 1 - back)


def _by_category(
    judged: Sequence[Judged], categories: Categories
) -> Iterable[tuple[str, list[Judged]]]:
    for name in TEMPERATURES:
        some = [j for j in judged if categories.get(j.question) == name]
        if some:
            yield name, some


def _is(judged: Sequence[Judged], value: float) -> list[Judged]:
    return [j if j.value is None else j._replace(value=float(j.value == value)) for j in judged]


def _rating(metric: str, judged: Sequence[Judged]) -> Score:
    return _mean(metric, judged, (LOWEST, HIGHEST), "rating")


def _share(metric: str, judged: Sequence[Judged]) -> Score:
    return _mean(metric, judged, (0.0, 1.0), "fraction")


def _mean(metric: str, judged: Sequence[Judged], limits: tuple[float, float], unit: str) -> Score:
    """The mean of what was read, with its bounds for what was not."""
    read = [(j.value, j.question) for j in judged if j.value is not None]
    values, n_unread = [value for value, _ in read], len(judged) - len(read)
    bounds = _bounds(values, n_unread, limits) if n_unread else None
    if not read:
        return Score(metric, None, 0, n_unread, bounds=bounds, unit=unit)
    mean = clustered_mean(values, [question for _, question in read], limits)
    return Score(
        metric, mean.value, len(read), n_unread, mean.interval, mean.standard_error, bounds, unit
    )


def _bounds(
    values: Sequence[float], n_unread: int, limits: tuple[float, float]
) -> tuple[float, float]:
    """The mean had every unread verdict been the least, or the greatest."""
    total, n = fsum(values), len(values) + n_unread
    return (total + n_unread * limits[0]) / n, (total + n_unread * limits[1]) / n
