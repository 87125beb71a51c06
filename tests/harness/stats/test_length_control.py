from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import brentq
from scipy.special import expit

from harness.errors import DataError
from harness.stats import l1_logistic, length_control
from harness.stats.l1_logistic import Array, minimise
from harness.stats.length_control import (
    GRID,
    Calibration,
    Coefficients,
    LengthControl,
    bootstrap_length_control,
    fit_length_control,
    length_control_bounds,
    predict_win_rate,
)
from tests.harness.stats.conftest import PublishedAlpaca

NOTHING = Calibration(np.empty(0), np.empty(0), np.empty(0))


class Problem(NamedTuple):
    preference_N: Array
    delta_length_N: Array
    difficulty_N: Array
    calibration: Calibration


def made_up(n: int = 60, g: int = 20, seed: int = 0) -> Problem:
    """A judge who likes long answers and whom nothing else sways much."""
    rng = np.random.default_rng(seed)
    delta, difficulty = rng.normal(200, 500, n), rng.normal(size=n)
    preference = expit(-2 * delta / 500 + 0.3 * difficulty + rng.normal(0.4, 1, n))
    calibration = Calibration(rng.random(g), rng.normal(size=g), rng.normal(size=g))
    return Problem(preference, delta, difficulty, calibration)


def flat(preference_N: Array) -> Problem:
    """Rows that only the candidate's own coefficient can explain."""
    return Problem(preference_N, np.zeros_like(preference_N), np.zeros_like(preference_N), NOTHING)


def design(problem: Problem) -> tuple[Array, Array, Array]:
    """Features (r, 3), preferences and weights of the rows that were read, as published."""
    p_n, delta_n, difficulty_N, (p_g, std_delta_g, difficulty_G) = problem
    std_n = delta_n / np.std(delta_n, ddof=1)
    gamed = [[np.tanh(s), q, 0] for s, q in zip(std_delta_g, difficulty_G, strict=True)]
    own = [[np.tanh(s), q, 1] for s, q in zip(std_n, difficulty_N, strict=True)]
    p, weight = np.concatenate([p_g, p_n]), np.array([0.1] * len(gamed) + [1.0] * len(own))
    read = ~np.isnan(p)
    return np.array(gamed + own)[read], p[read], weight[read]


def slope(problem: Problem, w: Array) -> Array:
    """Gradient of the weighted log loss."""
    x, p, s = design(problem)
    slope: Array = x.T @ (s * (expit(x @ w) - p))
    return slope


def slow_fit(x: Array, p: Array, s: Array, c: float) -> Array:
    """One coefficient after the other, each by root finding, until nothing moves."""
    w, before = np.zeros(3), np.ones(3)

    def pull(value: float, j: int, side: float = 0.0) -> float:
        margin = x @ w + x[:, j] * (value - w[j])
        return float(c * (s * x[:, j]) @ (expit(margin) - p) + side)

    while np.abs(w - before).max() > 1e-12:
        before = w.copy()
        for j in range(3):
            side = -np.sign(pull(0, j))
            w[j] = brentq(pull, 0, 50 * side, args=(j, side)) if abs(pull(0, j)) > 1 else 0
    return w


def slow_loss(problem: Problem, fold: int, c: float) -> float:
    """Fits all folds but one, and scores that one."""
    x, p, s = design(problem)
    out = np.arange(len(p)) % 5 == fold
    margin = x[out] @ slow_fit(x[~out], p[~out], s[~out], c)
    return float(np.mean(s[out] * (np.logaddexp(0, margin) - p[out] * margin)))


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    n = draw(st.integers(2, 12))
    unit = arrays(float, n, elements=st.floats(0, 1, width=16))
    wide = arrays(float, n, elements=st.floats(-8, 8, width=16))
    calibration = Calibration(draw(unit), draw(wide), draw(wide))
    delta = draw(st.permutations(range(n)).map(lambda order: np.array(order, dtype=float)))
    return Problem(draw(unit), delta, draw(wide), calibration)


strengths = st.sampled_from(GRID.tolist())


