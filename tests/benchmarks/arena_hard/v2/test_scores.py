"""What v2.0's games add up to: worked values and laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.arena_hard.scores import Games
from benchmarks.arena_hard.v2.scores import (
    by_category,
    in_both,
    outcomes,
    overall,
    published_win_rate,
    rounds,
)
from tests.benchmarks.arena_hard.games import games

preferences = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
many = st.lists(st.tuples(preferences, preferences), min_size=1, max_size=12)


def test_a_strong_verdict_counts_as_three_games_and_a_tie_as_half() -> None:
    """3 won of 3, 1 of 1, half of 1, 0 of 1, 0 of 3 and 1 of 1: 5.5 of 10."""
    played = games((1.0, 0.75), (0.5, 0.25), (0.0, 0.75))
    assert outcomes(played.battles).tolist() == [4, 1, 5]
    assert published_win_rate(played).value == pytest.approx(0.55)


@given(many)
def test_the_published_value_is_the_win_rate(pairs: list[tuple[float, float]]) -> None:
    assert published_win_rate(games(*pairs)).value == pytest.approx(overall(games(*pairs)).value)


@given(many)
def test_the_order_of_the_prompts_moves_nothing_published(pairs: list[tuple[float, float]]) -> None:
    assert published_win_rate(games(*pairs)) == published_win_rate(games(*sorted(pairs)))


def test_a_prompt_that_was_read_in_one_order_is_left_out_whole() -> None:
    read = in_both(games((1.0, math.nan), (0.25, 0.25)))
    score = overall(read)
    assert (score.value, score.n, score.n_unread) == (0.0, 2, 2)
    assert score.bounds == pytest.approx((0.0, 0.75))


def test_the_published_interval_is_of_90_percent_of_rounds_over_games() -> None:
    """Of 400 even games the share's deviation is 0.025, and 1.645 of it on either side is 90 %."""
    low, high = published_win_rate(games(*[(0.75, 0.25)] * 200)).interval or (0, 0)
    assert low == pytest.approx(0.5 - 1.645 * 0.025, abs=0.015)
    assert high == pytest.approx(0.5 + 1.645 * 0.025, abs=0.015)


def test_the_same_games_have_the_same_rounds() -> None:
    count = np.array([30.0, 5.0, 65.0])
    assert rounds(count).tolist() == rounds(count).tolist()
    assert len(set(rounds(count).tolist())) > 5


def test_games_that_nobody_read_have_no_value() -> None:
    score = published_win_rate(games((math.nan, math.nan)))
    assert (score.value, score.n, score.n_unread) == (None, 0, 2)


def test_each_category_is_told_by_itself_metric_by_metric() -> None:
    played = games((1.0, 1.0), (0.25, 0.25), (0.5, 0.5))
    found = {s.metric: s.value for s in by_category(played, ["hard", "creative", "hard"])}
    assert list(found) == [
        "win_rate/hard",
        "win_rate/creative",
        "published_win_rate/hard",
        "published_win_rate/creative",
    ]
    assert found["win_rate/hard"] == pytest.approx(7 / 8)
    assert found["published_win_rate/creative"] == 0


def test_style_is_controlled_within_a_category() -> None:
    """Of style alone: where the longer answer wins, equal style is even."""
    longer, shorter = [[90.0, 0, 0, 0]], [[30.0, 0, 0, 0]]
    values = np.array([1.0, 1.0, 0.0, 0.0] * 5)
    mine = np.array((longer * 2 + shorter * 2) * 5)
    theirs = np.array((shorter * 2 + longer * 2) * 5)
    played = Games(np.repeat(np.arange(10), 2), values, (mine, theirs))
    found = {s.metric: s.value for s in by_category(played, ["hard"] * 10)}
    assert found["style_win_rate/hard"] == pytest.approx(0.5, abs=1e-6)


def test_the_published_ends_are_the_5th_and_the_95th_percentile_of_the_rounds() -> None:
    played = games(*[(0.75, 0.25)] * 200)
    ends = np.quantile(rounds(outcomes(played.battles)), [0.05, 0.95])
    assert published_win_rate(played).interval == pytest.approx(tuple(ends))
