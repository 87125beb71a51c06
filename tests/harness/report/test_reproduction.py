"""Rulings on published numbers: the same, another one, or no match."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.published import Measure, Paper, Printed, PublishedTable
from harness.report.reproduction import (
    Compared,
    Measured,
    Other,
    PaperTable,
    Ruling,
    compare,
    counts_table,
    gain,
    hindrances,
    reproduction_data,
    reproduction_table,
)

EXPECTED = {"benchmark": "b@1", "judge": "gpt", "prompts": "100", "calibration": "official"}


def printed(text: str = "28.53", row: str = "iter3", **fields: Any) -> Printed:
    measure = Measure(unit="percent", benchmark="b@1", metric="win_rate", **fields)
    return Printed(row, "win rate", text, measure, "")


def measured(
    value: float | None = 28.53,
    interval: tuple[float, float] | None = None,
    basis: str = "run",
    **identity: str,
) -> Measured:
    return Measured(value, interval, basis, "runs/a: iter3", {**EXPECTED, **identity})


def ruled(one: Printed, other: Measured | None) -> Compared:
    return compare(one, other, EXPECTED, 0.95)


def table(*numbers: Printed) -> PublishedTable:
    paper = Paper(title="A paper", arxiv="0000.00000")
    return PublishedTable("p:t", paper, "A table", "arXiv", ["28.5 in text"], ["win rate"], numbers)


def test_without_a_number_nothing_is_measured() -> None:
    assert ruled(printed(), None).ruling is Ruling.NOT_MEASURED


@pytest.mark.parametrize(
    ("value", "interval", "ruling"),
    [
        (28.534, None, Ruling.MATCH),  # rounds to 28.53
        (28.536, None, Ruling.DIFFERS),  # rounds to 28.54
        (28.535, None, Ruling.MATCH),  # halfway: rounded down or up by whoever printed it
        (27.0, (25.5, 28.5), Ruling.DIFFERS),  # 28.53 - 0.005 > 28.5
        (27.0, (25.5, 28.53), Ruling.MATCH),
        (30.0, (28.534, 31.0), Ruling.MATCH),
        (30.0, (28.54, 31.0), Ruling.DIFFERS),
    ],
)
def test_a_number_matches_within_interval_and_rounding(
    value: float, interval: tuple[float, float] | None, ruling: Ruling
) -> None:
    assert ruled(printed(), measured(value, interval)).ruling is ruling


def test_a_tolerance_is_for_numbers_that_are_computed_again() -> None:
    one = printed("28.53", tolerance=0.15)
    assert ruled(one, measured(28.65, basis="judgments")).ruling is Ruling.MATCH
    assert ruled(one, measured(28.65, basis="leaderboard")).ruling is Ruling.DIFFERS


@pytest.mark.parametrize(
    ("key", "came"),
    [("judge", "other"), ("benchmark", "b@2"), ("prompts", "50")],
)
def test_another_judge_version_or_part_of_the_prompts_is_not_comparable(
    key: str, came: str
) -> None:
    other = measured()._replace(identity={**EXPECTED, key: came})
    found = ruled(printed(), other)
    assert found.ruling is Ruling.NOT_COMPARABLE
    assert found.reasons == [f"{key}: {came} instead of {EXPECTED[key]}"]


def test_a_few_prompts_fewer_are_all_of_them() -> None:
    assert ruled(printed(), measured(prompts="99")).ruling is Ruling.MATCH


def test_an_ingredient_that_explains_a_difference_is_named() -> None:
    found = ruled(printed(), measured(20.0, calibration="rebuilt"))
    assert found.ruling is Ruling.DIFFERS
    assert found.reasons == ["calibration: rebuilt instead of official"]


def test_an_ingredient_that_makes_no_difference_is_named_too() -> None:
    found = ruled(printed(), measured(calibration="rebuilt"))
    assert (found.ruling, len(found.reasons)) == (Ruling.MATCH, 1)


def test_a_difference_that_nothing_explains_is_said_to_be_one() -> None:
    (reason,) = ruled(printed(), measured(20.0)).reasons
    assert reason.startswith("no recorded ingredient differs")


def test_a_withheld_score_is_not_comparable() -> None:
    found = ruled(printed(), measured(None))
    assert found.ruling is Ruling.NOT_COMPARABLE
    assert found.reasons == ["its score is withheld"]


def test_a_leaderboard_names_no_ingredients() -> None:
    listed = Measured(28.53, None, "leaderboard", "board")
    assert ruled(printed(), listed).ruling is Ruling.MATCH


@given(st.floats(0, 100), st.integers(0, 4))
def test_a_number_matches_itself_as_printed(value: float, decimals: int) -> None:
    one = printed(f"{value:.{decimals}f}")
    assert ruled(one, measured(value, basis="judgments")).ruling is Ruling.MATCH


def test_the_interval_of_a_gain_is_wider_than_either() -> None:
    one = gain(measured(30.0, (27.0, 33.0)), measured(20.0, (16.0, 24.0)))
    assert (one.value, one.interval) == (10.0, (5.0, 15.0))  # sqrt(3^2 + 4^2) = 5


def test_a_gain_over_a_withheld_score_is_withheld() -> None:
    assert gain(measured(), measured(None)).value is None


def test_a_table_shows_print_measure_and_ruling() -> None:
    numbers = [printed(), printed("14.72", "base")]
    compared = [ruled(numbers[0], measured(28.0, (26.0, 30.0))), ruled(numbers[1], None)]
    shown = reproduction_table(PaperTable(table(*numbers), compared))
    assert shown.columns == ["row", "win rate, printed", "measured"]
    assert shown.rows == [
        ["iter3", "28.53", "28.00 [26.00, 30.00] MATCH"],
        ["base", "14.72", "NOT MEASURED"],
    ]
    assert shown.notes == ["measured by run: iter3", "28.5 in text"]


def test_a_reason_comes_once_with_the_numbers_that_it_is_of() -> None:
    numbers = [printed(), printed("14.72", "base")]
    compared = [ruled(one, measured(judge="other")) for one in numbers]
    notes = reproduction_table(PaperTable(table(*numbers), compared)).notes
    told = "NOT COMPARABLE, judge: other instead of gpt: iter3 (win rate), base (win rate)"
    assert notes[1] == told


def test_other_checkpoints_stand_below_with_why_they_are_not_comparable() -> None:
    others = [
        Other("mine", "win rate", measured(30.0, (28.0, 32.0)), []),
        Other("yours", "win rate", measured(None), ["judge: other instead of gpt"]),
    ]
    shown = reproduction_table(PaperTable(table(printed()), [ruled(printed(), None)], others))
    assert shown.rows[1:] == [
        ["mine", "", "30.00 [28.00, 32.00]"],
        ["yours", "", "withheld NOT COMPARABLE"],
    ]
    assert shown.notes[0] == (
        "NOT COMPARABLE with what is printed, judge: other instead of gpt: yours"
    )


def test_only_decisive_ingredients_hinder_a_comparison() -> None:
    other = measured(judge="other", calibration="rebuilt", prompts="99")
    assert hindrances(other, EXPECTED, 0.95) == ["judge: other instead of gpt"]
    assert hindrances(other, EXPECTED, 1.0)[1:] == ["prompts: 99 instead of 100"]


def test_a_list_of_tables_counts_rulings() -> None:
    numbers = [printed(), printed("14.72", "base"), printed("1", "other")]
    compared = [
        ruled(numbers[0], measured()),
        ruled(numbers[1], measured()),
        Compared(numbers[2], Ruling.NOT_MEASURED),
    ]
    (row,) = counts_table([PaperTable(table(*numbers), compared)]).rows
    assert row == ["p:t", "A table", "3", "1", "1", "0", "1"]


def test_data_hold_every_number_with_its_identity() -> None:
    data = reproduction_data(PaperTable(table(printed()), [ruled(printed(), measured())]))
    (number,) = data["numbers"]
    assert (number["printed"], number["ruling"]) == ("28.53", "MATCH")
    assert number["measured"]["identity"]["judge"] == "gpt"