@pytest.mark.parametrize(("mean", "win_rate"), [(0.8, 0.7), (0.3, 0.4), (0.55, 0.5), (1.0, 0.9)])
def test_a_candidate_alone_is_its_mean_drawn_to_a_half_by_one_over_n_c(
    mean: float, win_rate: float
) -> None:
    # The penalty's slope, 1, against the data's: C * n * (mean - win rate) with n = 10 and C = 1.
    fit = fit_length_control(*flat(np.full(10, mean)), c=1.0)
    assert fit.win_rate == pytest.approx(win_rate, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("c", [0.1, 0.5, 300.0])
def test_coefficients_are_those_of_a_slow_and_obvious_solver(seed: int, c: float) -> None:
    problem = made_up(seed=seed)
    fast = fit_length_control(*problem, c=c).coefficients
    np.testing.assert_allclose(fast, slow_fit(*design(problem), c), rtol=0, atol=1e-8)


def test_coefficients_that_the_data_hardly_need_are_exactly_zero() -> None:
    coefficients = fit_length_control(*made_up(), c=0.3).coefficients
    assert coefficients.length < -1
    assert coefficients[1:] == (0, 0)


@given(problems(), strengths)
def test_no_small_change_of_a_coefficient_would_fit_better(problem: Problem, c: float) -> None:
    w = np.array(fit_length_control(*problem, c=c).coefficients)
    pull = slope(problem, w)
    np.testing.assert_allclose(pull[w != 0], -np.sign(w[w != 0]) / c, rtol=0, atol=1e-9)
    assert (np.abs(pull[w == 0]) <= 1 / c + 1e-9).all()


@given(problems(), strengths)
def test_opposite_preferences_give_the_opposite_win_rate(problem: Problem, c: float) -> None:
    calibration = problem.calibration
    opposite = problem._replace(
        preference_N=1 - problem.preference_N,
        calibration=calibration._replace(preference_G=1 - calibration.preference_G),
    )
    one, other = fit_length_control(*problem, c=c), fit_length_control(*opposite, c=c)
    assert one.win_rate + other.win_rate == pytest.approx(1, abs=1e-9)


@given(problems(), strengths, st.floats(0.01, 100))
def test_the_unit_of_length_does_not_matter(problem: Problem, c: float, unit: float) -> None:
    longer = problem._replace(delta_length_N=unit * problem.delta_length_N)
    one, other = fit_length_control(*problem, c=c), fit_length_control(*longer, c=c)
    assert one.win_rate == pytest.approx(other.win_rate, abs=1e-9)


def test_a_judge_who_only_likes_length_is_seen_through() -> None:
    delta = np.random.default_rng(1).normal(-400, 300, 805)
    preference = expit(-3 * np.tanh(delta / np.std(delta, ddof=1)))
    fit = fit_length_control(preference, delta, np.zeros(805), NOTHING, c=1e4)
    assert fit.raw_win_rate > 0.8
    assert fit.win_rate == pytest.approx(0.5, abs=1e-4)


def test_held_out_losses_are_those_of_a_slow_cross_validation() -> None:
    problem = made_up(n=33, g=10)
    problem.preference_N[[4, 11]] = np.nan  # folds are counted over the rows that were read
    slow = [np.mean([slow_loss(problem, fold, c) for fold in range(5)]) for c in GRID]
    np.testing.assert_allclose(fit_length_control(*problem).losses, slow, rtol=0, atol=1e-9)


def test_the_chosen_c_has_the_least_held_out_loss() -> None:
    fit = fit_length_control(*made_up())
    assert fit.losses[GRID.tolist().index(fit.c)] == min(fit.losses)


def test_after_the_choice_all_rows_are_fitted_at_the_chosen_c() -> None:
    chosen = fit_length_control(*made_up())
    assert chosen.coefficients == pytest.approx(
        fit_length_control(*made_up(), c=chosen.c).coefficients, abs=1e-12
    )


def test_of_equal_losses_the_smallest_c_is_chosen() -> None:
    fit = fit_length_control(*flat(np.full(10, 0.5)))
    assert len(set(fit.losses)) == 1
    assert fit.c == GRID[0]


def test_a_given_c_is_not_cross_validated() -> None:
    assert fit_length_control(*made_up(), c=1.0).losses == ()


def test_the_order_of_rows_within_folds_does_not_matter() -> None:
    p, delta, difficulty, calibration = made_up()
    order = np.roll(np.arange(60), 30)  # by whole rounds of folds
    one = fit_length_control(p, delta, difficulty, calibration)
    other = fit_length_control(p[order], delta[order], difficulty[order], calibration)
    assert one.losses == pytest.approx(other.losses, abs=1e-12)
    assert one.coefficients == pytest.approx(other.coefficients, abs=1e-9)


def test_an_unread_row_is_predicted_but_not_fitted() -> None:
    problem = made_up()
    problem.preference_N[7] = np.nan
    before = fit_length_control(*problem)
    problem.difficulty_N[7] += 1
    after = fit_length_control(*problem)
    assert before.coefficients == after.coefficients
    assert (np.flatnonzero(before.predictions_N != after.predictions_N)).tolist() == [7]


def test_an_unread_row_counts_in_the_standard_deviation_of_lengths() -> None:
    problem = made_up()
    problem.preference_N[7] = np.nan
    before = fit_length_control(*problem, c=1.0)
    problem.delta_length_N[7] *= 100
    assert before.coefficients != fit_length_control(*problem, c=1.0).coefficients


def test_the_win_rate_is_the_mean_prediction_of_the_coefficients() -> None:
    problem = made_up()
    fit = fit_length_control(*problem)
    assert predict_win_rate(fit.coefficients, problem.difficulty_N) == fit.win_rate
    assert fit.win_rate == pytest.approx(fit.predictions_N.mean())


def test_a_prediction_is_the_logistic_of_difficulty_and_candidate() -> None:
    # Odds of 3 on the first prompt, of 3 * 9 on the second; the length coefficient is not used.
    coefficients = Coefficients(length=5.0, difficulty=np.log(9), candidate=np.log(3))
    win_rate = predict_win_rate(coefficients, np.array([0.0, 1.0]))
    assert win_rate == pytest.approx((3 / 4 + 27 / 28) / 2)


def test_the_standard_error_is_that_of_the_mean_prediction() -> None:
    fit = fit_length_control(*made_up(), c=1.0)
    deviations = fit.predictions_N - fit.win_rate
    assert fit.standard_error == pytest.approx(np.sqrt((deviations**2).sum() / 59 / 60))


def test_a_single_row_has_a_win_rate_and_no_standard_error() -> None:
    fit = fit_length_control(np.array([0.9]), np.array([5.0]), np.array([0.1]), NOTHING, c=4.0)
    assert fit.win_rate == pytest.approx(0.9 - 1 / 4, abs=0.01)
    assert fit.standard_error is None


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_unanimous_preferences_stay_finite_at_the_largest_c(value: float) -> None:
    fit = fit_length_control(*flat(np.full(805, value)), c=1e4)
    assert fit.win_rate == pytest.approx(abs(value - 1 / (805 * 1e4)), abs=1e-12)


def test_preferences_that_lengths_separate_stay_finite() -> None:
    problem = made_up()
    separated = problem._replace(preference_N=(problem.delta_length_N < 0).astype(float))
    w = np.array(fit_length_control(*separated, c=1e4).coefficients)
    assert np.abs(slope(separated, w)).max() <= 1e-4 + 1e-9


def test_the_search_finds_its_way_back_from_anywhere() -> None:
    rows = length_control._rows(*made_up(), np.ones(60))
    near = minimise(rows, np.ones(1), np.zeros((1, 3)))
    far = minimise(rows, np.ones(1), np.array([[400.0, -300.0, -500.0]]))
    np.testing.assert_allclose(near, far, rtol=0, atol=1e-10)


def test_a_search_that_does_not_settle_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(l1_logistic, "_MOST_STEPS", 2)
    with pytest.raises(DataError, match="did not settle in 2 steps"):
        fit_length_control(*made_up())


def test_equal_lengths_are_reported_and_leave_the_length_out() -> None:
    problem = made_up()
    problem.delta_length_N[:] = 0.1
    fit = fit_length_control(*problem._replace(calibration=NOTHING), c=1.0)
    assert fit.coefficients.length == 0
    assert fit.doubts[0].startswith("all length differences are equal")


def test_lengths_that_differ_by_little_are_not_taken_for_equal() -> None:
    problem = made_up()
    problem.delta_length_N[:] += 1e9
    assert fit_length_control(*problem, c=1.0).doubts == ()


def test_a_choice_at_the_edge_of_the_grid_is_reported() -> None:
    fit = fit_length_control(*flat(np.full(10, 0.5)))
    assert any("C = 0.0001, the edge of its grid" in doubt for doubt in fit.doubts)


# Upstream's rule in its own example: from 0.2 to below 0.1 or above 0.4; from 0.5, 0.375 or 0.625.
@pytest.mark.parametrize(
    ("raw", "controlled", "extreme"),
    [
        (0.2, 0.09, True),
        (0.2, 0.11, False),
        (0.2, 0.39, False),
        (0.2, 0.41, True),
        (0.5, 0.37, True),
        (0.5, 0.38, False),
        (0.5, 0.62, False),
        (0.5, 0.63, True),
    ],
)
def test_an_extreme_change_is_reported(raw: float, controlled: float, *, extreme: bool) -> None:
    assert bool(list(length_control._doubt_change(raw, controlled))) == extreme


def test_an_ordinary_fit_raises_no_doubts() -> None:
    assert fit_length_control(*made_up(n=200)).doubts == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"preference_N": np.full(60, np.nan)}, "none in 60 rows"),
        ({"difficulty_N": np.zeros(59)}, r"\[60, 60, 59\]"),
        ({"preference_N": np.full(60, 1.5)}, r"in \[0, 1\] or NaN, got 1.5"),
        ({"delta_length_N": np.full(60, np.inf)}, "candidate rows: expected finite"),
        ({"calibration": Calibration(np.ones(2), np.ones(2), np.ones(1))}, "calibration rows"),
    ],
)
def test_unusable_rows_are_refused(change: dict[str, Array], message: str) -> None:
    with pytest.raises(DataError, match=message):
        fit_length_control(*made_up()._replace(**change))  # type: ignore[arg-type]


