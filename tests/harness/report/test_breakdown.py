"""Results by class, and how many prompts are of each."""

import pytest

from harness.classes import Classes
from harness.pipeline import Result
from harness.report.breakdown import breakdown_data, breakdown_table, by_class, distribution_table
from harness.types import Item, Score
from tests.records import result

COOKING, MATHS = "Cooking / Recipes", "Mathematics / Logical Reasoning"
CLASSES = {
    "p/0": Classes(COOKING, "1", "1 sentence"),
    "p/1": Classes(COOKING, "2", "1 sentence"),
    "p/2": Classes(MATHS, "2", None),
}


def scored(*values: float | None, turns: str = "") -> Result:
    items = [
        Item(f"p/{n}{turns}", value, None if value is not None else "no letter")
        for n, value in enumerate(values)
    ]
    return result(Score("win_rate", 0.5, len(values)), items=items)


def cells(one: Result) -> dict[tuple[str, str], Score]:
    return {(kind, name): score for kind, name, (score,) in by_class([("a", one)], CLASSES)}


def test_a_class_has_the_mean_of_its_items_with_its_interval() -> None:
    """0.5 and 0.54: mean 0.52, standard error 0.02, Student's quantile of one degree 12.7062."""
    score = cells(scored(0.5, 0.54, 0.1))["category", COOKING]
    assert score.value == pytest.approx(0.52)
    assert score.standard_error == pytest.approx(0.02)
    assert score.interval == pytest.approx((0.52 - 12.7062047 * 0.02, 0.52 + 12.7062047 * 0.02))


def test_an_interval_of_shares_stays_between_0_and_1() -> None:
    assert cells(scored(0.1, 0.9, 0.5))["category", COOKING].interval == (0.0, 1.0)


def test_turns_of_a_prompt_count_together() -> None:
    """Two prompts of two like turns: the error of two values and not of four."""
    items = [Item(f"p/{n}/turn-{t}", v, None) for n, v in ((0, 0.5), (1, 0.54)) for t in (1, 2)]
    score = cells(result(Score("win_rate", 0.52, 4), items=items))["category", COOKING]
    assert score.standard_error == pytest.approx(0.02)


def test_classes_stand_in_published_order_and_only_those_with_prompts() -> None:
    assert [*cells(scored(0.5, 0.9, 0.1))] == [
        ("category", MATHS),
        ("category", COOKING),
        ("complexity", "1"),
        ("complexity", "2"),
        ("expected_length", "1 sentence"),
        ("expected_length", "(unread)"),
    ]


def test_an_unread_item_is_counted_and_left_out() -> None:
    score = cells(scored(0.5, None, 0.1))["category", COOKING]
    assert (score.value, score.n, score.n_unread) == (0.5, 1, 1)


def test_a_class_without_a_read_item_is_withheld() -> None:
    assert cells(scored(None, None, 0.1))["category", COOKING].value is None


def test_items_of_turns_are_of_their_prompts_class() -> None:
    assert cells(scored(0.5, 0.9, turns="/turn-2"))["complexity", "1"].value == 0.5


def test_items_that_the_file_does_not_name_are_a_class_of_their_own() -> None:
    assert cells(scored(0.5, 0.9, 0.1, 0.3))["category", "(unread)"].value == 0.3


def test_the_table_has_a_column_for_each_checkpoint() -> None:
    table = breakdown_table([("a", scored(0.5, 0.54)), ("b", scored(0.1, 0.1))], CLASSES)
    assert table.columns == ["by", "class", "n", "a", "b"]
    assert table.rows[0] == [
        "category",
        COOKING,
        "2",
        "52.00 [26.59, 77.41]",
        "10.00",
    ]


def test_the_data_are_fractions() -> None:
    (row, *_) = breakdown_data([("a", scored(0.5))], CLASSES)
    assert (row["by"], row["class"], row["checkpoint"], row["value"]) == (
        "category",
        COOKING,
        "a",
        0.5,
    )


def test_the_distribution_stands_beside_the_published_one() -> None:
    rows = distribution_table("t", [*CLASSES.values()]).rows
    assert ["category", COOKING, "2", "66.67", "48", "5.96"] in rows
    assert ["expected length", "(unread)", "1", "33.33", "", ""] in rows
    assert len(rows) == 20 + 10 + 5 + 1
