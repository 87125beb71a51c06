"""Every 95 % interval, by simulation: it leaves the truth out as often as it says, and no less.

Those of other kinds are simulated beside their own tests: of paired differences, of a sequence of
looks, of a cheap judge with a better one.
"""

from collections.abc import Callable
from math import inf

import numpy as np
import pytest
from scipy.stats import binom

from harness.pairing import head_to_head
from harness.stats.bradley_terry import bootstrap_clusters
from harness.stats.clustered import clustered_mean, clustered_ratio
from harness.stats.length_control import (
    Calibration,
    bootstrap_length_control,
    fit_length_control,
)
from harness.stats.paired import paired_difference
from harness.stats.prediction_powered import powered_mean
from harness.stats.prompt_bootstrap import Draws, interval
from harness.stats.variance import components, redrawn_variance
from tests.harness.test_pairing import judged

Ends = tuple[float, float]
Draw = Callable[[np.random.Generator], tuple[Ends | None, float]]
"""An interval from fresh data, and the truth."""
RUNS = 400


def assert_covers(draw: Draw, runs: int = RUNS) -> None:
    """The truth is left out 5 % of the time, within what chance does 99.8 % of the time."""
    random, missed = np.random.default_rng(0), 0
    for _ in range(runs):
        ends, truth = draw(random)
        assert ends is not None
        missed += not ends[0] <= truth <= ends[1]
    low, high = binom(runs, 0.05).ppf([0.001, 0.999])
    assert low <= missed <= high


def questions(random: np.random.Generator, n: int) -> tuple[np.ndarray, list[str]]:
    """Two turns of each question, which share most of what makes them hard; their mean is 0."""
    shared = np.repeat(random.normal(0, 1, n), 2)
    return shared + random.normal(0, 0.5, 2 * n), [str(place // 2) for place in range(2 * n)]


@pytest.mark.parametrize("n", [10, 80])
def test_means_of_turns(n: int) -> None:
    def draw(random: np.random.Generator) -> tuple[Ends | None, float]:
        values, clusters = questions(random, n)
        return clustered_mean(values.tolist(), clusters, (-inf, inf)).interval, 0.0

    assert_covers(draw)


def test_ratios_over_tasks_of_unlike_size() -> None:
    """Tasks of 1 to 9 instances, of which a task's own share is right; 1/2 in all."""

    def draw(random: np.random.Generator) -> tuple[Ends | None, float]:
        sizes = random.integers(1, 10, 60)
        rights = random.binomial(sizes, random.beta(4, 4, 60))
        clusters = [str(place) for place in range(60)]
        found = clustered_ratio(rights.tolist(), sizes.tolist(), clusters, (0, 1))
        return found.interval, 0.5

    assert_covers(draw)


def test_win_rates_head_to_head() -> None:
    """Each prompt prefers one side by its own probability, in both orders; 1/2 in all."""

    def draw(random: np.random.Generator) -> tuple[Ends | None, float]:
        inclined = random.beta(2, 2, 30)
        there, back = random.random((2, 30)) < inclined
        said = zip(map(float, there), map(float, ~back), strict=True)
        return head_to_head(judged(*said))[0].interval, 0.5

    assert_covers(draw)


@pytest.mark.parametrize("n", [10, 20, 100])
def test_what_a_better_judge_says_of_all_from_a_few(n: int) -> None:
    """The cheap judge is half right, by as much as it may be."""

    def draw(random: np.random.Generator) -> tuple[Ends | None, float]:
        gold_N = random.normal(0, 1, 400)
        cheap_N = gold_N + random.normal(0.3, 1, 400)
        gold_N[n:] = np.nan
        return powered_mean(cheap_N, gold_N).interval, 0.0

    assert_covers(draw)


def test_values_over_prompts_drawn_anew() -> None:
    def draw(random: np.random.Generator) -> tuple[Ends | None, float]:
        values_N = random.exponential(1, 150)
        draws = Draws(seed=int(random.integers(2**31)), replicates=500)
        return interval(lambda n_N: float(n_N @ values_N / n_N.sum()), 150, draws), 1.0

    assert_covers(draw)


@pytest.mark.parametrize("n", [6, 10, 80])
def test_differences_of_two_checkpoints_over_questions_of_two_turns(n: int) -> None:
    def draw(random: np.random.Generator) -> tuple[Ends | None, float]:
        ours, clusters = questions(random, n)
        theirs, _ = questions(random, n)
        seed = int(random.integers(2**31))
        found = paired_difference(ours, theirs, clusters, replicates=400, seed=seed)
        return found.interval, 0.0

    assert_covers(draw)


def test_strengths_over_prompts_drawn_anew() -> None:
    """Two models of which the second wins 60 % of prompts, each judged twice alike."""

    def draw(random: np.random.Generator) -> tuple[Ends | None, float]:
        won = 2.0 * (random.random(200) < 0.6)
        wins_ckk = np.zeros((200, 2, 2))
        wins_ckk[:, 1, 0], wins_ckk[:, 0, 1] = won, 2 - won
        strengths = bootstrap_clusters(wins_ckk, replicates=400, seed=int(random.integers(2**31)))
        low, high = np.percentile(strengths[:, 1], [2.5, 97.5])
        return (low, high), float(np.log(0.6 / 0.4))

    assert_covers(draw)


def test_length_controlled_win_rates_refitted() -> None:
    """Preferences follow the model; the calibration models differ in length alone."""

    def sigmoid(margin: np.ndarray) -> np.ndarray:
        return np.asarray(1 / (1 + np.exp(-margin)))

    difficulty_P = np.random.default_rng(1).normal(0, 1, 5000)
    truth = float(sigmoid(difficulty_P - 0.4).mean())

    def draw(random: np.random.Generator) -> tuple[Ends | None, float]:
        difficulty_N, lead_N = random.choice(difficulty_P, 300), random.normal(0, 400, 300)
        length_N = np.tanh(lead_N / lead_N.std(ddof=1))
        margin_N = difficulty_N - 0.4 - 0.5 * length_N
        preference_N = (random.random(300) < sigmoid(margin_N)).astype(float)
        of_g, length_g = random.choice(difficulty_P, 600), random.normal(0, 1, 600)
        said_g = (random.random(600) < sigmoid(of_g - 0.5 * np.tanh(length_g))).astype(float)
        known = Calibration(said_g, length_g, of_g)
        columns = preference_N, lead_N, difficulty_N, known
        fit = fit_length_control(*columns)
        seed = int(random.integers(2**31))
        draws_b = bootstrap_length_control(*columns, c=fit.c, replicates=200, seed=seed)
        low, high = np.percentile(draws_b, [2.5, 97.5])
        return (low, high), truth

    assert_covers(draw, runs=200)


def test_means_over_several_samples() -> None:
    """Four answers to each of 100 prompts, whose score is a coin of the prompt's own."""

    def draw(random: np.random.Generator) -> tuple[Ends | None, float]:
        values_I_S = (random.random((100, 4)) < random.beta(1, 1, (100, 1))).astype(float)
        error = float(values_I_S[:, 0].std(ddof=1)) / 10
        redrawn = redrawn_variance(values_I_S, [str(place) for place in range(100)])
        whole = components(error, 100, redrawn=redrawn).error_with(100, 4, 1)
        mean = float(values_I_S.mean())
        return (mean - 1.98 * whole, mean + 1.98 * whole), 0.5

    assert_covers(draw)
