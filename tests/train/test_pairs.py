import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit

from harness.errors import DataError
from train.examples import Answer, Example
from train.pairs import (
    Array,
    extremes,
    mean_scores,
    released_win_probabilities,
    unpaired,
    win_probabilities,
)

Estimate = Callable[[Array], Array]

RPS: Array = np.array([[0.5, 0.9, 0.1], [0.1, 0.5, 0.9], [0.9, 0.1, 0.5]])
ESTIMATES = [win_probabilities, released_win_probabilities]


@st.composite
def preference_matrices(draw: st.DrawFn) -> Array:
    """P with P + P^T = 1."""
    k = draw(st.integers(1, 6))
    upper_K_K = np.triu(draw(arrays(float, (k, k), elements=st.floats(0, 1))), 1)
    matrix_K_K = upper_K_K + np.tril(1 - upper_K_K.T, -1)
    return np.asarray(matrix_K_K + np.eye(k) / 2)


def two(preference: float) -> Array:
    return np.array([[0.5, preference], [1 - preference, 0.5]])


@pytest.mark.parametrize("preference", [0.0, 0.3, 0.5, 1.0])
def test_of_two_samples_the_first_wins_a_quarter_and_half_its_preference(preference: float) -> None:
    """P_w = (1/2 + P) / 2 = 1/4 + P/2, and P_l = 1 - P_w."""
    win_K = win_probabilities(two(preference))
    assert win_K.tolist() == pytest.approx([1 / 4 + preference / 2, 3 / 4 - preference / 2])


def test_five_samples_with_sure_preferences_win_between_a_tenth_and_nine() -> None:
    """The best has (1/2 + 1 + 1 + 1 + 1) / 5 = 0.9, each next one 0.2 less."""
    ladder_K_K = np.triu(np.ones((5, 5)), 1) + np.eye(5) / 2
    assert win_probabilities(ladder_K_K).tolist() == pytest.approx([0.9, 0.7, 0.5, 0.3, 0.1])


@given(preference_matrices())
def test_win_probabilities_stay_within_what_the_sample_itself_leaves(matrix_K_K: Array) -> None:
    k = len(matrix_K_K)
    win_K = win_probabilities(matrix_K_K)
    assert win_K.min() >= 1 / (2 * k) - 1e-12
    assert win_K.max() <= 1 - 1 / (2 * k) + 1e-12


@pytest.mark.parametrize("estimate", ESTIMATES)
@given(matrix_K_K=preference_matrices())
def test_win_probabilities_sum_to_half_the_samples(estimate: Estimate, matrix_K_K: Array) -> None:
    assert estimate(matrix_K_K).sum() == pytest.approx(len(matrix_K_K) / 2)


@pytest.mark.parametrize("estimate", ESTIMATES)
@given(matrix_K_K=preference_matrices(), data=st.data())
def test_the_order_of_the_samples_changes_nothing_else(
    estimate: Estimate, matrix_K_K: Array, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(matrix_K_K))))
    expected_K = estimate(matrix_K_K)[order]
    np.testing.assert_allclose(estimate(matrix_K_K[np.ix_(order, order)]), expected_K)


@given(arrays(float, st.integers(1, 6), elements=st.floats(-3, 3)))
def test_released_preferences_of_one_scale_are_twice_as_sharp(worth_K: Array) -> None:
    """s_ij = u_i - u_j, so r_i = 2 (u_i - mean u) and P_ij = sigmoid(2 s_ij)."""
    logit_K_K = worth_K[:, None] - worth_K[None, :]
    expected_K = expit(2 * logit_K_K).mean(1)
    np.testing.assert_allclose(released_win_probabilities(expit(logit_K_K)), expected_K, atol=1e-9)


def test_released_preferences_forget_circles() -> None:
    assert released_win_probabilities(RPS).tolist() == pytest.approx([0.5, 0.5, 0.5])


def test_released_preferences_of_two_samples_worked_by_hand() -> None:
    """P = 0.8: s = log 4, r = (log 4, -log 4), P' = sigmoid(2 log 4) = 16/17; (1/2 + 16/17)/2."""
    assert released_win_probabilities(two(0.8)).tolist() == pytest.approx([49 / 68, 19 / 68])


