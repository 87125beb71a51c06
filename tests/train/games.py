"""Preference games small enough to solve: A responses to one prompt, P[i, j] that i beats j.

Slow and obvious. The steps that minimise a loss call the project's own objectives.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import softmax
from torch import Tensor

from train.objectives import dpo, sppo

Array = NDArray[np.float64]

RPS: Array = np.array([[0.5, 0.9, 0.1], [0.1, 0.5, 0.9], [0.9, 0.1, 0.5]])
WEIGHTED_RPS: Array = np.array([[0.5, 0.7, 0.2], [0.3, 0.5, 0.9], [0.8, 0.1, 0.5]])
LADDER: Array = np.array([[0.5, 0.7, 0.9], [0.3, 0.5, 0.7], [0.1, 0.3, 0.5]])
"""Transitive: the first response beats everyone."""

SKEWED: Array = np.array([0.8, 0.15, 0.05])
UNIFORM: Array = np.full(3, 1 / 3)


def exploitability(policy_A: Array, preference_A_A: Array) -> float:
    """By how much the best answer to a policy beats it, twice over: 0 at equilibrium, at most 1."""
    return float(2 * ((preference_A_A @ policy_A).max() - 0.5))


def total_variation(one_A: Array, other_A: Array) -> float:
    """Largest difference in the probability of any set of responses."""
    return float(np.abs(one_A - other_A).sum() / 2)


def normalised(weight_A: Array) -> Array:
    """The policy in proportion to these weights."""
    return np.asarray(weight_A / weight_A.sum())


def play(step: Callable[[Array], Array], policy_A: Array, rounds: int) -> Array:
    """The policies of all rounds, the first included, of shape (rounds, A)."""
    policies = [policy_A]
    while len(policies) < rounds:
        policies.append(step(policies[-1]))
    return np.array(policies)


def log_partition(policy_A: Array, preference_A_A: Array, eta: float) -> float:
    """The log Z that makes the multiplicative step sum to 1."""
    return float(np.log(policy_A @ np.exp(eta * preference_A_A @ policy_A)))


def multiplicative_step(policy_A: Array, preference_A_A: Array, eta: float) -> Array:
    """Multiplicative weights: arXiv 2405.00675v5, equation 4.1."""
    return normalised(policy_A * np.exp(eta * preference_A_A @ policy_A))


def sppo_step(policy_A: Array, preference_A_A: Array, eta: float, log_z: float) -> Array:
    """The least-squares step of equation 4.4, solved; the objective's own log Z is eta / 2."""
    weight_A = torch.tensor(policy_A)
    won_A = torch.tensor(preference_A_A @ policy_A) + 0.5 - log_z / eta
    return _minimise(policy_A, lambda r_A: weight_A @ sppo(r_A, r_A, won_A, won_A, eta=eta))


def dpo_step(policy_A: Array, preference_A_A: Array, beta: float) -> Array:
    """DPO solved on all pairs that the policy draws, each labelled by its likelier winner."""
    winner, loser = torch.tensor(preference_A_A > 0.5).nonzero(as_tuple=True)
    weight = torch.tensor(policy_A)[winner] * torch.tensor(policy_A)[loser]
    return _minimise(policy_A, lambda r_A: weight @ dpo(r_A[winner], r_A[loser], beta=beta))


def estimated_win_rates(responses_N_K: NDArray[np.int_], preference_A_A: Array) -> Array:
    """P-hat: each sample's mean preference over all K samples of its prompt, itself included."""
    rivals_N_K_K: Array = preference_A_A[responses_N_K[:, :, None], responses_N_K[:, None, :]]
    return np.asarray(rivals_N_K_K.mean(2))


def sampled_step(k: int, eta: float, seed: int) -> Callable[[Array], Array]:
    """A multiplicative step in RPS that knows only K samples for each of 64 prompts."""
    rng = np.random.default_rng(seed)

    def step(policy_A: Array) -> Array:
        responses_N_K = rng.choice(3, size=(64, k), p=policy_A)
        p_hat_N_K = estimated_win_rates(responses_N_K, RPS)
        drawn = [p_hat_N_K[responses_N_K == a] for a in range(3)]
        p_hat_A = np.array([p_hat.mean() if p_hat.size else 0.5 for p_hat in drawn])
        return normalised(policy_A * np.exp(eta * p_hat_A))

    return step


def _minimise(policy_A: Array, loss: Callable[[Tensor], Tensor]) -> Array:
    """The policy whose log-ratios to the given one have the least loss."""
    start_A = torch.tensor(policy_A).log()

    def value_and_slope(logits_A: Array) -> tuple[float, Array]:
        leaf_A = torch.tensor(logits_A, requires_grad=True)
        value = loss(leaf_A.log_softmax(0) - start_A)
        (slope_A,) = torch.autograd.grad(value, leaf_A)
        return value.item(), slope_A.numpy()

    found = minimize(value_and_slope, start_A.numpy(), jac=True, options={"gtol": 1e-10})
    return softmax(found.x)
