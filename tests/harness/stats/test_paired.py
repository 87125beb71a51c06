"""Paired differences: worked values, laws, and what they promise, by simulation."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import permutation_test, ttest_rel

from harness.errors import DataError
from harness.stats.paired import (
    Pair,
    detectable,
    holm,
    paired_difference,
    paired_differences,
    prompts_needed,
)

columns = st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=2, max_size=40).map(
    lambda pairs: np.array(pairs).T
)


def test_the_difference_is_the_mean_of_the_pairs() -> None:
    # differences 1, 0, 1, 2: mean 1, standard deviation sqrt(2/3)
    found = paired_difference(np.array([1.0, 0, 2, 3]), np.array([0.0, 0, 1, 1]))
    assert (found.value, found.n) == (1.0, 4)
    assert found.standard_error == pytest.approx(sqrt(2 / 3) / 2)


def test_a_few_pairs_try_every_pattern_of_signs() -> None:
    # of 8 patterns of +-1, +-1, +-2 only all plus and all minus sum to 4 or more
    found = paired_difference(np.array([1.0, 1, 2]), np.zeros(3))
    assert found.p_value == 0.25


def test_the_test_is_scipys_permutation_test() -> None:
    random = np.random.default_rng(1)
    ours, theirs = random.normal(0.7, 1, 10), random.normal(0, 1, 10)
    exact = permutation_test(
        (ours, theirs),
        lambda a, b: np.mean(a - b),
        permutation_type="samples",
        n_resamples=2000,  # more than there are patterns: all are tried
    )
    assert paired_difference(ours, theirs).p_value == pytest.approx(exact.pvalue)


def test_many_pairs_agree_with_the_t_test() -> None:
    random = np.random.default_rng(2)
    ours, theirs = random.normal(0.12, 1, 400), random.normal(0, 1, 400)
    found = paired_difference(ours, theirs)
    assert found.p_value == pytest.approx(ttest_rel(ours, theirs).pvalue, abs=0.02)


@given(columns)
def test_exchanging_the_sides_turns_the_difference_round(pair: np.ndarray) -> None:
    there = paired_difference(*pair, replicates=200)
    back = paired_difference(*pair[::-1], replicates=200)
    assert back.value == pytest.approx(-there.value)
    assert back.p_value == pytest.approx(there.p_value)


@given(columns, st.randoms(use_true_random=False))
def test_the_order_of_the_prompts_does_not_matter_to_the_exact_test(
    pair: np.ndarray, random: object
) -> None:
    few = pair[:, :10]
    order = np.argsort([random.random() for _ in few[0]])  # type: ignore[attr-defined]
    one, other = paired_difference(*few), paired_difference(*few[:, order])
    assert one.p_value == pytest.approx(other.p_value)


def test_the_same_answers_do_not_differ() -> None:
    found = paired_difference(np.ones(20), np.ones(20))
    assert (found.value, found.p_value, found.interval) == (0.0, 1.0, (0.0, 0.0))


def test_an_unread_verdict_takes_its_pair_out() -> None:
    found = paired_difference(np.array([1.0, np.nan, 1]), np.array([0.0, 0, np.nan]))
    assert (found.n, found.value, found.interval, found.standard_error) == (1, 1.0, None, None)


def test_nothing_read_is_refused() -> None:
    with pytest.raises(DataError, match="that both checkpoints were scored on, came none"):
        paired_difference(np.array([np.nan]), np.array([1.0]))


@pytest.mark.parametrize("clusters", [None, ["a"]])
def test_columns_of_other_lengths_are_refused(clusters: list[str] | None) -> None:
    with pytest.raises(DataError, match="in pairs, came columns of"):
        paired_difference(np.zeros(2), np.zeros(3 if clusters is None else 2), clusters)


def test_clusters_that_are_single_prompts_change_nothing() -> None:
    random = np.random.default_rng(3)
    ours, theirs = random.random(50), random.random(50)
    assert paired_difference(ours, theirs, range(50)) == paired_difference(ours, theirs)


def test_repeating_every_prompt_in_its_cluster_adds_no_certainty() -> None:
    random = np.random.default_rng(4)
    ours, theirs = random.random(30), random.random(30)
    once = paired_difference(ours, theirs)
    twice = paired_difference(np.tile(ours, 2), np.tile(theirs, 2), [*range(30)] * 2)
    assert twice.standard_error == pytest.approx(once.standard_error)
    assert twice.p_value == pytest.approx(once.p_value)
    assert twice.interval == pytest.approx(once.interval)


def test_pairs_that_share_their_draws_are_each_as_if_alone() -> None:
    random = np.random.default_rng(6)
    pairs = [Pair(random.random(n), random.random(n)) for n in (30, 9, 30)]
    together = paired_differences(pairs, replicates=500)
    for pair, found in zip(pairs, together, strict=True):
        alone = paired_difference(*pair[:3], replicates=500)
        assert found._replace(interval=None) == alone._replace(interval=None)
        assert found.interval == pytest.approx(alone.interval)


def test_a_draw_of_nothing_but_unread_pairs_is_left_out() -> None:
    ours = np.array([1.0, 0.5, *[np.nan] * 30])
    found = paired_difference(ours, np.zeros(32))
    assert found.n == 2
    # Of 0.5 to 1, moved away from 0.75 by sqrt(2) and Student's quantile of one degree to normal's.
    reach = 0.25 * sqrt(2) * 12.7062047 / 1.9599640
    assert found.interval == pytest.approx((0.75 - reach, 0.75 + reach))


def test_an_interval_stays_between_the_least_and_the_greatest_difference() -> None:
    pair = Pair(np.array([1.0, 0.5]), np.zeros(2), None, (-1.0, 1.0))
    assert paired_differences([pair])[0].interval == (-1.0, 1.0)


def test_the_interval_and_the_test_hold_what_they_promise() -> None:
    random, runs, missed, found = np.random.default_rng(5), 400, 0, 0
    for run in range(runs):
        shared = random.random(60)
        ours = (shared + random.normal(0, 0.3, 60) > 0.5).astype(float)
        theirs = (shared + random.normal(0, 0.3, 60) > 0.5).astype(float)
        one = paired_difference(ours, theirs, replicates=400, seed=run)
        assert one.interval is not None
        missed += not one.interval[0] <= 0 <= one.interval[1]
        found += one.p_value <= 0.05
    # Binomial of 400 at 5 %: 20, and 99.9 % of the time below 35.
    assert missed <= 35
    assert found <= 35


def test_holm_is_worked_by_hand() -> None:
    # sorted 0.01, 0.02, 0.04: times 3, 2, 1 is 0.03, 0.04, 0.04
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_holm_keeps_the_order_and_never_lowers(values: list[float]) -> None:
    adjusted = holm(values)
    assert all(new >= old for new, old in zip(adjusted, values, strict=True))
    assert [adjusted[i] for i in np.argsort(values)] == sorted(adjusted)


def test_what_can_be_detected_is_a_bit_under_three_standard_errors() -> None:
    assert detectable(0.1) == pytest.approx(0.1 * (1.959964 + 0.841621), rel=1e-5)


def test_twice_the_difference_needs_a_quarter_of_the_prompts() -> None:
    small = paired_difference(np.array([1.0, 0, 1, 0]), np.zeros(4))
    needed = prompts_needed(small)
    # SE = sqrt(1/3)/2, detectable 0.8087 against 0.5: 4 * 2.616
    assert needed == 11
    double = small._replace(value=1.0)
    assert prompts_needed(double) == 3


def test_no_difference_is_decided_by_no_number_of_prompts() -> None:
    assert prompts_needed(paired_difference(np.ones(5), np.ones(5))) is None
