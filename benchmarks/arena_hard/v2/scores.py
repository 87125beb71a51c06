"""What Arena-Hard v2.0's games add up to, together and by category.

Games count as in v0.1: a strong verdict as three, a tie as half. A prompt that was not read in both
orders is left out whole, as upstream does. Upstream tells each category by itself and nothing of
both together; the win rate over all prompts is ours.

Source: lmarena/arena-hard-auto@196f6b8, `show_result.py`.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.arena_hard.scores import Games, bt_win_rate, style_win_rate
from benchmarks.arena_hard.v2.style import differences
from harness.stats.bradley_terry import Array, Battles
from harness.types import Score

ROUNDS = 100
SEED = 42
"""Of our rounds; upstream's have none."""

_ENDS = (0.05, 0.95)
_VALUES = np.array([0.0, 0.5, 1.0])
_NINETY = "its interval is of 90 %, over games as if they were independent, as published"


def overall(games: Games) -> Score:
    """The win rate over the prompts of all categories."""
    return bt_win_rate(in_both(games))


def by_category(games: Games, category_c: Sequence[str]) -> list[Score]:
    """Every category's figures, metric by metric.

    Args:
        games: Of all categories.
        category_c: Of every prompt.
    """
    parts = {name: _of(in_both(games), category_c, name) for name in dict.fromkeys(category_c)}
    metrics = [bt_win_rate, published_win_rate]
    if games.styles is not None:
        metrics.append(styled)
    return [
        replace(score, metric=f"{score.metric}/{name}")
        for metric in metrics
        for name, part in parts.items()
        for score in (metric(part),)
    ]


def in_both(games: Games) -> Games:
    """The games with both of a prompt unread where one is."""
    lost = np.isin(games.prompt_N, games.prompt_N[np.isnan(games.preference_N)])
    return games._replace(preference_N=np.where(lost, np.nan, games.preference_N))


def published_win_rate(games: Games) -> Score:
    """The share won with the published interval: 100 rounds over games, 5 to 95 %.

    A strong game is drawn from three. Upstream draws without a seed and tells the mean of its
    rounds; here the value is the share itself, which that mean varies about.
    """
    read = games.read
    n, n_unread = len(read.preference_N), len(games.preference_N) - len(read.preference_N)
    if not n:
        return Score("published_win_rate", None, 0, n_unread, bounds=(0.0, 1.0))
    count_3 = outcomes(read.battles)
    low, high = np.quantile(rounds(count_3), _ENDS)
    value = float(count_3 @ _VALUES / count_3.sum())
    ends = (float(low), float(high))
    return Score("published_win_rate", value, n, n_unread, interval=ends, doubts=(_NINETY,))


def outcomes(battles: Battles) -> Array:
    """How many games the candidate lost, tied and won, a strong one as three; shape (3,)."""
    won_N = 1 - battles.value_N
    found: Array = np.array([battles.weight_N[won_N == value].sum() for value in _VALUES])
    return found


def rounds(count_3: Array) -> Array:
    """The share won in each of 100 rounds that draw as many games with replacement."""
    n = int(count_3.sum())
    draws_b_3 = np.random.default_rng(SEED).multinomial(n, count_3 / n, ROUNDS)
    share_b: Array = draws_b_3 @ _VALUES / n
    return share_b


def styled(games: Games) -> Score:
    """The win rate had both sides written in the same style, by v2.0's measure of style."""
    return style_win_rate(games, differences)


def _of(games: Games, category_c: Sequence[str], name: str) -> Games:
    kept = np.array([category == name for category in category_c])[games.prompt_N]
    styles = games.styles and (games.styles[0][kept], games.styles[1][kept])
    return Games(games.prompt_N[kept], games.preference_N[kept], styles)
