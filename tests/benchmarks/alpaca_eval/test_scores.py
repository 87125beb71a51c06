import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.alpaca_eval import BASELINE_2, BENCHMARK, VERSION_1
from benchmarks.alpaca_eval.scores import (
    RECONSTRUCTED_CALIBRATION,
    Judged,
    average_length,
    calibration_name,
    discrete_win_rate,
    judged,
    lc_win_rate,
    read_calibration,
    redraw_lc,
    win_rate,
)
from harness.assets import Asset, Library
from harness.types import Assets, Comparison, Score
from tests.records import comparison, generation, prompt, verdict

NAN = math.nan


def table(*preferences: float, candidate: float = 10, baseline: float = 20) -> Judged:
    n = len(preferences)
    lengths = np.full(n, float(candidate)), np.full(n, float(baseline))
    return Judged(np.array(preferences), *lengths, np.arange(n), np.arange(n))


def recorded(official: Assets, model: str) -> list[dict[str, Any]]:
    lines = official.read(f"alpaca_eval/annotations/{model}.jsonl").splitlines()
    return [json.loads(line) for line in lines]


def test_the_win_rate_is_the_mean_with_its_standard_error() -> None:
    score = win_rate(table(0.0, 0.5, 1.0, 0.9))
    assert score.value == pytest.approx(0.6)
    # variance (.36 + .01 + .16 + .09) / 3, over 4 rows
    assert score.standard_error == pytest.approx(math.sqrt(0.62 / 3 / 4))
    assert (score.n, score.n_unread, score.coverage) == (4, 0, 1.0)


def test_unread_verdicts_are_counted_and_bound_the_win_rate() -> None:
    score = win_rate(table(1.0, NAN, 0.0, 1.0))
    assert score.value == pytest.approx(2 / 3)
    assert (score.n, score.n_unread, score.coverage) == (3, 1, 0.75)
    assert score.bounds == (0.5, 0.75)


@pytest.mark.parametrize("make", [win_rate, discrete_win_rate])
def test_nothing_read_gives_no_number(make: Any) -> None:
    score = make(table(NAN, NAN))
    assert (score.value, score.bounds, score.coverage) == (None, (0.0, 1.0), 0.0)


def test_one_verdict_has_a_value_and_no_error() -> None:
    score = win_rate(table(0.25))
    assert (score.value, score.standard_error, score.interval) == (0.25, None, None)


def test_the_interval_stays_among_fractions() -> None:
    assert win_rate(table(1.0, 1.0, 1.0, 0.9)).interval == pytest.approx((0.926, 1.0), abs=1e-3)


def test_the_discrete_win_rate_counts_sides_and_halves_draws() -> None:
    assert discrete_win_rate(table(0.51, 0.5, 0.2, NAN)).value == 0.5


def test_the_length_is_the_mean_of_the_candidates_characters() -> None:
    assert average_length(table(0.1, 0.9, candidate=7)).value == 7


def test_an_answer_that_never_came_has_no_length() -> None:
    asked = prompt("Q", id="alpaca_eval/3")
    lost = Comparison(generation(failure="too long", prompt=asked), generation("b", prompt=asked))
    there = comparison("four", "b", asked)
    columns = judged([verdict(None, "no response", comparison=lost), verdict(1, comparison=there)])
    score = average_length(columns)
    assert (score.value, score.n, score.n_unread) == (4, 1, 1)


@given(st.lists(st.floats(0, 1), min_size=2), st.randoms())
def test_the_order_of_prompts_does_not_matter(values: list[float], rng: Any) -> None:
    mixed = rng.sample(values, len(values))
    assert win_rate(table(*mixed)).value == pytest.approx(win_rate(table(*values)).value)


@given(st.lists(st.floats(0, 1), min_size=2))
def test_the_sides_share_one(values: list[float]) -> None:
    ours, theirs = table(*values), table(*(1 - value for value in values))
    for rate in (win_rate, discrete_win_rate):
        assert (rate(ours).value or 0) + (rate(theirs).value or 0) == pytest.approx(1)


def test_verdicts_become_columns_by_the_number_in_the_prompts_id() -> None:
    pair = comparison("four", "eleven", prompt("Q", id="alpaca_eval/17"))
    columns = judged([verdict(0.75, comparison=pair), verdict(None, "odd", comparison=pair)])
    assert str(columns.preference_N.tolist()) == "[0.75, nan]"
    assert columns.candidate_length_N.tolist() == [4, 4]
    assert columns.baseline_length_N.tolist() == [6, 6]
    assert columns.place_N.tolist() == columns.difficulty_row_N.tolist() == [17, 17]


def test_the_order_of_verdicts_does_not_matter() -> None:
    asked = [prompt("Q", id=f"alpaca_eval/{place}") for place in (12, 3)]
    verdicts = [verdict(p.id == "alpaca_eval/3", comparison=comparison(asked=p)) for p in asked]
    columns = judged(verdicts)
    assert (columns.place_N.tolist(), columns.preference_N.tolist()) == ([3, 12], [1, 0])


