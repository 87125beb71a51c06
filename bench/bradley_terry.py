"""Bradley-Terry with 100 bootstrap rounds, against the published procedure with scikit-learn.

Run with a Python that has scikit-learn: `OMP_NUM_THREADS=1 python -m bench.bradley_terry`.
20 models on 500 prompts in 2 games each: every one against a baseline, as Arena-Hard is played, and
every game against a model drawn at random. Both start from the same arrays of battles; the
published procedure fits a logistic regression in each round, on every battle entered twice.
"""

from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter

import numpy as np

from harness.stats.bradley_terry import (
    ELO_SCALE,
    Array,
    Battles,
    Whole,
    bootstrap_battles,
    bootstrap_clusters,
    tally_by,
)

MODELS, PROMPTS, GAMES, ROUNDS = 20, 500, 2, 100
SOLVERS = ("lbfgs", "newton-cg")
"""The published one, and the faster of the other two that take no penalty on singular features."""


def played(opponent_N: Whole, seed: int = 0) -> Battles:
    """Battles of models of known strength, a fifth of them ties, a third of weight 3."""
    rng = np.random.default_rng(seed)
    first_N = np.repeat(np.arange(1, MODELS + 1), PROMPTS * GAMES)
    strength = np.linspace(-2, 2, MODELS + 1)
    chance_N = 1 / (1 + np.exp(strength[opponent_N] - strength[first_N]))
    value_N = (rng.random(len(first_N)) < chance_N).astype(float)
    value_N[rng.random(len(first_N)) < 0.2] = 0.5
    weight_N = np.where((rng.random(len(first_N)) < 1 / 3) & (value_N != 0.5), 3, 1)
    each = Battles(first_N, opponent_N, value_N, np.ones(len(first_N)))
    return each.rows(np.repeat(np.arange(len(first_N)), weight_N))


def published(battles: Battles, solver: str, rounds: int = ROUNDS) -> Array:
    """Ratings of every round, by scikit-learn's logistic regression without a penalty."""
    from sklearn.linear_model import LogisticRegression

    state, n = np.random.RandomState(42), len(battles.first_N)
    ratings = []
    for _ in range(rounds):
        drawn = battles.rows(state.choice(n, n))
        features = np.zeros((2 * n, MODELS + 1))
        features[np.arange(2 * n), np.tile(drawn.first_N, 2)] = np.log(10)
        features[np.arange(2 * n), np.tile(drawn.second_N, 2)] = -np.log(10)
        won = np.concatenate([drawn.value_N > 0, drawn.value_N == 1])
        fitted = LogisticRegression(fit_intercept=False, C=np.inf, tol=1e-8, solver=solver)
        coefficients = 400 * fitted.fit(features, won).coef_[0]
        ratings.append(coefficients - coefficients[0])
    return np.array(ratings)


def ours(battles: Battles) -> Array:
    """The same rounds."""
    return ELO_SCALE * bootstrap_battles(battles, MODELS + 1, replicates=ROUNDS)


def by_prompt(battles: Battles) -> Array:
    """As many rounds that draw prompts."""
    prompt_N = np.arange(len(battles.first_N)) % PROMPTS
    return ELO_SCALE * bootstrap_clusters(
        tally_by(battles, prompt_N, MODELS + 1), replicates=ROUNDS
    )


def seconds(call: Callable[[], object]) -> float:
    """How long one call takes."""
    start = perf_counter()
    call()
    return perf_counter() - start


def compare(name: str, battles: Battles) -> None:
    """Prints how long each takes, and the largest difference of a rating in any round."""
    theirs = []
    for solver in SOLVERS:
        theirs.append(seconds(partial(published, battles, solver)))
        print(f"against {name}: scikit-learn, {solver:<10} {theirs[-1]:9.3f} s")
    for label, call in (("by battle", ours), ("by prompt", by_prompt)):
        took = median(seconds(partial(call, battles)) for _ in range(7))
        print(f"against {name}: iterbench, {label:<13} {took:9.4f} s {min(theirs) / took:7.0f}x")
    worst = np.abs(published(battles, "newton-cg", 3) - ours(battles)[:3]).max()
    print(f"against {name}: largest difference of a rating {worst:.1e} points")


def main() -> None:
    """Both designs: every battle against one baseline, and against anyone."""
    n = MODELS * PROMPTS * GAMES
    first_N = np.repeat(np.arange(1, MODELS + 1), PROMPTS * GAMES)
    other_N = (first_N + np.random.default_rng(1).integers(1, MODELS + 1, n)) % (MODELS + 1)
    compare("baseline", played(np.zeros(n, np.int64)))
    compare("everyone", played(other_N))


if __name__ == "__main__":
    main()
