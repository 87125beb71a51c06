"""Which answers are compared with which, and what both orders of a pair say together."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import fmean
from typing import NamedTuple

from harness.errors import DataError
from harness.stats.clustered import clustered_mean
from harness.types import Assets, Comparison, Generation, Item, Score, Verdict, one_each

Compare = Callable[[Sequence[Generation], Assets], list[Comparison]]


LAST: tuple[int, ...] = (-1,)
"""The last turn alone is judged."""


def against(
    load_baseline: Callable[[Assets], Sequence[Generation]], turns: Sequence[int] = LAST
) -> Compare:
    """Pairs each candidate's answer with the baseline's answer to the same prompt, by prompt id.

    Args:
        load_baseline: The baseline's answers.
        turns: Which turns are judged, each a comparison of its own.

    Raises:
        DataError: The baseline lacks an answer.
    """

    def compare(generations: Sequence[Generation], assets: Assets) -> list[Comparison]:
        baseline = {answer.prompt.id: answer for answer in load_baseline(assets)}
        missing = [g.prompt.id for g in generations if g.prompt.id not in baseline]
        if missing:
            raise DataError(
                f"expected a baseline answer to every prompt, {len(missing)} of "
                f"{len(generations)} have none (first: {missing[0]}); check the baseline's file"
            )
        return [
            Comparison(answer, baseline[answer.prompt.id], turn)
            for answer in generations
            for turn in turns
        ]

    return compare


def both_ways(
    load_baseline: Callable[[Assets], Sequence[Generation]], turns: Sequence[int] = LAST
) -> Compare:
    """Pairs as `against`, and each pair with itself the other way round.

    The first two comparisons are of the first prompt's first turn: as candidate, then as baseline.
    """
    once = against(load_baseline, turns)

    def compare(generations: Sequence[Generation], assets: Assets) -> list[Comparison]:
        return [order for pair in once(generations, assets) for order in (pair, pair.swap())]

    return compare


def in_both_orders(opponent: Sequence[Generation], turns: Sequence[int] = LAST) -> Compare:
    """Pairs each answer with the opponent's, both ways."""
    return both_ways(lambda _: opponent, turns)


def alone(turns: Sequence[int] = LAST) -> Compare:
    """Each answer on its own, turn by turn, for a judge that rates."""

    def compare(generations: Sequence[Generation], _assets: Assets) -> list[Comparison]:
        return [Comparison(answer, turn=turn) for answer in generations for turn in turns]

    return compare


class Meeting(NamedTuple):
    """Two answers to one prompt, judged in both orders."""

    id: str
    """Of the prompt, and of the turn where several are judged."""
    as_candidate: float | None
    """Preference for the first answer in [0, 1], when it was the candidate; None is unread."""
    as_baseline: float | None
    """The same preference when it was the baseline."""
    cause: str | None
    """Why an order is unread."""

    @property
    def value(self) -> float | None:
        """The mean of both orders; None when either is unread, for one alone favours a place."""
        if self.as_candidate is None or self.as_baseline is None:
            return None
        return (self.as_candidate + self.as_baseline) / 2


def meetings(verdicts: Sequence[Verdict]) -> list[Meeting]:
    """The verdicts on `in_both_orders`, two by two."""
    return [
        Meeting(
            item.id,
            there.value,
            None if back.value is None else 1 - back.value,
            there.cause or back.cause,
        )
        for item, there, back in zip(
            one_each(verdicts[::2]), verdicts[::2], verdicts[1::2], strict=True
        )
    ]


def meeting_items(verdicts: Sequence[Verdict]) -> list[Item]:
    """An item for every two verdicts on `in_both_orders`: what both orders say together."""
    return [Item(one.id, one.value, one.cause) for one in meetings(verdicts)]


MEAN, HALF, DROP = "mean", "half", "drop"
TIES = (MEAN, HALF, DROP)
"""What a prompt adds to a win rate: the mean preference of both orders; 1, 0 or 0.5 for a tie; 1 or
0, ties left out."""


def head_to_head(
    verdicts: Sequence[Verdict], _assets: Assets | None = None, *, ties: str = MEAN
) -> list[Score]:
    """The first answers' win rate with a paired 95 % interval; then win, tie, lose and flips.

    Win rate: the mean over prompts of (v_ij + 1 - v_ji) / 2, where v_ij is the preference for i as
    the candidate, or what `ties` says; its interval is the normal one of that mean (ddof 1), in
    [0, 1], where the turns of a prompt count together. Win and lose: both orders prefer the same
    answer; everything else is a tie. Flips: the orders do not agree, so these are ties too. All are
    shares of the prompts, or of their turns, that were read in both orders. Whatever ties are
    worth, both sides' win rates add up to 1.

    Source: arXiv 2401.10020, the head-to-head of Fig. 3: both orders, and disagreement is a tie.
    """
    met = meetings(verdicts)
    n_unread = sum(one.value is None for one in met)
    signs = [
        (_sign(one.as_candidate), _sign(one.as_baseline))
        for one in met
        if one.as_candidate is not None and one.as_baseline is not None
    ]
    shares = {
        "win": [pair == (1, 1) for pair in signs],
        "tie": [pair not in {(1, 1), (-1, -1)} for pair in signs],
        "lose": [pair == (-1, -1) for pair in signs],
        "flips": [there != back for there, back in signs],
    }
    worth = [one.value for one in met if one.value is not None]
    if ties != MEAN:
        worth = [(there == back) * there / 2 + 0.5 for there, back in signs]
    asked = [verdict.comparison.candidate.prompt.id for verdict in verdicts[::2]]
    prompts = [prompt for prompt, one in zip(asked, met, strict=True) if one.value is not None]
    read = [*zip(worth, prompts, strict=True)]
    if ties == DROP:
        read = [(value, prompt) for value, prompt in read if value != 0.5]
    win_rate = _win_rate(read, n_unread)
    return [win_rate, *(_mean(name, found, n_unread) for name, found in shares.items())]


def _win_rate(read: Sequence[tuple[float, str]], n_unread: int) -> Score:
    """The mean of the values, with its error over the prompts that they are of."""
    values = [value for value, _ in read]
    score = _mean("win_rate", values, n_unread)
    if n_unread:
        low = sum(values) / (len(values) + n_unread)
        high = (sum(values) + n_unread) / (len(values) + n_unread)
        score = replace(score, bounds=(low, high))
    if not values:
        return score
    _, error, interval = clustered_mean(values, [prompt for _, prompt in read], (0.0, 1.0))
    return replace(score, interval=interval, standard_error=error)


def _mean(metric: str, values: Sequence[float], n_unread: int) -> Score:
    return Score(metric, fmean(values) if values else None, len(values), n_unread)


def _sign(preference: float) -> int:
    return (preference > 0.5) - (preference < 0.5)
