"""A cheap judge on everything, an expensive one on a few."""

import numpy as np
import pytest

from harness.errors import DataError
from harness.stats.prediction_powered import powered_mean


def columns(n: int, gold: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Verdicts of a cheap judge that is half a standard deviation too kind, and gold of a few."""
    random = np.random.default_rng(seed)
    truth = random.random(n)
    cheap = np.clip(truth + 0.1 + random.normal(0, noise, n), 0, 1)
    known = np.full(n, np.nan)
    chosen = random.choice(n, gold, replace=False)
    known[chosen] = truth[chosen]
    return cheap, known


def width(interval: tuple[float, float]) -> float:
    return interval[1] - interval[0]


def test_a_perfect_cheap_judge_is_corrected_and_trusted() -> None:
    cheap, gold = columns(1000, 50, 0.0, 0)
    found = powered_mean(np.clip(cheap, 0, 1), gold)
    assert found.trust > 0.9
    assert width(found.interval) < width(found.alone) / 2


def test_a_useless_cheap_judge_is_not_trusted_and_costs_nothing() -> None:
    random = np.random.default_rng(99)
    _, gold = columns(1000, 100, 0.0, 1)
    found = powered_mean(random.random(1000), gold)
    assert found.trust < 0.25
    assert width(found.interval) <= 1.05 * width(found.alone)


def test_a_perfect_judge_is_trusted_as_far_as_the_others_are_known() -> None:
    """Of 100 prompts 20 have gold: 1 / (1 + 20 / 80)."""
    cheap = np.tile([0.0, 1.0], 50)
    gold = np.where(np.arange(100) < 20, cheap, np.nan)
    assert powered_mean(cheap, gold).trust == pytest.approx(0.8)


def test_a_constant_cheap_judge_leaves_the_gold_mean() -> None:
    _, gold = columns(200, 30, 0.1, 2)
    found = powered_mean(np.full(200, 0.5), gold)
    assert (found.trust, found.n_gold) == (0.0, 30)
    assert found.value == pytest.approx(np.nanmean(gold))
    assert found.interval == pytest.approx(found.alone)


def test_gold_everywhere_is_the_gold_mean() -> None:
    cheap, gold = columns(60, 60, 0.1, 3)
    assert powered_mean(cheap, gold).value == pytest.approx(gold.mean())


def test_the_interval_covers_at_its_nominal_rate() -> None:
    runs, covered = 500, 0
    for seed in range(runs):
        low, high = powered_mean(*columns(500, 60, 0.15, seed)).interval
        covered += low <= 0.5 <= high
    # Binomial of 500 at 95 %: 475, and above 459 in 99.9 % of the time.
    assert covered >= 459


def test_too_little_gold_is_refused() -> None:
    cheap, gold = columns(100, 9, 0.1, 4)
    with pytest.raises(DataError, match="10 verdicts of the expensive judge or more, came 9"):
        powered_mean(cheap, gold)


@pytest.mark.parametrize("cheap", [np.full(20, np.nan), np.zeros(19)])
def test_a_cheap_verdict_is_needed_for_each_prompt(cheap: np.ndarray) -> None:
    with pytest.raises(DataError, match="cheap judge's verdict on every prompt"):
        powered_mean(cheap, np.zeros(20))


def test_verdicts_that_are_all_alike_leave_room_for_others_on_a_scale_with_ends() -> None:
    gold = np.array([0.0] * 20 + [np.nan] * 80)
    found = powered_mean(np.full(100, 0.5), gold, (0, 1))
    # By hand: of 20 zeros, a 0 and a 1 the mean is 1/22, and so is its standard error.
    assert found.value == 0
    # Student's quantile of 20 degrees of freedom.
    assert found.interval == pytest.approx((1 / 22 - 2.08596 / 22, 1 / 22 + 2.08596 / 22), abs=1e-5)


def test_near_the_end_of_a_scale_the_interval_still_covers() -> None:
    runs, covered = 500, 0
    for seed in range(runs):
        random = np.random.default_rng(seed)
        truth = (random.random(800) < 0.03).astype(float)
        gold = np.full(800, np.nan)
        chosen = random.choice(800, 50, replace=False)
        gold[chosen] = truth[chosen]
        low, high = powered_mean(random.random(800), gold, (0, 1)).interval
        covered += low <= truth.mean() <= high
    assert covered >= 459  # as above; without the ends of the scale about 390 cover
