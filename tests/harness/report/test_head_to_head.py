import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.pairing import head_to_head, in_both_orders, meetings
from harness.pipeline import Result, withhold
from harness.report.head_to_head import (
    FORMAT,
    Match,
    draw,
    head_to_head_data,
    matrix_table,
    pairs_table,
)
from harness.types import Comparison, Item, Verdict
from tests.harness.test_pairing import ASSETS, answers
from tests.records import card, generation, result, verdict

Said = tuple[float | None, float | None]


def met(*said: Said, ours: str = "abcd", theirs: str = "wxyz", **fields: object) -> Result:
    """The result of a match whose judge said so of (first, second) and of (second, first)."""
    pairs = in_both_orders(answers(*theirs[: len(said)]))(answers(*ours[: len(said)]), ASSETS)
    values = [value for orders in said for value in orders]
    verdicts = [_verdict(pair, value) for pair, value in zip(pairs, values, strict=True)]
    scores = [withhold(card(), score) for score in head_to_head(verdicts, ASSETS)]
    items = [Item(one.id, one.value, one.cause) for one in meetings(verdicts)]
    return result(*scores, verdicts=verdicts, items=items, **fields)


def _verdict(comparison: Comparison, value: float | None) -> Verdict:
    return verdict(value, "no letter" if value is None else None, comparison=comparison)


WON = met((0.8, 0.2), (0.8, 0.2))
LOST = met((0.25, 0.75), (0.25, 0.75))
HALF_READ = met((0.8, 0.2), (None, 0.2))


def test_a_cell_and_its_mirror_image_add_up_to_a_hundred() -> None:
    table = matrix_table([Match("a", "b", WON)])
    assert table.columns == ["checkpoint", "a", "b"]
    assert table.rows == [["a", "", "80.00"], ["b", "20.00", ""]]


def test_rows_and_columns_stand_in_the_order_of_the_checkpoints() -> None:
    matches = [Match("a", "b", WON), Match("a", "c", LOST), Match("b", "c", WON)]
    assert matrix_table(matches).rows == [
        ["a", "", "80.00", "25.00"],
        ["b", "20.00", "", "80.00"],
        ["c", "75.00", "20.00", ""],
    ]


def test_a_withheld_pair_is_withheld_on_both_sides() -> None:
    assert matrix_table([Match("a", "b", HALF_READ)]).rows == [
        ["a", "", "withheld"],
        ["b", "withheld", ""],
    ]


def test_the_matrix_says_who_is_preferred_and_who_judges() -> None:
    assert matrix_table([Match("a", "b", WON)]).title == (
        "Tiny head-to-head, openai:gpt-4 judging: win rate of the row over the column"
    )


def test_a_pair_is_shown_with_its_interval_its_outcomes_and_its_counts() -> None:
    # Prompts 0.9 and 0.5, of which the second flips: mean 0.7, error 0.2: two tell nothing.
    table = pairs_table([Match("a", "b", met((0.9, 0.1), (0.9, 0.9)))])
    columns = ["pair", "win rate", "win", "tie", "lose", "flips", "n", "unread"]
    assert table.columns == columns
    (row,) = table.rows
    assert row == ["a vs b", "70.00 [0.00, 100.00]", *["50.00"] * 2, "0.00", "50.00", "2", "0"]


def test_the_unread_are_counted_with_their_causes() -> None:
    table = pairs_table([Match("a", "b", HALF_READ)])
    assert table.rows[0] == ["a vs b", "withheld [40.00, 90.00]", *["withheld"] * 4, "1", "1"]
    assert any(
        "a vs b: 1 unread, the score is withheld at 50.0% coverage" in note
        and "(1 no letter)" in note
        for note in table.notes
    )


def test_equal_answers_are_told() -> None:
    notes = pairs_table([Match("a", "b", met((0.5, 0.5), (1.0, 0.0), ours="wb"))]).notes
    assert "a vs b: 1 equal answers, ties unasked" in notes
    assert not any("equal" in note for note in pairs_table([Match("a", "b", WON)]).notes)


