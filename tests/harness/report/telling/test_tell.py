"""A series is told from its cells: what is compared, what is ruled, what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from harness.errors import DataError
from harness.report.forms.latex import to_text as latex
from harness.report.story import Story
from harness.report.telling.changes import refit_difference
from harness.report.told import tax_table
from harness.types import Item, Redrawn, Score
from tests.harness.report.telling.series import cell, told

GOOD, BAD = [1.0] * 20 + [0.0] * 4, [0.0] * 20 + [1.0] * 4
CHILD = {"iteration": "1", "parent": "base"}


def rulings(story: Story) -> list[tuple[str, str, str]]:
    return [(change.step, change.against, change.ruling) for change in story.changes]


def test_a_checkpoint_that_wins_more_prompts_is_better() -> None:
    story = told(cell("base", BAD), cell("i1", GOOD, place=CHILD))
    (change,) = story.changes
    assert (change.metric, change.ruling, change.difference.n) == ("win_rate", "better", 24)
    assert change.difference.value == pytest.approx(16 / 24)
    assert change.detectable is not None
    assert change.prompts_needed is not None


def test_one_that_wins_fewer_is_worse() -> None:
    story = told(cell("base", GOOD), cell("i1", BAD, place=CHILD))
    assert rulings(story) == [("i1", "base", "worse")]


def test_a_grandchild_meets_its_parent_and_the_base() -> None:
    grandchild = cell("i2", GOOD, place={"iteration": "2", "parent": "i1"})
    story = told(cell("base", BAD), cell("i1", BAD, place=CHILD), grandchild)
    assert rulings(story) == [
        ("i1", "base", "undecided"),
        ("i2", "i1", "better"),
        ("i2", "base", "better"),
    ]


def test_p_values_grow_with_the_tests_of_the_whole_series() -> None:
    tracks = [
        one
        for label in ("a@1", "b@1", "c@1")
        for one in (
            cell("base", BAD, benchmark=label),
            cell("i1", GOOD if label == "a@1" else BAD, benchmark=label, place=CHILD),
        )
    ]
    first, *others = told(*tracks).changes
    assert first.adjusted_p == pytest.approx(3 * first.difference.p_value)
    assert [change.adjusted_p for change in others] == [1.0, 1.0]


def test_equal_answers_are_undecided_and_said_to_be_equal() -> None:
    (change,) = told(cell("base", GOOD), cell("i1", GOOD, place=CHILD)).changes
    assert (change.ruling, change.detectable, change.prompts_needed) == ("undecided", None, None)
    assert change.unlike == ["every pair is equal"]


def test_a_spread_of_rounding_alone_promises_nothing() -> None:
    (change,) = told(cell("base", [0.1] * 24), cell("i1", [0.8] * 24, place=CHILD)).changes
    assert (change.ruling, change.detectable, change.prompts_needed) == ("better", None, None)


def test_turns_of_a_prompt_are_one_cluster() -> None:
    """Each prompt twice says as little as once."""

    def doubled(step: str, values: list[float], **fields: object) -> object:
        one = cell(step, values, **fields)
        turns = [Item(f"{i.id}/turn-{t}", i.value, None) for i in one.items for t in (1, 2)]
        return replace(one, items=turns)

    once = told(cell("base", BAD), cell("i1", GOOD, place=CHILD)).changes[0]
    twice = told(doubled("base", BAD), doubled("i1", GOOD, place=CHILD)).changes[0]  # type: ignore[arg-type]
    assert twice.difference.n == 48
    assert twice.difference.interval == pytest.approx(once.difference.interval)
    assert twice.difference.p_value == once.difference.p_value


def test_one_checkpoint_alone_is_said_to_be_alone() -> None:
    story = told(cell("base"))
    assert story.changes == []
    assert story.notes == ["base is the only checkpoint, so there is nothing to compare it with"]


def test_other_prompts_are_left_out_and_counted() -> None:
    (change,) = told(cell("base", GOOD), cell("i1", BAD[:22], place=CHILD)).changes
    assert change.difference.n == 22
    assert change.unlike == ["on the 22 prompts of both; 2 are of one alone"]


def test_too_few_common_prompts_are_refused() -> None:
    story = told(cell("base", GOOD), cell("i1", BAD[:12], place=CHILD))
    assert story.changes == []
    (why,) = story.notes
    assert "i1 against base on tiny@1: not compared, only 50% of the prompts of either" in why


def test_unread_pairs_are_counted() -> None:
    (change,) = told(cell("base", GOOD), cell("i1", [None, *BAD[1:]], place=CHILD)).changes
    assert change.unlike == ["pairs left out as unread: 1"]
    assert change.difference.n == 23


def test_a_withheld_score_is_not_compared() -> None:
    """A checkpoint of which nothing was read has no score."""
    story = told(cell("base", GOOD), cell("i1", [None] * 24, place=CHILD))
    assert story.changes == []
    assert "i1 against base on tiny@1: not compared, a score is withheld" in story.notes


def test_other_baselines_are_not_compared_and_it_is_said() -> None:
    other = cell("i1", GOOD, place=CHILD, identity={"baseline": "x"})
    story = told(cell("base", BAD), other)
    assert story.changes == []
    assert story.notes == [
        "tiny@1 under openai:gpt-4: base and i1 are not compared, they differ in baseline"
    ]


def test_the_same_result_twice_is_refused() -> None:
    with pytest.raises(DataError, match="expected one result of 'base' on tiny@1"):
        told(cell("base"), cell("base", GOOD))


def test_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="score a series first"):
        told()


def test_a_judge_that_labelled_training_data_is_marked() -> None:
    trained = CHILD | {"trained_by_judge": "pairrm"}
    story = told(cell("base", judge="both:pairrm"), cell("i1", judge="both:pairrm", place=trained))
    assert "both:pairrm also labelled the training data of i1" in story.notes[0]


def test_a_metric_that_is_no_mean_of_items_is_not_claimed() -> None:
    fitted = [Score("fitted", 0.9, 24)]
    (change,) = told(
        cell("base", BAD, scores=fitted), cell("i1", GOOD, scores=fitted, place=CHILD)
    ).changes
    assert change.metric == "mean of items"


def redrawn(value: float, seed: int, prompts: tuple[str, ...] = ("p",)) -> Redrawn:
    draws_b = np.random.default_rng(seed).normal(value, 0.01, 500)
    return Redrawn("lc_win_rate", value, prompts, draws_b.tolist())


def test_a_refitted_score_is_compared_draw_by_draw() -> None:
    """Two spreads of 0.01 that share nothing: 0.1 is seven standard errors."""
    base, child = cell("base", BAD, redrawn=redrawn(0.4, 1)), redrawn(0.5, 2)
    fitted, plain = told(base, cell("i1", BAD, redrawn=child, place=CHILD)).changes
    assert (fitted.metric, fitted.ruling) == ("lc_win_rate", "better")
    assert fitted.difference.standard_error == pytest.approx(0.01 * 2**0.5, rel=0.1)
    assert plain.metric == "win_rate"


def test_refits_of_other_prompts_are_not_compared() -> None:
    base, child = cell("base", BAD, redrawn=redrawn(0.4, 1)), redrawn(0.5, 2, ("q",))
    story = told(base, cell("i1", BAD, redrawn=child, place=CHILD))
    assert len(story.changes) == 1
    said = "i1 against base on tiny@1: LC win rate is not compared, it was fitted on other prompts"
    assert said in story.notes


def test_refits_that_never_differ_are_undecided() -> None:
    base = cell("base", GOOD, redrawn=redrawn(0.4, 1))
    fitted, _ = told(base, cell("i1", GOOD, redrawn=redrawn(0.4, 1), place=CHILD)).changes
    assert (fitted.difference.p_value, fitted.ruling) == (1.0, "undecided")


def test_the_length_of_answers_is_a_score_where_there_is_none() -> None:
    (entry,) = told(cell("base", length=120.0)).entries
    assert (entry.scores[-1].metric, entry.scores[-1].value) == ("avg_length", 120.0)


@given(st.randoms(use_true_random=False))
def test_the_order_of_the_items_changes_nothing(random: object) -> None:
    base, child = cell("base", BAD), cell("i1", GOOD, place=CHILD)
    order = sorted(range(24), key=lambda _: random.random())  # type: ignore[attr-defined]
    shuffled = replace(child, items=[child.items[place] for place in order])
    one, other = told(base, child), told(base, shuffled)
    assert one.changes == other.changes
    assert one.fallen == other.fallen


def test_under_the_null_a_series_hardly_ever_rules() -> None:
    """Three checkpoints that are equally good on two benchmarks: six tests in each of 200 series.

    5 % of them may rule at all: 10, and 99.9 % of the time below 22.
    """
    random, wrong = np.random.default_rng(0), 0
    for _ in range(200):
        cells = []
        for label in ("a@1", "b@1"):
            hard_N = random.random(40)
            for step in range(3):
                place = {"iteration": str(step)} | ({"parent": f"i{step - 1}"} if step else {})
                won_N = (random.random(40) > hard_N).astype(float).tolist()
                cells.append(cell(f"i{step}", won_N, benchmark=label, place=place))
        wrong += any(change.ruling != "undecided" for change in told(*cells).changes)
    assert wrong < 22


def test_a_base_is_who_comes_from_none_though_nothing_could_be_compared_with_it() -> None:
    """A third of the base's answers is unread: the tax is told against a base alone."""
    exact = {"judge": "exact", "benchmark": "gsm8k@1"}
    story = told(
        cell("base", [*[None] * 8, *[1.0] * 16], **exact),
        cell("i1", [1.0] * 24, place=CHILD, **exact),
        cell("i2", [0.0] * 24, place={"iteration": "2", "parent": "i1"}, **exact),
    )
    assert [(one.step, one.against) for one in story.changes] == [("i2", "i1")]
    assert tax_table(story).rows == []