def test_no_rows_at_all_are_refused() -> None:
    with pytest.raises(DataError, match="none in 0 rows"):
        fit_length_control(*flat(np.empty(0)))


def test_fewer_rows_than_folds_are_not_cross_validated() -> None:
    with pytest.raises(DataError, match="at least 5 rows with a preference, got 4"):
        fit_length_control(*flat(np.full(4, 0.7)))


@pytest.mark.parametrize("c", [0.0, -1.0, np.nan, 1e5])
def test_a_c_off_the_grid_is_refused(c: float) -> None:
    for fit in (fit_length_control, bootstrap_length_control):
        with pytest.raises(DataError, match=r"expected C from 0\.0001 to 10000"):
            fit(*made_up(), c=c)


def test_a_replicate_is_the_fit_of_the_prompts_drawn() -> None:
    problem = made_up()
    problem.preference_N[7] = np.nan
    replicates = bootstrap_length_control(*problem, c=1.0, replicates=20, seed=3)
    counts = np.concatenate(list(length_control._resamples(60, 20, 3))).astype(int)
    for replicate, count in zip(replicates, counts, strict=True):
        p, delta, difficulty = (np.repeat(values, count) for values in problem[:3])
        fit = fit_length_control(p, delta, difficulty, problem.calibration, c=1.0)
        assert replicate == pytest.approx(fit.win_rate, abs=1e-10)


