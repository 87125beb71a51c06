"""Judges made of other judges."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import SpecError
from harness.judging import Settled
from harness.types import Comparison, Score, Verdict
from harness.votes import RULES, BothOrders, Jury, Repeats
from tests.records import comparison, prompt

shares = st.floats(0, 1)


@dataclass
class Saying:
    """Says one value after the other; None is unread."""

    values: Sequence[float | None]
    name: str = "says"
    identity: dict[str, str] = field(default_factory=lambda: {"model": "m"})

    def __call__(self, comparisons: Sequence[Comparison], /) -> list[Verdict]:
        said = zip(comparisons, self.values, strict=True)
        return [Verdict(c, self.name, v, None if v is not None else "off form") for c, v in said]


@dataclass
class Told(Saying):
    """One that reports of itself."""

    def report(self, verdicts: Sequence[Verdict], /) -> list[Score]:
        return [Score("own", 1.0, len(verdicts))]


def both(*values: float | None) -> list[Verdict]:
    return BothOrders(Saying(values))(pairs(len(values) // 2))


def pairs(number: int) -> list[Comparison]:
    return [comparison("yes", "no", prompt(f"q{n}")) for n in range(number)]


def jury(rule: str, *values: float | None, rated: bool = False) -> Verdict:
    judges = [Saying([value], f"j{place}") for place, value in enumerate(values)]
    (verdict,) = Jury("jury:x", judges, rule)([comparison("a", None if rated else "b")])
    return verdict


def report(judge: BothOrders | Repeats | Jury, number: int) -> dict[str, float | None]:
    return {score.metric: score.value for score in judge.report(judge(pairs(number)))}


def test_both_orders_are_asked_side_by_side() -> None:
    asked: list[Comparison] = []

    class Noting(Saying):
        def __call__(self, comparisons: Sequence[Comparison], /) -> list[Verdict]:
            asked.extend(comparisons)
            return super().__call__(comparisons)

    (pair,) = pairs(1)
    BothOrders(Noting([1, 0]))([pair])
    assert asked == [pair, pair.swap()]


@given(shares, shares)
def test_the_mean_of_both_orders_is_of_v_and_one_minus_v(there: float, back: float) -> None:
    (verdict,) = both(there, back)
    assert verdict.value == pytest.approx((there + 1 - back) / 2)
    assert [vote.value for vote in verdict.votes] == [there, 1 - back]


@given(shares)
def test_a_judge_that_prefers_a_place_prefers_nobody(place: float) -> None:
    (verdict,) = both(place, place)
    assert verdict.value == pytest.approx(0.5)


@pytest.mark.parametrize("values", [(None, 1), (1, None), (None, None)])
def test_one_order_alone_is_unread(values: tuple[float | None, ...]) -> None:
    (verdict,) = both(*values)
    assert (verdict.value, verdict.cause, len(verdict.votes)) == (None, "off form", 2)


def test_flips_are_the_pairs_whose_orders_disagree() -> None:
    # right both times, the same place both times, a tie that is none the other way, unread
    judge = BothOrders(Saying([1, 0, 1, 1, 0.5, 0.2, 1, None]))
    (flips,) = judge.report(judge(pairs(4)))
    assert (flips.metric, flips.value, flips.n, flips.n_unread) == ("judge_flips", 2 / 3, 3, 1)


def test_an_answer_that_stands_alone_has_no_orders() -> None:
    with pytest.raises(SpecError, match=r"two answers to show.*\(q0\).*leave 'both:' out"):
        BothOrders(Saying([]))([comparison("a", None)])


def test_repeats_are_averaged_over_those_that_were_read() -> None:
    judge = Repeats([Saying([7]), Saying([None]), Saying([8])])
    (verdict,) = judge(pairs(1))
    assert (verdict.value, verdict.judge) == (7.5, "repeats:3:says")


def test_more_than_half_must_be_read() -> None:
    (verdict,) = Repeats([Saying([7]), Saying([None])])(pairs(1))
    assert (verdict.value, verdict.cause) == (None, "1 of 2 votes were read: off form")


def test_the_judges_noise_is_the_error_that_its_repeats_leave_in_the_mean() -> None:
    # variances 2 and 8 of two repeats each: sqrt(2/2 + 8/2) / 2
    noise = report(Repeats([Saying([4, 2]), Saying([6, 6])]), 2)
    assert noise == {"judge_noise": pytest.approx(sqrt(5) / 2)}


@pytest.mark.parametrize(("baseline", "unit"), [(None, "rating"), ("no", "fraction")])
def test_the_noise_is_in_the_unit_of_the_verdicts(baseline: str | None, unit: str) -> None:
    judge = Repeats([Saying([0.4]), Saying([0.2])])
    (noise,) = judge.report(judge([comparison("yes", baseline)]))
    assert noise.unit == unit


def test_without_two_read_repeats_there_is_no_noise_to_tell() -> None:
    assert report(Repeats([Saying([4]), Saying([None])]), 1) == {"judge_noise": None}


@pytest.mark.parametrize(
    ("rule", "votes", "value"),
    [
        ("mean", (0.2, 0.4, 0.9), 0.5),
        ("median", (0.2, 0.4, 0.9), 0.4),
        ("majority", (0.6, 0.7, 0.1), 1.0),
        ("majority", (0.4, 0.3, 0.9), 0.0),
        ("majority", (0.5, 0.9, 0.1), 0.5),
        ("majority", (0.5, 0.5, 0.9), 1.0),
    ],
)
def test_a_jury_decides_by_its_rule(rule: str, votes: tuple[float, ...], value: float) -> None:
    assert jury(rule, *votes).value == pytest.approx(value)


@given(st.sampled_from(sorted(RULES)), st.lists(shares, min_size=1, max_size=5))
def test_a_jury_has_no_side(rule: str, votes: list[float]) -> None:
    turned = jury(rule, *(1 - vote for vote in votes)).value
    assert turned == pytest.approx(1 - (jury(rule, *votes).value or 0), abs=1e-9)


def test_a_jury_without_a_majority_of_read_votes_is_unread() -> None:
    assert jury("mean", 1, None).value is None
    assert jury("mean", 1, None, 0).value == 0.5


def test_a_majority_of_ratings_is_refused() -> None:
    with pytest.raises(SpecError, match="use jury:median"):
        jury("majority", 7, 8, rated=True)
    assert jury("median", 7, 8, 3, rated=True).value == 7


def test_a_jurys_votes_are_kept_with_their_judges() -> None:
    assert [vote.judge for vote in jury("mean", 1, 0, 1).votes] == ["j0", "j1", "j2"]


def test_what_members_report_is_told_with_their_names() -> None:
    assert (
        report(Jury("jury:x", [Told([1, 0], "a"), Saying([1, 0], "b")], "mean"), 2)["own of a"]
        == 1.0
    )


def test_a_jurys_agreement_is_krippendorffs_alpha() -> None:
    # Two members, two items, (1, 0) and (1, 1): D_o = 2 * 1/4, D_e = (16 - 9 - 1) / 12 = 1/2
    members = [Saying([1, 1], "a"), Saying([0, 1], "b")]
    assert report(Jury("jury:x", members, "mean"), 2) == {"agreement_alpha": pytest.approx(0.0)}


def test_members_who_always_say_the_same_have_no_agreement_to_tell() -> None:
    members = [Saying([1, 1], "a"), Saying([1, None], "b")]
    assert report(Jury("jury:x", members, "mean"), 2) == {"agreement_alpha": None}


def test_what_is_settled_without_a_judge_reports_nothing() -> None:
    judge = Settled(BothOrders(Saying([1, 0])))
    verdicts = judge([comparison("a", "a"), *pairs(1)])
    assert [(s.metric, s.value, s.n) for s in judge.report(verdicts)] == [("judge_flips", 0.0, 1)]


def test_the_identity_tells_the_rule_and_the_members() -> None:
    made = Jury("jury:x", [Saying([], "a"), Saying([], "b")], "median")
    assert made.identity == {"jury": "median", "a model": "m", "b model": "m"}
    assert BothOrders(Saying([])).identity == {"model": "m", "orders": "both"}
    assert Repeats([Saying([])] * 3).identity == {"model": "m", "repeats": "3"}
