"""What Arena-Hard's games add up to: worked values, laws and edges."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.arena_hard.scores import (
    Games,
    all_scores,
    average_length,
    bt_win_rate,
    played,
    published_win_rate,
    style_win_rate,
)
from harness.stats.bradley_terry import fit, win_rate
from tests.benchmarks.arena_hard.games import games, verdicts

preferences = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
many = st.lists(st.tuples(preferences, preferences), min_size=1, max_size=12)


def test_a_strong_verdict_counts_as_three_games_and_a_tie_as_half_a_win() -> None:
    """3 won of 3, 1 of 1, half of 1, 0 of 1, 0 of 3 and 1 of 1: 5.5 of 10."""
    score = bt_win_rate(games((1.0, 0.75), (0.5, 0.25), (0.0, 0.75)))
    assert score.value == pytest.approx(0.55)
    assert (score.n, score.n_unread) == (6, 0)


def test_the_second_game_is_turned_round() -> None:
    """As assistant B it is much better; as assistant A a little: 0.25 is for the other side."""
    assert played(verdicts((1.0, 0.25))).preference_N.tolist() == [1.0, 0.75]


@given(many)
def test_the_closed_form_is_the_full_fit_of_two_models(pairs: list[tuple[float, float]]) -> None:
    """A third model that both beat once and lose to once makes it a fit of Newton's steps."""
    battles = games(*pairs).battles
    won, lost = (
        float((share * battles.weight_N).sum()) for share in (1 - battles.value_N, battles.value_N)
    )
    if won and lost:
        wins = np.array([[0, lost, 1e-9], [won, 0, 1e-9], [1e-9, 1e-9, 0]])
        assert bt_win_rate(games(*pairs)).value == pytest.approx(win_rate(fit(wins))[1], abs=1e-6)


@given(many)
def test_exchanging_the_models_turns_the_win_rate(pairs: list[tuple[float, float]]) -> None:
    there = bt_win_rate(games(*pairs))
    back = bt_win_rate(games(*((1 - one, 1 - other) for one, other in pairs)))
    assert there.value is not None
    assert back.value == pytest.approx(1 - there.value)


@given(many)
def test_the_order_of_the_prompts_does_not_move_the_value(pairs: list[tuple[float, float]]) -> None:
    in_order, sorted_out = bt_win_rate(games(*pairs)), bt_win_rate(games(*sorted(pairs)))
    assert sorted_out.value == pytest.approx(in_order.value)


def test_a_side_that_wins_every_game_has_an_exact_interval() -> None:
    won = bt_win_rate(games(*[(1.0, 1.0)] * 10))
    assert won.value == 1
    assert won.interval == pytest.approx((0.025 ** (1 / 10), 1))
    lost = bt_win_rate(games(*[(0.0, 0.25)] * 10))
    assert lost.value == 0
    assert lost.interval == pytest.approx((0, 1 - 0.025 ** (1 / 10)))


def test_the_published_fit_is_told_to_fail_where_one_side_wins_every_game() -> None:
    score = published_win_rate(games(*[(1.0, 1.0)] * 10))
    assert (score.value, score.interval) == (1, None)
    assert "published fit fails" in score.doubts[0]


def test_an_unread_game_is_left_out_and_its_prompt_kept() -> None:
    score = bt_win_rate(games((1.0, math.nan), (0.25, 0.25)))
    assert score.value == pytest.approx(3 / 5)
    assert (score.n, score.n_unread) == (3, 1)
    assert score.bounds == pytest.approx((3 / 8, 6 / 8))


def test_nothing_read_is_withheld_with_all_bounds() -> None:
    for score in all_scores(games((math.nan, math.nan))):
        assert (score.value, score.n, score.n_unread) == (None, 0, 2)


def test_the_interval_is_over_prompts_and_not_over_games() -> None:
    """Games of one prompt agree, so prompts as units are half as many."""
    pairs = [(0.75, 0.75), (0.25, 0.25)] * 100
    ours, published = bt_win_rate(games(*pairs)), published_win_rate(games(*pairs))
    assert ours.interval is not None
    assert published.interval is not None
    width = (ours.interval[1] - ours.interval[0]) / (published.interval[1] - published.interval[0])
    assert width == pytest.approx(math.sqrt(2), rel=0.25)


def test_probabilities_of_another_judge_count_as_the_nearest_label() -> None:
    assert games((0.9, 0.86), (0.6, 0.64)).battles.weight_N.tolist() == [3, 1, 1, 1]
    assert games((0.9, 0.86), (0.6, 0.64)).battles.value_N.tolist() == [0, 0, 0.5, 0]


def test_at_equal_style_the_win_rate_is_the_share_won_up_to_the_penalty() -> None:
    alike = np.ones((400, 4))
    pairs = [(0.75, 0.75), (0.75, 0.75), (0.75, 0.75), (0.25, 0.25)] * 50
    score = style_win_rate(games(*pairs)._replace(styles=(alike, alike)))
    assert score.value == pytest.approx(0.75, abs=1e-3)


def test_wins_that_go_with_length_alone_vanish_at_equal_style() -> None:
    """The longer wins nine times of ten, and the candidate's is longer four times of five."""
    rng = np.random.default_rng(0)
    longer = rng.random(800) < 0.8
    won = np.where(longer == (rng.random(800) < 0.9), 0.75, 0.25)
    long, short = (np.where(which, 900.0, 300.0)[:, None] for which in (longer, ~longer))
    styles = long * [1, 0, 0, 0], short * [1, 0, 0, 0]
    all_games = Games(np.repeat(np.arange(400), 2), won, styles)
    assert bt_win_rate(all_games).value == pytest.approx(0.74, abs=0.03)
    assert style_win_rate(all_games).value == pytest.approx(0.5, abs=0.05)


def test_style_comes_from_the_answers_of_both_sides() -> None:
    styles = played(verdicts((1.0, 0.0), texts=["**bold**"])).styles
    assert styles is not None
    assert styles[0].tolist() == [[8, 0, 0, 1]] * 2
    assert styles[1].tolist() == [[2, 0, 0, 0]] * 2


def test_the_average_length_is_of_the_candidates_answers() -> None:
    score = average_length(verdicts((1.0, 0.0), (0.5, 0.5), texts=["four", "sixsix"]))
    assert (score.value, score.n, score.unit) == (5, 2, "characters")


def test_the_penalty_of_style_control_is_that_of_battles_entered_twice() -> None:
    """3 of 4 won at equal style: 2 * 4 * (3/4 - p) = d / (2 ln(10)^2), where p is of d."""
    alike = np.ones((4, 4))
    value = style_win_rate(games((0.75, 0.75), (0.75, 0.25))._replace(styles=(alike, alike))).value
    assert value is not None
    strength = math.log(value / (1 - value))
    assert 2 * 4 * (0.75 - value) == pytest.approx(strength / (2 * math.log(10) ** 2), abs=1e-6)