def test_prompts_are_drawn_as_often_as_chance_would() -> None:
    counts = np.concatenate(list(length_control._resamples(50, 2000, 0)))
    assert counts.shape == (2000, 50)
    assert (counts.sum(axis=1) == 50).all()
    np.testing.assert_allclose(counts.var(axis=0), 1 - 1 / 50, atol=0.15)  # multinomial


def test_the_same_seed_gives_the_same_replicates() -> None:
    one, again, other = (
        bootstrap_length_control(*made_up(), c=1.0, replicates=3, seed=seed) for seed in (5, 5, 6)
    )
    assert one.tolist() == again.tolist()
    assert one.tolist() != other.tolist()


def test_replicates_spread_more_than_the_published_standard_error_says() -> None:
    problem = made_up(n=200)
    fit = fit_length_control(*problem, c=1.0)
    replicates = bootstrap_length_control(*problem, c=1.0, replicates=200)
    assert fit.standard_error is not None
    assert replicates.std() > 1.5 * fit.standard_error


def test_published_win_rates_follow_from_published_coefficients(alpaca: PublishedAlpaca) -> None:
    # Two rows of the leaderboard contradict their own coefficients; nothing can reproduce them.
    contradictory = {"NullModel", "dbrx-instruct"}
    whole = {name for name, row in alpaca.board.items() if row["n_total"] == "805"}
    for model in whole & alpaca.coefficients.keys() - contradictory:
        win_rate = predict_win_rate(alpaca.coefficients[model], alpaca.difficulty)
        published = float(alpaca.board[model]["length_controlled_winrate"])
        assert 100 * win_rate == pytest.approx(published, abs=1e-6), model


