import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.train.games import (
    LADDER,
    RPS,
    SKEWED,
    UNIFORM,
    WEIGHTED_RPS,
    Array,
    dpo_step,
    estimated_win_rates,
    exploitability,
    log_partition,
    multiplicative_step,
    normalised,
    play,
    sampled_step,
    sppo_step,
    total_variation,
)

NASH = np.array([4, 3, 2]) / 9  # of the weighted game: each response then wins half the time

ETAS = pytest.mark.parametrize("eta", [0.1, 0.5, 1.0])
STARTS = pytest.mark.parametrize("start", [SKEWED, UNIFORM], ids=["skewed", "uniform"])


def played(game: Array, start: Array, rounds: int) -> Array:
    """Multiplicative weights with the step size of the theorem."""
    step = partial(multiplicative_step, preference_A_A=game, eta=1 / math.sqrt(rounds))
    return play(step, start, rounds)


@st.composite
def games(draw: st.DrawFn) -> tuple[Array, Array]:
    """A policy over four responses and preferences P with P + P^T = 1."""
    chance = st.floats(0, 1)
    upper = np.triu(draw(arrays(float, (4, 4), elements=chance)), 1)
    weight = draw(arrays(float, 4, elements=st.floats(0.01, 1)))
    return normalised(weight), upper + np.tril(1 - upper.T, -1) + np.eye(4) / 2


@ETAS
@STARTS
@pytest.mark.parametrize("game", [RPS, WEIGHTED_RPS, LADDER], ids=["rps", "weighted", "ladder"])
def test_sppo_with_the_true_partition_is_multiplicative_weights(
    game: Array, start: Array, eta: float
) -> None:
    solved = sppo_step(start, game, eta, log_partition(start, game, eta))
    assert total_variation(solved, multiplicative_step(start, game, eta)) < 1e-6


@ETAS
def test_sppo_with_half_eta_for_the_partition_is_close_to_it(eta: float) -> None:
    solved = sppo_step(SKEWED, RPS, eta, log_z=eta / 2)
    assert total_variation(solved, multiplicative_step(SKEWED, RPS, eta)) < 3e-4


def test_half_eta_for_the_partition_is_an_approximation_that_large_steps_show() -> None:
    solved = sppo_step(SKEWED, RPS, 5.0, log_z=2.5)
    assert total_variation(solved, multiplicative_step(SKEWED, RPS, 5.0)) > 0.01


@pytest.mark.parametrize("rounds", [100, 400, 1600, 6400])
def test_the_average_policy_keeps_the_bound_of_the_theorem(rounds: int) -> None:
    """2 (-ln .05 / (eta T) + eta / 8) with eta = 1 / sqrt T: 6.24 / sqrt T."""
    bound = 2 * (-math.log(0.05) + 1 / 8) / math.sqrt(rounds)
    assert exploitability(played(RPS, SKEWED, rounds).mean(0), RPS) <= bound


@pytest.mark.parametrize("rounds", [100, 400, 1600, 6400])
def test_the_last_policy_does_not_converge_when_preferences_are_cyclic(rounds: int) -> None:
    late = played(RPS, SKEWED, rounds)[rounds // 2 :]
    assert min(exploitability(policy, RPS) for policy in late) > 0.2


def test_every_step_leads_further_from_a_cyclic_equilibrium() -> None:
    policies = play(partial(multiplicative_step, preference_A_A=RPS, eta=0.5), SKEWED, 50)
    divergence = -np.log(policies).mean(1)  # from uniform, up to a constant
    assert (np.diff(divergence) > 0).all()


def test_the_average_finds_an_equilibrium_that_is_not_uniform() -> None:
    average = played(WEIGHTED_RPS, UNIFORM, 1600).mean(0)
    assert average == pytest.approx(NASH, abs=0.002)


def test_the_last_policy_finds_the_best_response_when_there_is_one() -> None:
    step = partial(multiplicative_step, preference_A_A=LADDER, eta=0.5)
    assert exploitability(play(step, SKEWED[::-1], 200)[-1], LADDER) < 1e-8


def test_repeated_dpo_on_hard_labels_is_a_pure_policy_in_every_round() -> None:
    """Whichever response is left, it loses to another nine times in ten: 2 (.9 - .5) = .8."""
    policies = play(partial(dpo_step, preference_A_A=RPS, beta=0.1), SKEWED, 5)
    gaps = [exploitability(policy, RPS) for policy in policies[1:]]
    assert gaps == pytest.approx([0.8] * 4, abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_more_samples_for_a_prompt_find_a_better_policy(seed: int) -> None:
    gap = {}
    for k in (2, 5):
        policies = play(sampled_step(k, eta=1 / 20, seed=seed), SKEWED, 400)
        gap[k] = exploitability(policies.mean(0), RPS)
    assert gap[5] < gap[2] - 0.05


def test_two_samples_shrink_a_preference_to_a_quarter_and_its_half() -> None:
    """(1/2 + .9) / 2 = 1/4 + .9/2 = .7, and .3 for the other."""
    assert estimated_win_rates(np.array([[0, 1]]), RPS) == pytest.approx(np.array([[0.7, 0.3]]))


@given(st.lists(st.integers(0, 2), min_size=1, max_size=6))
def test_estimated_win_rates_of_a_prompt_average_to_a_half(responses: list[int]) -> None:
    assert estimated_win_rates(np.array([responses]), WEIGHTED_RPS).mean() == pytest.approx(0.5)


@pytest.mark.parametrize(("policy", "game"), [(UNIFORM, RPS), (NASH, WEIGHTED_RPS)])
def test_an_equilibrium_cannot_be_exploited(policy: Array, game: Array) -> None:
    assert exploitability(policy, game) == pytest.approx(0, abs=1e-12)


@given(games())
def test_exploitability_is_between_nothing_and_one(game: tuple[Array, Array]) -> None:
    assert -1e-12 <= exploitability(*game) <= 1


@given(games(), st.permutations(range(4)))
def test_exploitability_does_not_depend_on_labels(
    game: tuple[Array, Array], order: list[int]
) -> None:
    policy, preference = game
    relabelled = exploitability(policy[order], preference[np.ix_(order, order)])
    assert relabelled == pytest.approx(exploitability(policy, preference))
