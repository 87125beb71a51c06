from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.prompt_bootstrap import Draws
from harness.stats.rulings import Array, Rulings, gold_scores, rulings_scores
from harness.types import Score

NAN = float("nan")
Column: TypeAlias = Sequence[float] | Array
preferences = st.lists(
    st.tuples(st.sampled_from([0, 0.2, 0.5, 1]), st.sampled_from([0, 0.3, 0.5, 1, NAN])),
    min_size=2,
    max_size=8,
)


def rulings(value: Column, gold: Column, **columns: Any) -> Rulings:
    """A prompt for each verdict, the candidate shown second and longer by its place."""
    n = len(value)
    plain: dict[str, Any] = {
        "prompt": range(n),
        "system": [0] * n,
        "other": value,
        "candidate_first": [False] * n,
        "lead": range(n),
        "own": [0.0] * n,
    }
    asked = {"gold": gold, "value": value} | plain | columns
    kinds = {"prompt": np.int64, "system": np.int64, "candidate_first": np.bool_}
    return Rulings(**{key: np.array(asked[key], kinds.get(key, float)) for key in Rulings._fields})


def found(columns: Rulings, *, both_orders: bool = True) -> dict[str, Score]:
    return {
        one.metric: one
        for one in rulings_scores(columns, both_orders=both_orders, draws=Draws(0, 20))
    }


def test_a_judge_s_tie_is_wrong_where_the_winner_is_known_and_left_out_untied() -> None:
    scores = found(rulings([0.9, 0.5, 0.2, 0.6], [1, 1, 1, 0.5]))
    assert scores["accuracy"].value == pytest.approx(1 / 3)
    assert scores["accuracy"].n == 3
    assert scores["accuracy_untied"].value == pytest.approx(1 / 2)


def test_kappa_counts_ties_as_a_class() -> None:
    # Classes + + - 0 against + - - 0: p_o 3/4, p_e (2*1 + 1*2 + 1*1) / 16.
    kappa = found(rulings([1, 0, 0, 0.5], [1, 1, 0, 0.5]))["cohen_kappa"].value
    assert kappa == pytest.approx((3 / 4 - 5 / 16) / (1 - 5 / 16))


def test_a_judge_that_takes_what_stands_first_flips_always() -> None:
    # The candidate is second in the published order, so it loses there and wins the other way.
    scores = found(rulings([0, 0, 0], [1, 0, 1], other=[1, 1, 1]))
    assert (scores["flips"].value, scores["first_slot"].value) == (1, 1)


def test_a_fair_judge_never_flips_and_favours_no_slot() -> None:
    first = [True, False, True]
    scores = found(rulings([1, 0, 0.7], [1, 0, 1], candidate_first=first))
    assert scores["flips"].value == 0
    assert scores["first_slot"].value == pytest.approx(0.5)


def test_with_one_order_the_first_slot_is_that_order_s() -> None:
    columns = rulings([0.9, 0.8], [1, 0], candidate_first=[True, False])
    scores = found(columns, both_orders=False)
    assert scores["first_slot"].value == pytest.approx((0.9 + 0.2) / 2)
    assert "flips" not in scores


def test_self_preference_is_the_gain_of_one_s_own_side() -> None:
    # As candidate 0.9 for 0.6: +0.3; as baseline 0.2 for 0.3: +0.1; the third is not its own.
    scores = found(rulings([0.9, 0.2, 1], [0.6, 0.3, 0], own=[1, -1, 0]))
    assert scores["self_preference"].value == pytest.approx(0.2)
    assert "self_preference" not in found(rulings([1], [1]))


def test_ties_and_saturation_are_shares_of_what_was_read() -> None:
    scores = found(rulings([0.5, 0.995, 0.005, 0.9, NAN], [1] * 5))
    assert (scores["ties"].value, scores["saturation"].value) == (0.25, 0.5)
    assert (scores["ties"].n, scores["ties"].n_unread) == (4, 1)


def test_systems_are_ranked_by_their_mean_preference() -> None:
    value, gold, system = (
        [0.9, 0.1, 0.5, 0.5, 0.2, 0.2],
        [1, 0.6, 0.4, 0.4, 0, 0],
        [0, 0, 1, 1, 2, 2],
    )
    scores = found(rulings(value, gold, system=system, prompt=[0, 1, 0, 1, 0, 1]))
    # Means 0.5, 0.5, 0.2 against 0.8, 0.4, 0: apart by 0.3, 0.1, 0.2.
    assert scores["system_difference"].value == pytest.approx(0.2)
    assert scores["system_kendall"].value == pytest.approx(2 / 6**0.5)


def test_two_systems_have_no_order_worth_a_number() -> None:
    assert "system_spearman" not in found(rulings([1, 0], [1, 0], system=[0, 1]))


@given(preferences)
def test_who_is_candidate_does_not_matter_to_agreement(pairs: list[tuple[float, float]]) -> None:
    gold, value = (np.array(column, np.float64) for column in zip(*pairs, strict=True))
    there, back = found(rulings(value, gold)), found(rulings(1 - value, 1 - gold))
    for metric in ("accuracy", "cohen_kappa", "krippendorff_alpha", "ties", "saturation"):
        assert back[metric].value == pytest.approx(there[metric].value)


@given(preferences)
def test_a_judge_that_says_what_is_known_agrees_fully(pairs: list[tuple[float, float]]) -> None:
    gold = [known for known, _ in pairs]
    scores = found(rulings(gold, gold))
    assert scores["accuracy"].value in {1, None}
    assert scores["krippendorff_alpha"].value in {1, None}


def test_known_preferences_have_biases_of_their_own() -> None:
    scores = {
        one.metric: one.value
        for one in gold_scores(rulings([0, 0, 0], [0.5, 1, 1]), draws=Draws(0, 20))
    }
    assert scores["longer_wins"] == 1
    assert scores["ties"] == pytest.approx(1 / 3)
    assert "accuracy" not in scores


def test_verdicts_on_one_prompt_are_drawn_together() -> None:
    # Both prompts have one right and one wrong verdict, so no draw of prompts changes the share.
    scores = found(rulings([1, 0, 1, 0], [1, 1, 1, 1], prompt=[0, 0, 1, 1]))
    assert scores["accuracy"].interval == (0.5, 0.5)
