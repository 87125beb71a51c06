"""What is told of checkpoints whose judging stopped when it was decided."""

import numpy as np
import pytest

from harness.report.telling.stopped import (
    UNTIL,
    by_prompt,
    gains,
    in_order,
    stopped_difference,
)
from harness.stats.paired import Difference
from harness.stats.sequential import always_valid_p, confidence_sequence
from harness.types import Item, Redrawn
from tests.harness.report.telling.series import cell, told

STOPPED = {UNTIL: "so"}
CHILD = {"iteration": "1", "parent": "base"}


def test_a_gain_of_nothing_is_one_half() -> None:
    """Losing 1 is 0, winning 0.5 is 0.75; a prompt of one alone is left out."""
    found = gains({"a": 0.0, "b": 1.0, "c": 0.3}, {"b": 0.5, "a": 1.0})
    assert sorted(found) == [0.0, 0.75]


def test_the_order_depends_on_the_ids_alone() -> None:
    ids = [f"p/{n}" for n in range(50)]
    assert in_order(ids) == in_order(ids[::-1]) != ids
    few = ids[10:30]
    assert [id_ for id_ in in_order(ids) if id_ in few] == in_order(few)


def test_turns_are_their_prompts_mean_and_unread_ones_take_it_out() -> None:
    assert by_prompt([("a", 1.0), ("a", 0.0), ("b", None), ("b", 1.0)]) == {"a": 0.5}


def test_the_interval_is_wider_and_holds_the_difference() -> None:
    low, high = [0.1] * 60, [0.8] * 60
    (plain,) = told(cell("base", low), cell("i1", high, place=CHILD)).changes
    (change,) = told(
        cell("base", low, identity=STOPPED), cell("i1", high, identity=STOPPED, place=CHILD)
    ).changes
    assert change.difference.value == pytest.approx(plain.difference.value)
    assert change.difference.interval is not None
    assert change.difference.interval[0] < 0.7 < change.difference.interval[1]
    assert plain.difference.interval == pytest.approx((0.7, 0.7))
    assert "hold whenever it stopped" in change.unlike[0]


def test_value_interval_and_number_are_of_the_same_prompts() -> None:
    """Of ten prompts of two turns one is not read whole: what it says is in none of the three."""
    ours = [1.0, None] + [0.6] * 18
    items = [Item(f"p/{n // 2}/turn-{n % 2 + 1}", value, None) for n, value in enumerate(ours)]
    base = [Item(item.id, 0.5, None) for item in items]
    (change,) = told(
        cell("base", [0.5] * 20, items=base, identity=STOPPED),
        cell("i1", ours, items=items, identity=STOPPED, place=CHILD),
    ).changes
    assert change.difference.value == pytest.approx(0.1)
    assert change.difference.n == 9
    assert change.difference.standard_error == pytest.approx(0.0)
    low, high = change.difference.interval or (0.0, 0.0)
    assert low <= 0.1 <= high


def test_the_interval_is_of_the_last_look_in_the_order_of_judging() -> None:
    values = {f"p/{n:03}": float(n % 3 > 0) for n in range(60)}
    ids = in_order([*values])
    flat = dict.fromkeys(values, 0.5)
    found = stopped_difference(Difference(0.0, None, None, 1.0, 60), values, flat)
    gains_N = np.array([(1 + values[id_] - 0.5) / 2 for id_ in ids])
    assert found.interval == pytest.approx(2 * confidence_sequence(gains_N)[-1] - 1)
    assert found.p_value == always_valid_p(gains_N)


def test_what_a_test_of_a_fixed_number_would_find_is_not_told() -> None:
    (change,) = told(
        cell("base", [0.1, 0.4] * 30, identity=STOPPED),
        cell("i1", [0.3, 0.8] * 30, identity=STOPPED, place=CHILD),
    ).changes
    assert (change.detectable, change.prompts_needed) == (None, None)


def test_neither_refits_nor_categories_are_tested() -> None:
    redrawn = Redrawn("lc_win_rate", 0.5, ("p",), [0.4, 0.6])
    cells = [
        cell("base", redrawn=redrawn, identity=STOPPED),
        cell("i1", redrawn=redrawn, identity=STOPPED, place=CHILD),
    ]
    story = told(*cells, categories={"p/000": "math", "p/001": "math"})
    assert [change.metric for change in story.changes] == ["win_rate"]
    assert story.parts == []


@pytest.mark.parametrize("spread", [0.05, 0.5])
def test_whoever_stops_when_it_is_decided_hardly_ever_errs(spread: float) -> None:
    """Of 300 null series 15 may err, and 99.9 % of the time below 29 do."""
    random, wrong = np.random.default_rng(0), 0
    for _ in range(300):
        gains_N = 0.5 + spread * random.uniform(-1, 1, 400)
        wrong += always_valid_p(gains_N) <= 0.05  # of the worst moment to look
    assert wrong < 29