def at_published_c(alpaca: PublishedAlpaca, model: str) -> LengthControl:
    """The fit, over the grid of C, that is nearest to the published coefficients."""
    rows, published = alpaca.judgments(model), alpaca.coefficients[model]
    fits = [fit_length_control(*rows, alpaca.calibration, c=c) for c in GRID]
    return min(fits, key=lambda fit: np.abs(np.subtract(fit.coefficients, published)).max())


def test_published_win_rates_are_refitted_at_the_published_c(alpaca: PublishedAlpaca) -> None:
    for model in alpaca.models:
        fit, row = at_published_c(alpaca, model), alpaca.board[model]
        assert fit.coefficients == pytest.approx(alpaca.coefficients[model], abs=0.003), model
        assert 100 * fit.win_rate == pytest.approx(
            float(row["length_controlled_winrate"]), abs=0.02
        )


def test_published_standard_errors_are_refitted_at_the_published_c(alpaca: PublishedAlpaca) -> None:
    stated = {model: alpaca.board[model]["lc_standard_error"] for model in alpaca.models}
    published = {model: float(value) for model, value in stated.items() if value}
    for model, standard_error in published.items():
        refitted = at_published_c(alpaca, model).standard_error
        assert refitted is not None
        assert 100 * refitted == pytest.approx(standard_error, abs=1e-4), model


def test_published_win_rates_are_refitted_at_the_c_that_is_chosen(alpaca: PublishedAlpaca) -> None:
    published = [float(alpaca.board[m]["length_controlled_winrate"]) for m in alpaca.models]
    fits = [fit_length_control(*alpaca.judgments(m), alpaca.calibration) for m in alpaca.models]
    gaps = np.abs(100 * np.array([fit.win_rate for fit in fits]) - published)
    assert gaps.max() < 0.15
    assert gaps.mean() < 0.03


def hidden(problem: Problem, n: int) -> Problem:
    """The same without the answers of the first rows, which nobody could judge."""
    nothing = np.arange(len(problem.preference_N)) < n
    return problem._replace(
        preference_N=np.where(nothing, np.nan, problem.preference_N),
        delta_length_N=np.where(nothing, np.nan, problem.delta_length_N),
    )


@pytest.mark.parametrize("seed", range(12))
def test_the_bounds_hold_what_hidden_answers_would_have_made(seed: int) -> None:
    """Hidden answers of extreme lengths, which their judge wants to lose or to win."""
    whole, n = made_up(40, seed=seed), 6
    longest, shortest = whole.delta_length_N[n:].min(), whole.delta_length_N[n:].max()
    whole.delta_length_N[:n] = longest if seed % 2 else shortest
    whole.preference_N[:n] = seed % 3 % 2
    low, high = length_control_bounds(*hidden(whole, n), c=100.0)
    assert low <= fit_length_control(*whole, c=100.0).win_rate <= high


def test_bounds_of_missing_answers_are_wider_than_those_of_unread_verdicts() -> None:
    problem = hidden(made_up(40), 6)
    unread = problem._replace(delta_length_N=np.nan_to_num(problem.delta_length_N))
    missing_low, missing_high = length_control_bounds(*problem, c=100.0)
    unread_low, unread_high = length_control_bounds(*unread, c=100.0)
    assert missing_low < unread_low - 0.01
    assert missing_high >= unread_high


def test_bounds_of_unread_verdicts_are_those_of_losing_and_of_winning_all() -> None:
    problem = made_up(40)
    problem.preference_N[:6] = np.nan
    ends = [
        fit_length_control(np.nan_to_num(problem.preference_N, nan=end), *problem[1:]).win_rate
        for end in (0.0, 1.0)
    ]
    assert length_control_bounds(*problem) == pytest.approx(ends)


def test_what_is_all_read_bounds_itself() -> None:
    problem = made_up(40)
    whole = fit_length_control(*problem).win_rate
    assert length_control_bounds(*problem) == (whole, whole)