def test_two_missing_answers_are_not_equal_answers() -> None:
    lost = generation(failure="too long")
    verdicts = [verdict(None, "lost", comparison=Comparison(lost, lost))] * 2
    scores = head_to_head(verdicts, ASSETS)
    data = head_to_head_data([Match("a", "b", result(*scores, verdicts=verdicts))], items=False)
    assert data["pairs"][0]["equal"] == 0


def test_answers_that_are_equal_in_the_last_turn_only_are_not_equal_answers() -> None:
    pair = Comparison(generation("one", "same"), generation("other", "same"))
    verdicts = [verdict(0.5, comparison=pair)] * 2
    made = result(*head_to_head(verdicts, ASSETS), verdicts=verdicts)
    assert head_to_head_data([Match("a", "b", made)], items=False)["pairs"][0]["equal"] == 0


def test_several_pairs_come_with_a_warning() -> None:
    one, two = Match("a", "b", WON), Match("a", "c", LOST)
    assert "each interval is for its pair alone; 2 pairs" in pairs_table([one, two]).notes[-1]
    assert "alone" not in pairs_table([one]).notes[-1]


def test_data_are_fractions_of_the_first_checkpoint() -> None:
    data = head_to_head_data([Match("a", "b", WON)], items=False)
    assert (data["format"], data["benchmark"], data["judge"]) == (FORMAT, "tiny@1", "openai:gpt-4")
    (pair,) = data["pairs"]
    assert (pair["first"], pair["second"], pair["equal"]) == ("a", "b", 0)
    assert pair["identity"] == {"prompts": "100", "model weights": "f00"}
    values = {score["metric"]: score["value"] for score in pair["scores"]}
    assert values == {"win_rate": 0.8, "win": 1.0, "tie": 0.0, "lose": 0.0, "flips": 0.0}
    assert "items" not in pair


def test_items_hold_both_orders_their_mean_and_the_cause() -> None:
    data = head_to_head_data([Match("a", "b", HALF_READ)], items=True)
    read, unread = data["pairs"][0]["items"]
    assert read == {
        "id": "q0",
        "as_candidate": 0.8,
        "as_baseline": 0.8,
        "cause": None,
        "value": 0.8,
    }
    assert unread == {
        "id": "q1",
        "as_candidate": None,
        "as_baseline": 0.8,
        "cause": "no letter",
        "value": None,
    }


def test_a_withheld_value_is_null() -> None:
    data = head_to_head_data([Match("a", "b", HALF_READ)], items=False)
    assert {score["value"] for score in data["pairs"][0]["scores"]} == {None}
    assert data["pairs"][0]["scores"][0]["bounds"] == pytest.approx((0.4, 0.9))


def test_data_are_json() -> None:
    assert json.loads(json.dumps(head_to_head_data([Match("a", "b", HALF_READ)], items=True)))


def test_the_format_has_a_version() -> None:
    assert FORMAT == "iterbench.head_to_head/1"


def test_pairs_and_matrix_are_drawn_with_what_the_tables_say(tmp_path: Path) -> None:
    draw(tmp_path, [Match("a", "b", met((0.79, 0.21), (0.81, 0.19)))])
    assert ">100.0</text>" in (tmp_path / "pairs.svg").read_text()
    matrix = (tmp_path / "matrix.svg").read_text()
    assert ">80.0</text>" in matrix
    # An error of 0.01 over two prompts, times Student's quantile 12.7062.
    assert ">7.3 – 32.7</text>" in matrix


def test_long_names_are_cut_in_figures_and_stay_apart(tmp_path: Path) -> None:
    long = "http://localhost:8000/v1#a-judge-with-a-very-long-name-indeed"
    draw(tmp_path, [Match(f"{long}1", f"{long}2", replace(WON, judge=long))])
    for name in ("pairs.svg", "matrix.svg"):
        drawn = (tmp_path / name).read_text()
        assert long not in drawn
        assert "name-indeed1" in drawn
        assert "name-indeed2" in drawn


def test_a_pair_that_was_never_read_is_left_blank(tmp_path: Path) -> None:
    draw(tmp_path, [Match("a", "b", met((None, None)))])
    assert not (tmp_path / "pairs.svg").exists()
    assert (tmp_path / "matrix.svg").exists()
