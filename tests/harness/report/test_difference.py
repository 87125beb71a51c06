"""Two runs side by side."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.difference import (
    Pair,
    Side,
    difference,
    difference_data,
    identity_table,
    in_common,
    items_table,
    moved,
    scores_table,
    unlike,
)
from harness.types import Item, Score
from tests.records import score

NOTHING: tuple[dict[str, str], dict[str, str]] = ({}, {})
Values = dict[str, float | None]


def side(values: Values | None = None, *scores: Score, **identity: str) -> Side:
    items = [Item(name, value, None) for name, value in (values or {}).items()]
    return Side("iter1", identity, scores or (score(),), items)


def pair(ours: Side, theirs: Side) -> Pair:
    return Pair("b@1", ours, theirs)


def test_entries_that_one_side_lacks_differ_too() -> None:
    assert list(unlike({"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"})) == [
        ("b", "2", "3"),
        ("c", "–", "4"),
    ]


def test_the_same_is_no_difference() -> None:
    table = identity_table([pair(side(judge="j"), side(judge="j"))], ({"a": "1"}, {"a": "1"}))
    assert (table.rows, table.notes) == ([], ["nothing that decides the scores differs"])


def test_what_differs_in_several_pairs_is_one_line() -> None:
    one = pair(side(judge="j"), side(judge="k"))
    (row,) = identity_table([one, one._replace(benchmark="c@1")], NOTHING).rows
    assert row == ["judge", "j", "k", "iter1, b@1; iter1, c@1"]


def test_versions_differ_where_both_are_told() -> None:
    both = identity_table([pair(side(), side())], ({"torch": "2.6"}, {"torch": "2.7"}))
    assert both.rows == [["version of torch", "2.6", "2.7", "the runs"]]
    one = identity_table([pair(side(), side())], ({"torch": "2.6"}, {}))
    assert one.rows == []
    assert "a run does not say which versions it was made with" in one.notes


def test_items_that_moved_come_farthest_first_and_unread_before_all() -> None:
    ours: Values = {"a": 0.0, "b": 0.5, "c": 1.0, "d": 1.0, "only": 1.0}
    theirs: Values = {"a": 0.25, "b": 0.5, "c": None, "d": 0.0, "other": 1.0}
    found = moved(pair(side(ours), side(theirs)))
    assert [one.id for one in found] == ["c", "d", "a"]


def test_the_mean_change_is_over_items_read_in_both() -> None:
    ours: Values = {"a": 0.0, "b": 0.5, "c": 1.0, "only": 0.0}
    theirs: Values = {"b": 1.0, "a": 0.25, "c": None, "other": 1.0}
    found = difference(pair(side(ours), side(theirs)))
    assert found is not None
    assert found.value == pytest.approx((0.25 + 0.5) / 2)
    assert found.n == 2


def test_turns_of_a_prompt_are_one_cluster() -> None:
    ours: Values = {"q/turn-1": 1.0, "q/turn-2": 3.0}
    theirs: Values = {"q/turn-1": 2.0, "q/turn-2": 4.0}
    found = difference(pair(side(ours), side(theirs)))
    assert found is not None
    assert (found.value, found.interval, found.n) == (1.0, None, 2)


def test_nothing_in_common_is_no_number() -> None:
    empty = pair(side({"a": 1.0}), side({"b": 1.0}))
    assert difference(empty) is None
    assert in_common(empty) == 0
    assert items_table([empty]).rows == [["b@1", "iter1", "0", "–", "–", "–"]]


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.floats(0, 1), min_size=1))
def test_a_run_does_not_differ_from_itself(values: dict[str, float]) -> None:
    same = pair(side(dict(values)), side(dict(values)))
    found = difference(same)
    assert found is not None
    assert (found.value, found.p_value, moved(same)) == (0.0, 1.0, [])


@pytest.mark.parametrize(
    ("one", "other", "shown"),
    [
        (score(0.25), score(0.5), "+25.00"),
        (score(7.5, unit="rating"), score(7.25, unit="rating"), "-0.25"),
        (score(None), score(0.5), "–"),
    ],
)
def test_scores_stand_side_by_side_in_their_unit(one: Score, other: Score, shown: str) -> None:
    (row,) = scores_table([pair(side({}, one), side({}, other))]).rows
    assert row[-1] == shown


def test_a_metric_of_one_run_only_is_left_out() -> None:
    table = scores_table([pair(side({}, score(metric="a")), side({}, score(metric="b")))])
    assert table.rows == []


def test_data_hold_every_item_that_changed() -> None:
    ours: Values = {f"q{n}": 0.0 for n in range(30)}
    theirs: Values = dict.fromkeys(ours, 1.0)
    data: dict[str, Any] = difference_data([pair(side(ours), side(theirs))], NOTHING)
    (one,) = data["pairs"]
    assert len(one["changed"]) == 30
    assert one["difference"]["value"] == 1.0
    assert len(items_table([pair(side(ours), side(theirs))]).notes) == 1 + 10