def test_sure_preferences_have_released_win_probabilities_too() -> None:
    assert released_win_probabilities(two(1.0)).tolist() == pytest.approx([0.75, 0.25])


@pytest.mark.parametrize("estimate", ESTIMATES)
def test_one_unread_preference_makes_the_prompt_unusable(estimate: Estimate) -> None:
    matrix_K_K = RPS.copy()
    matrix_K_K[0, 1] = matrix_K_K[1, 0] = math.nan
    assert np.isnan(estimate(matrix_K_K)).any()


def test_the_extremes_have_the_highest_and_the_lowest_score() -> None:
    assert extremes(np.array([0.4, -0.2, 0.9]), ["a", "b", "c"]) == (2, 1)


def test_scores_are_mean_logits_and_may_order_otherwise_than_win_probabilities() -> None:
    """Means (0 + 4 - 1) / 3, (-4 + 0 - 1/2) / 3 and (1 + 1/2 + 0) / 3; the third wins oftener."""
    logits_K_K = np.array([[0, 4, -1], [-4, 0, -0.5], [1, 0.5, 0]])
    preference_K_K = expit(logits_K_K)
    assert mean_scores(preference_K_K).tolist() == pytest.approx([1, -1.5, 0.5])
    assert win_probabilities(preference_K_K).argmax() == 2
    assert extremes(mean_scores(preference_K_K), ["a", "b", "c"]) == (0, 1)


@given(preference_matrices())
def test_scores_order_as_released_win_probabilities_do(preference_K_K: Array) -> None:
    score_K, win_K = mean_scores(preference_K_K), released_win_probabilities(preference_K_K)
    assert (win_K[score_K.argsort()[1:]] >= win_K[score_K.argsort()[:-1]]).all()


def test_the_first_of_several_extremes_is_taken() -> None:
    assert extremes(np.array([0.3, 0.7, 0.3, 0.7]), ["a", "b", "c", "d"]) == (1, 0)


def test_responses_that_win_alike_have_no_extremes() -> None:
    assert extremes(np.array([0.5, 0.5]), ["a", "b"]) is None


def test_a_difference_in_the_last_bits_is_a_tie() -> None:
    """0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1."""
    sums_K = np.array([0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1])
    assert sums_K[0] != sums_K[1]
    assert extremes(sums_K, ["a", "b"]) is None


def test_equal_texts_have_no_extremes() -> None:
    assert extremes(np.array([0.6, 0.4]), ["a", "a"]) is None


def pair(asked: str, chosen: str, rejected: str) -> Example:
    facts = {"p_chosen": 0.8}
    return Example((asked,), (Answer(chosen), Answer(rejected)), facts, "GPT4", "be kind")


def test_a_pair_becomes_a_desirable_and_an_undesirable_row() -> None:
    first, second, *_ = unpaired([pair("q", "good", "bad"), pair("r", "fine", "poor")])
    assert (first.responses[0].text, first.facts) == ("good", {"desirable": 1.0})
    assert (second.responses[0].text, second.facts) == ("bad", {"desirable": 0.0})
    assert (first.said, first.condition, first.system) == (("q",), "GPT4", "be kind")


def test_each_row_holds_a_response_to_the_next_prompt_and_the_last_one_to_the_first() -> None:
    rows = unpaired([pair("q", "a", "b"), pair("r", "c", "d"), pair("s", "e", "f")])
    assert [row.responses[1].text for row in rows] == ["c", "d", "e", "f", "a", "b"]


def test_pairs_of_the_same_prompt_are_no_strangers() -> None:
    rows = unpaired([pair("q", "a", "b"), pair("q", "c", "d"), pair("r", "e", "f")])
    assert [row.responses[1].text for row in rows] == ["e", "f", "e", "f", "a", "b"]


def test_one_prompt_alone_cannot_be_unpaired() -> None:
    with pytest.raises(DataError, match=r"two prompts or more, .* came 2 of one prompt; give it"):
        unpaired([pair("q", "a", "b"), pair("q", "c", "d")])
