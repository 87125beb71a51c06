from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, spearmanr

from harness.errors import DataError
from harness.stats.agreement import Rated, agreement, same_order
from harness.types import Score

TABLE = [
    Rated([1, 2, 3], [5, 4, 2]),  # in order
    Rated([2, 1, 3], [5, 5, 3]),  # people's first two are rated equal
    Rated([1, 1, 2], [4, 3, 5]),  # people's tie is split, their last rated best
    Rated([1, 2, 3], [2, 2, 2]),  # all rated equal
    Rated([1, 2], [None, 4]),  # unread
    Rated([1, 1], [3, 3]),  # people's tie, rated so
]


def scores(groups: Sequence[Rated]) -> dict[str, Score]:
    return {score.metric: score for score in agreement(groups)}


class Worked(NamedTuple):
    metric: str
    value: float
    n: int
    n_unread: int


@pytest.mark.parametrize(
    "worked",
    [
        # By prompt, right of all: 3/3, 2/3 (one rated equal), 0/2 (one is people's tie), 0/3.
        Worked("pairwise_accuracy", 5 / 11, 11, 1),
        # Equal ratings skipped: 3/3, 2/2, 0/2, 0/0.
        Worked("pairwise_accuracy_untied", 5 / 7, 7, 1),
        # Four responses are rated 5: people's first, second and first, last.
        Worked("five_best", 2 / 4, 4, 1),
        # The first and the last prompt, of five that were read whole.
        Worked("exact_match", 2 / 5, 5, 1),
        # 1; ranks 2,3,1 against 2.5,2.5,1: cov 1.5 / sqrt(2 * 1.5); 2.5,2.5,1 against 2,1,3: -that.
        Worked("spearman_rho", (1 + 0.75**0.5 - 0.75**0.5) / 3, 3, 1),
        # 1; 2 pairs right, one equal: 2 / sqrt(3 * 2); two wrong, one equal: -that.
        Worked("kendall_tau_b", (1 + 2 / 6**0.5 - 2 / 6**0.5) / 3, 3, 1),
    ],
    ids=lambda worked: worked.metric,
)
def test_the_hand_table(worked: Worked) -> None:
    score = scores(TABLE)[worked.metric]
    assert score.value == pytest.approx(worked.value)
    assert (score.n, score.n_unread) == (worked.n, worked.n_unread)


def test_other_readings_of_the_table_are_not_reported() -> None:
    """Every in-range rating as a five; ratings equal to people's; all pooled, unread as -1."""
    ranks = [*chain.from_iterable(group.ranks for group in TABLE)]
    ratings = [*chain.from_iterable(group.ratings for group in TABLE)]
    filled = [-1 if rating is None else rating for rating in ratings]
    in_range = sum(0 <= rating <= 5 for rating in filled) / len(filled)
    people = [6 - rank for rank in ranks]
    equal = sum(one == other for one, other in zip(people, filled, strict=True)) / len(filled)
    came = {metric: score.value for metric, score in scores(TABLE).items()}
    assert came["five_best"] != pytest.approx(in_range)
    assert came["exact_match"] != pytest.approx(equal)
    assert came["spearman_rho"] != pytest.approx(spearmanr(filled, people).statistic)
    assert came["kendall_tau_b"] != pytest.approx(kendalltau(filled, people).statistic)


def test_ranks_may_begin_at_any_number() -> None:
    moved = [Rated([rank + 1 for rank in group.ranks], group.ratings) for group in TABLE]
    assert agreement(moved) == agreement(TABLE)


def test_prompts_without_a_correlation_are_told() -> None:
    doubt = "2 of 5 prompts left out: all ranked or rated equal"
    assert scores(TABLE)["kendall_tau_b"].doubts == (doubt,)
    assert scores(TABLE)["exact_match"].doubts == ()
    assert scores(TABLE[:2])["spearman_rho"].doubts == ()


def test_a_value_of_nothing_is_withheld() -> None:
    score = scores([Rated([1, 2], [None, None])])["pairwise_accuracy"]
    assert (score.value, score.interval, score.n, score.n_unread) == (None, None, 0, 1)


def test_one_prompt_has_no_interval() -> None:
    assert scores(TABLE[:1])["pairwise_accuracy"].interval is None


def test_the_interval_is_that_of_prompts_drawn_anew() -> None:
    """Half of 400 prompts in order: a standard error of sqrt(1/4 / 400) = 0.025."""
    groups = [Rated([1, 2], [5, 4]), Rated([1, 2], [4, 5])] * 200
    low, high = scores(groups)["exact_match"].interval or (0, 0)
    assert low == pytest.approx(0.5 - 1.96 * 0.025, abs=0.004)
    assert high == pytest.approx(0.5 + 1.96 * 0.025, abs=0.004)


def test_a_correlation_is_no_fraction() -> None:
    units = {metric: score.unit for metric, score in scores(TABLE).items()}
    assert units["spearman_rho"] == units["kendall_tau_b"] == "correlation"
    assert units["pairwise_accuracy"] == units["five_best"] == units["exact_match"] == "fraction"


groups = st.lists(
    st.lists(
        st.tuples(st.integers(1, 3), st.integers(0, 5) | st.none()), min_size=2, max_size=4
    ).map(lambda rows: Rated(*map(list, zip(*rows, strict=True)))),
    min_size=1,
    max_size=4,
)


@given(groups)
def test_the_order_of_the_responses_is_no_matter(groups: list[Rated]) -> None:
    turned = [Rated(group.ranks[::-1], group.ratings[::-1]) for group in groups]
    for one, other in zip(agreement(groups), agreement(turned), strict=True):
        assert one.value == pytest.approx(other.value)


@given(groups)
def test_a_judge_that_says_what_people_say_is_always_right(groups: list[Rated]) -> None:
    honest = [Rated(group.ranks, [6 - rank for rank in group.ranks]) for group in groups]
    values = [score.value for score in agreement(honest) if score.value is not None]
    assert values == pytest.approx([1] * len(values))


@pytest.mark.parametrize(
    ("ratings", "same"),
    [([5, 3, 3], True), ([5, 4, 3], False), ([3, 3, 5], False), ([5, None, None], False)],
)
def test_the_same_order_has_the_same_ties(ratings: list[float | None], same: bool) -> None:
    assert same_order(Rated([1, 2, 2], ratings)) is same


@pytest.mark.parametrize(
    ("groups", "came"),
    [
        ([], "came none"),
        ([Rated([1, 2], [5, 4]), Rated([1], [5])], "at prompt 1, came 1 ranks and 1 ratings"),
        ([Rated([1, 2], [5])], "at prompt 0, came 2 ranks and 1 ratings"),
    ],
)
def test_groups_that_rank_nothing_are_refused(groups: list[Rated], came: str) -> None:
    with pytest.raises(DataError, match=came):
        agreement(groups)