@pytest.mark.parametrize(
    ("model", "published"), [("alpaca-7b", 5.8755), ("claude-2", 28.1553), ("phi-2-sft", 5.8535)]
)
def test_the_lc_win_rate_is_the_published_one(
    official: Assets, model: str, published: float
) -> None:
    lc, raw, *_ = BENCHMARK.files.rescore(recorded(official, model), official).scores
    assert lc.value is not None
    assert lc.interval is not None
    assert 100 * lc.value == pytest.approx(published, abs=0.15)
    assert lc.interval[0] < lc.value < lc.interval[1]
    assert lc.standard_error is not None
    assert lc.interval[1] - lc.interval[0] == pytest.approx(2 * 1.96 * lc.standard_error, rel=0.05)
    assert raw.metric == "win_rate"


def test_version_1_is_led_by_the_published_win_rate(official: Assets) -> None:
    lines = official.read("alpaca_eval/annotations_v1/claude-2.jsonl").splitlines()
    rows = [json.loads(line) for line in reversed(lines)]
    model, judge, scores, items = VERSION_1.files.rescore(rows, official)
    assert (model, judge, items[0].id) == ("claude-2", "openai:gpt-4", "alpaca_eval/0")
    assert [score.metric for score in scores] == list(VERSION_1.card.metrics)
    assert scores[0].value == pytest.approx(0.913557, abs=1e-6)


def test_the_baseline_against_itself_is_one_half(official: Assets) -> None:
    scores = BENCHMARK.files.rescore(recorded(official, BASELINE_2), official).scores
    assert [score.value for score in scores[:3]] == [0.5, 0.5, 0.5]


def test_unread_verdicts_bound_the_lc_win_rate(official: Assets) -> None:
    rows = recorded(official, "claude-2")
    for row in rows[:20]:
        row["preference"] = None
    model, judge, (lc, *_), items = BENCHMARK.files.rescore(rows, official)
    assert (lc.n, lc.n_unread) == (785, 20)
    assert (model, judge) == ("claude-2", BENCHMARK.card.judge)
    assert items[0] == ("alpaca_eval/0", None, "null in the file")
    assert items[20].value == pytest.approx(rows[20]["preference"] - 1)
    assert lc.bounds is not None
    assert lc.value is not None
    assert lc.bounds[0] < lc.value < lc.bounds[1]


def test_the_bounds_of_an_lc_win_rate_are_chosen_anew_and_include_it(official: Assets) -> None:
    rows = recorded(official, "gpt4_gamed")
    worst = sorted(rows, key=lambda row: row["preference"])[:8]

    def lc(preference: float | None) -> Score:
        changed = [{**row, "preference": preference} if row in worst else row for row in rows]
        return BENCHMARK.files.rescore(changed, official).scores[0]

    against, unread, won = lc(1.0), lc(None), lc(2.0)
    assert (unread.value or 0) < (against.value or 0)
    assert unread.bounds == (unread.value, won.value)


def test_an_lc_win_rate_from_nothing_is_no_number(official: Assets) -> None:
    score = lc_win_rate(table(NAN, NAN), read_calibration(official))
    assert (score.value, score.n_unread) == (None, 2)


def test_the_reconstructed_calibration_is_named(official: Assets, tmp_path: Path) -> None:
    mirror = Library({}, [], Path("nowhere"))
    names = {RECONSTRUCTED_CALIBRATION, "alpaca_eval/df_gamed.csv"}
    empty = replace(mirror, catalogue={n: Asset(n, "", "", "", "") for n in names})
    (tmp_path / "alpaca_eval").mkdir()
    (tmp_path / RECONSTRUCTED_CALIBRATION).touch()
    assert calibration_name(empty) == "alpaca_eval/df_gamed.csv"
    assert calibration_name(replace(empty, mirrors=[tmp_path])) == RECONSTRUCTED_CALIBRATION
    assert BENCHMARK.identify(official)["calibration"].startswith("alpaca_eval/df_gamed")


def test_refits_spread_as_widely_as_the_interval_of_the_score(official: Assets) -> None:
    rows = recorded(official, "claude-2")
    assert BENCHMARK.files.redraw is not None
    found = BENCHMARK.files.redraw(rows, official)
    score = BENCHMARK.files.rescore(rows, official).scores[0]
    assert found is not None
    assert (found.metric, found.value) == ("lc_win_rate", score.value)
    assert tuple(np.percentile(found.draws_b, [2.5, 97.5])) == pytest.approx(score.interval)
    assert found.prompts[:2] == ("alpaca_eval/0", "alpaca_eval/1")


def test_a_model_differs_from_itself_in_no_refit(official: Assets) -> None:
    calibration = read_calibration(official)
    values = [0.1, 0.7, 0.4, 0.2, 0.9, 0.3] * 5
    one, other = (redraw_lc(table(*values), calibration) for _ in range(2))
    assert one == other


def test_the_baseline_is_refitted_to_one_half(official: Assets) -> None:
    found = redraw_lc(table(0.5, 0.5, candidate=20), read_calibration(official))
    assert found is not None
    assert set(found.draws_b) == {found.value} == {0.5}


def test_nothing_read_is_not_refitted(official: Assets) -> None:
    assert redraw_lc(table(NAN, NAN), read_calibration(official)) is None
