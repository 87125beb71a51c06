"""What Vicuna-bench's verdicts add up to: wins, ties, losses, and the ratio of summed scores.

Source: the ratio is the "relative quality" of lm-sys/FastChat@69d085e, `fastchat/eval/`, over both
orders; win rate with ties as half as in arXiv 2309.11235, section 4.1.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import fsum, inf
from typing import NamedTuple

from benchmarks.vicuna_bench.rubric import preference, read_scores
from harness.stats.clustered import clustered_mean, clustered_ratio
from harness.types import Score, Unread, Verdict

METRICS = ("win_rate_adjusted", "win_rate", "tie_rate", "loss_rate", "score_ratio")


class Reviewed(NamedTuple):
    """One question, judged."""

    question: str
    """The prompt's id."""
    value: float | None
    """Won (1.0), tied (0.5) or lost (0.0) by the candidate; None is unread."""
    cause: str | None
    scores: tuple[tuple[float, float], ...]
    """The candidate's and the opponent's score in each order whose scores are at hand."""


def reviewed(verdicts: Sequence[Verdict]) -> list[Reviewed]:
    """The verdicts on both orders, two by two: as candidate, then as baseline."""
    return [
        Reviewed(
            there.comparison.candidate.prompt.id,
            _outcome(there.value, back.value),
            there.cause or back.cause,
            (*_scores(there), *((ours, theirs) for theirs, ours in _scores(back))),
        )
        for there, back in zip(verdicts[::2], verdicts[1::2], strict=True)
    ]


def outcome(values: Sequence[float]) -> float:
    """Won or lost when every order prefers the same answer; else a tie."""
    if min(values) > 0.5:
        return 1.0
    return 0.0 if max(values) < 0.5 else 0.5


def scores(found: Sequence[Reviewed]) -> list[Score]:
    """Win rate with ties as half, the shares of wins, ties and losses, and the ratio of scores."""
    shares = {"win_rate": 1.0, "tie_rate": 0.5, "loss_rate": 0.0}
    return [
        _share("win_rate_adjusted", found),
        *(_share(metric, _is(found, value)) for metric, value in shares.items()),
        _ratio(found),
    ]


def _is(found: Sequence[Reviewed], value: float) -> list[Reviewed]:
    return [o if o.value is None else o._replace(value=float(o.value == value)) for o in found]


def _share(metric: str, found: Sequence[Reviewed]) -> Score:
    values = [one.value for one in found if one.value is not None]
    n_unread = len(found) - len(values)
    total = fsum(values)
    bounds = (total / len(found), (total + n_unread) / len(found)) if n_unread else None
    if not values:
        return Score(metric, None, 0, n_unread, bounds=bounds)
    mean = clustered_mean(values, range(len(values)), (0.0, 1.0))
    return Score(metric, mean.value, len(values), n_unread, *mean[2:0:-1], bounds)


def _ratio(found: Sequence[Reviewed]) -> Score:
    """The candidate's summed scores by the opponent's; without bounds, for it has none."""
    given = [(*pair, one.question) for one in found for pair in one.scores]
    with_scores = sum(bool(one.scores) for one in found)
    plain = Score("score_ratio", None, with_scores, len(found) - with_scores)
    if not given:
        return plain
    ours, theirs, questions = zip(*given, strict=True)
    ratio = clustered_ratio(ours, theirs, questions, (0.0, inf))
    return replace(
        plain, value=ratio.value, interval=ratio.interval, standard_error=ratio.standard_error
    )


def _outcome(there: float | None, back: float | None) -> float | None:
    return None if there is None or back is None else outcome((there, 1 - back))


def _scores(verdict: Verdict) -> Iterator[tuple[float, float]]:
    """The scores of the verdict's candidate and baseline, in its own words or in its votes'."""
    if verdict.raw is None:
        for vote in verdict.votes:
            yield from _scores(vote)
    elif verdict.raw.responses and verdict.value is not None:
        said = read_scores(verdict.raw.text)
        if not isinstance(said, Unread):
            # A vote may have been given on the pair turned round: its value tells.
            first, second = said
            as_shown = preference(said) == verdict.value
            yield (second, first) if as_shown else (first, second)