def test_a_difference_of_refits_is_worked_by_hand() -> None:
    """Draws 0.0 to 0.99 of ours, theirs all 0: the middle 95 % of them, and the normal p."""
    ours = Redrawn("lc", 0.5, ("p",), [n / 100 for n in range(100)])
    found = refit_difference(ours, Redrawn("lc", 0.0, ("p",), [0.0] * 100), 9)
    assert found.interval == pytest.approx((0.02475, 0.96525))
    error = float(np.std([n / 100 for n in range(100)], ddof=1))
    assert found.p_value == pytest.approx(2 * norm.sf(0.5 / error))


def test_a_refitted_metric_is_not_taken_for_a_mean_where_all_are_even() -> None:
    even = [0.5] * 24
    tied = [Score("lc_win_rate", 0.5, 24), Score("win_rate", 0.5, 24)]
    fits = [redrawn(0.5, seed) for seed in (1, 2)]
    story = told(
        cell("base", even, scores=tied, redrawn=fits[0]),
        cell("i1", even, scores=tied, redrawn=fits[1], place=CHILD),
    )
    assert [change.metric for change in story.changes] == ["lc_win_rate", "win_rate"]


def test_a_main_score_that_cannot_be_compared_is_named() -> None:
    fitted = [Score("lc_win_rate", 0.9, 24), Score("win_rate", 20 / 24, 24)]
    other = [Score("lc_win_rate", 0.2, 24), Score("win_rate", 4 / 24, 24)]
    story = told(cell("base", BAD, scores=other), cell("i1", GOOD, scores=fitted, place=CHILD))
    said = "LC win rate is not compared, it is no mean of items and was not refitted"
    assert f"i1 against base on tiny@1: {said}" in story.notes
    assert [change.metric for change in story.changes] == ["win_rate"]
    assert "uparrow" not in latex(story)


def test_a_loss_that_is_not_seen_is_none() -> None:
    story = told(cell("base", [1.0, 0.5]), cell("i1", [0.0, 0.499], place=CHILD))
    assert [one.id for one in story.fallen] == ["p/000"]
