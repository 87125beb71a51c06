"""What Arena-Hard's games add up to.

Every prompt is played in two games with the sides exchanged. A strong verdict counts as three games
and a tie as half a win for both, so that the Bradley-Terry win rate against the one baseline is the
weighted share won.

Source: lmarena/arena-hard-auto@a1d16de, `show_result.py`; style control @0489bf3, `utils_math.py`.

Letters that end a name or a shape: N games, b replicates, f features of style.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.arena_hard.style import counts, differences
from harness.stats import ridge_logistic
from harness.stats.bradley_terry import (
    ELO_SCALE,
    Array,
    Battles,
    Whole,
    bootstrap_battles,
    bootstrap_clusters,
    fit,
    tally,
    tally_by,
    win_rate,
)
from harness.types import Comparison, Score, Verdict

STRONG = 3
"""Games that a strong verdict counts as."""
REPLICATES = 1000
BASELINE, CANDIDATE = 0, 1
"""Their numbers in tallies."""

_OUTER = 0.025
_RIDGE = np.array([1 / (2 * np.log(10) ** 2), 1.0, 1.0, 1.0, 1.0])
"""Upstream's penalty of 1/2 on both models' coefficients, which stand for log 10 each, as one on
their difference; and of 1/2 on each feature of style."""


Differ = Callable[[Array, Array, Array], Array]
"""Differences in style from both sides' counts and the battles' weights."""


class Games(NamedTuple):
    """The games of one model, in the order in which they were judged."""

    prompt_N: Whole
    """Which prompt each is of, in 0..c-1."""
    preference_N: Array
    """For the candidate, in [0, 1]; NaN is unread."""
    styles: tuple[Array, Array] | None = None
    """Counts of style (N, f) of the candidate's answers and of the baseline's, where known."""

    @property
    def read(self) -> "Games":
        """Those that were read."""
        kept = ~np.isnan(self.preference_N)
        styles = self.styles and (self.styles[0][kept], self.styles[1][kept])
        return Games(self.prompt_N[kept], self.preference_N[kept], styles)

    @property
    def battles(self) -> Battles:
        """The candidate against the baseline: each preference as the nearest of five labels."""
        lean_N = self.preference_N - 0.5
        won_N = (np.sign(np.floor(4 * np.abs(lean_N) + 0.5) * lean_N) + 1) / 2
        weight_N = np.where(np.abs(lean_N) >= 0.375, float(STRONG), 1.0)
        n = np.zeros(len(lean_N), np.int64)
        return Battles(n + BASELINE, n + CANDIDATE, 1 - won_N, weight_N)


def played(verdicts: Sequence[Verdict]) -> Games:
    """The games of verdicts on both orders: as candidate, then as baseline, prompt by prompt."""
    signs = [1.0, -1.0] * (len(verdicts) // 2)
    values = [np.nan if v.value is None else v.value - 0.5 for v in verdicts]
    pairs = [v.comparison for v in verdicts[::2]]
    return Games(
        np.repeat(np.arange(len(pairs)), 2),
        np.array(signs) * np.array(values) + 0.5,
        styles_of(pairs),
    )


def styles_of(pairs: Sequence[Comparison]) -> tuple[Array, Array]:
    """Counts of style of both sides' answers, each twice: once for each game."""
    texts = [pair.texts for pair in pairs]
    candidates = np.array([counts(mine) for mine, _ in texts], np.float64)
    baselines = np.array([counts(theirs or "") for _, theirs in texts], np.float64)
    return np.repeat(candidates, 2, axis=0), np.repeat(baselines, 2, axis=0)


def all_scores(games: Games) -> list[Score]:
    """The win rate, the published procedure's own figures, and the win rate at equal style."""
    scores = [bt_win_rate(games), published_win_rate(games)]
    return scores if games.styles is None else [*scores, style_win_rate(games)]


def bt_win_rate(games: Games) -> Score:
    """Bradley-Terry win rate against the baseline, its 95 % interval over prompts.

    Both games of a prompt are drawn together, for they are not independent. Where one side won
    every game a bootstrap has no spread; the interval is then the exact binomial one of as many
    prompts.
    """
    read = games.read
    n, n_unread = len(read.preference_N), len(games.preference_N) - len(read.preference_N)
    if not n:
        return Score("win_rate", None, 0, n_unread, bounds=(0.0, 1.0))
    value = _rate(read)
    drawn = bootstrap_clusters(tally_by(read.battles, _dense(read.prompt_N), 2))
    rates_b = win_rate(drawn)[:, CANDIDATE]
    low, high = np.percentile(rates_b, [100 * _OUTER, 100 * (1 - _OUTER)])
    exact = _OUTER ** (1 / len(np.unique(read.prompt_N)))
    return Score(
        "win_rate",
        value,
        n,
        n_unread,
        interval=(float(low) if value < 1 else exact, float(high) if value > 0 else 1 - exact),
        standard_error=float(rates_b.std()),
        bounds=_bounds(games) if n_unread else None,
    )


def published_win_rate(games: Games) -> Score:
    """The same value, with the published interval: 100 rounds over games, 2.5 to 97.5 %.

    Rounds are drawn from games as if they were independent, a strong one from three, by the
    published seed. Where one side wins every game, of all or of one round, the published fit fails.
    """
    read = games.read
    n, n_unread = len(read.preference_N), len(games.preference_N) - len(read.preference_N)
    rates = published_figures(read.battles) if n else None
    if rates is None:
        why = "the published fit fails where one side wins every game"
        value = _rate(read) if n else None
        return Score("published_win_rate", value, n, n_unread, doubts=(why,) if n else ())
    value, low, high = rates
    return Score("published_win_rate", value, n, n_unread, interval=(low, high))


def published_figures(battles: Battles) -> tuple[float, float, float] | None:
    """Win rate, and its ends by the published rounds; None where the published fit fails."""
    entered = battles.rows(np.repeat(np.arange(len(battles.first_N)), battles.weight_N.astype(int)))
    single = entered._replace(weight_N=np.ones(len(entered.first_N)))
    ratings_b = ELO_SCALE * bootstrap_battles(single, 2)[:, CANDIDATE]
    if not np.isfinite(ratings_b).all():
        return None
    low, high = np.percentile(ratings_b, [2.5, 97.5]) / ELO_SCALE
    value = fit(tally(battles, 2))[CANDIDATE]
    ends = win_rate(np.array([[0.0, one] for one in (value, low, high)]))[:, CANDIDATE]
    return float(ends[0]), float(ends[1]), float(ends[2])


def style_win_rate(games: Games, differ: Differ = differences) -> Score:
    """Win rate had both sides written in the same style, its 95 % interval over prompts.

    A logistic regression explains the games by the model and by four differences in style,
    penalised as published; then the differences are set to 0. Upstream fits the models of a whole
    board together, which share their coefficients of style; here one model is fitted alone, so
    that its value is not comparable with a published board's.
    """
    read = games.read
    n, n_unread = len(read.preference_N), len(games.preference_N) - len(read.preference_N)
    if not n or read.styles is None:
        return Score("style_win_rate", None, n, n_unread)
    battles = read.battles
    style_N_f = differ(*read.styles, battles.weight_N)
    rows = ridge_logistic.Rows(np.column_stack([np.ones(n), style_N_f]), 1 - battles.value_N)
    c = len(np.unique(read.prompt_N))
    draws_b_c = np.random.default_rng(0).multinomial(c, np.full(c, 1 / c), REPLICATES)
    times_b_N = np.vstack([np.ones(c, np.int64), draws_b_c])[:, _dense(read.prompt_N)]
    # Upstream enters every battle twice, which halves the penalty.
    w_b_f = ridge_logistic.fit(rows, 2 * times_b_N * battles.weight_N, _RIDGE)
    value, *rates = (1 / (1 + np.exp(-w_b_f[:, 0]))).tolist()
    low, high = np.percentile(rates, [100 * _OUTER, 100 * (1 - _OUTER)])
    return Score("style_win_rate", value, n, n_unread, interval=(float(low), float(high)))


def average_length(verdicts: Sequence[Verdict]) -> Score:
    """Mean length of the candidate's responses, in characters."""
    answers = [v.comparison.candidate for v in verdicts[::2]]
    lengths = [len(answer.text) for answer in answers if answer.failure is None]
    mean = sum(lengths) / len(lengths) if lengths else None
    return Score("avg_length", mean, len(lengths), len(answers) - len(lengths), unit="characters")


def _rate(read: Games) -> float:
    return float(win_rate(fit(tally(read.battles, 2)))[CANDIDATE])


def _bounds(games: Games) -> tuple[float, float]:
    """Had every unread game been lost, or won, by a strong verdict."""
    low, high = (
        _rate(games._replace(preference_N=np.nan_to_num(games.preference_N, nan=end)))
        for end in (0.0, 1.0)
    )
    return low, high


def _dense(prompt_N: Whole) -> Whole:
    """The prompts' numbers without gaps: a prompt without a read game is not drawn."""
    places: Whole = np.unique(prompt_N, return_inverse=True)[1]
    return places
