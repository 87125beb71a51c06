"""A judge's preferences beside known ones: agreement, position, length, self-preference, ties.

Every value is one number over all verdicts; its interval is the 2.5th to 97.5th percentile over
prompts drawn with replacement. A verdict that is unread enters no value and is counted.

Letters that end a name: R verdicts.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.stats.kappa import cohen_kappa
from harness.stats.krippendorff import alpha
from harness.stats.measuring import Measure, length_scores, mean
from harness.stats.prompt_bootstrap import DRAWS, Draws
from harness.types import Score

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

EXTREME = 0.01
"""A preference this near to 0 or 1 leaves the judge no room."""


class Rulings(NamedTuple):
    """Verdicts on pairs of answers as columns, each of length R."""

    prompt: Places
    """Which prompt it is about, from 0."""
    system: Places
    """Which system the candidate is, from 0."""
    gold: Array
    """The known preference for the candidate in [0, 1]."""
    value: Array
    """The judge's, asked in the published order; NaN is unread."""
    other: Array
    """Its preference for the candidate with the sides exchanged; NaN is unread or unasked."""
    candidate_first: Flags
    """Whether the published order shows the candidate first."""
    lead: Array
    """By how many characters the candidate's answer is longer."""
    own: Array
    """1 where the candidate is the judge's own model, -1 where the baseline is, else 0."""


def rulings_scores(rulings: Rulings, *, both_orders: bool, draws: Draws = DRAWS) -> list[Score]:
    """All that can be said of the verdicts.

    * accuracy: share of the pairs with a known winner of which the judge prefers the same one; a
      tie of the judge's is wrong. accuracy_untied leaves its ties out.
    * cohen_kappa: of win, tie and lose. krippendorff_alpha: of the preferences, interval level.
    * system_*: the systems by their mean preference (see `harness.stats.systems`).
    * flips: share of the pairs whose two orders do not prefer the same answer.
    * first_slot: mean preference for what is shown first, over all orders asked; 0.5 is fair where
      orders are balanced.
    * longer_wins, length_slope: see `harness.stats.length_bias`; the slope is by one standard
      deviation of the difference.
    * self_preference: mean preference for its own model's answers, less the known one.
    * ties: share of preferences of exactly 0.5. saturation: share within 0.01 of 0 or 1.

    Args:
        rulings: At least one.
        both_orders: Whether the other order was asked too.
        draws: How prompts are drawn for the intervals.
    """
    measure = Measure(rulings.prompt, draws)
    return [
        *_agreement(measure, rulings),
        *measure.systems(rulings.system, rulings.gold, rulings.value),
        *_position(measure, rulings, both_orders=both_orders),
        *length_scores(measure, rulings.lead, rulings.value),
        *_own(measure, rulings),
        *_shape(measure, rulings.value),
    ]


def gold_scores(rulings: Rulings, *, draws: Draws = DRAWS) -> list[Score]:
    """What of the above can be said of the known preferences themselves, by the same names."""
    measure = Measure(rulings.prompt, draws)
    return [
        *_position(measure, rulings._replace(value=rulings.gold), both_orders=False),
        *length_scores(measure, rulings.lead, rulings.gold),
        *_shape(measure, rulings.gold),
    ]


def _agreement(measure: Measure, rulings: Rulings) -> list[Score]:
    gold, value = rulings.gold, rulings.value
    decided = gold != 0.5
    pair = [np.sign(gold - 0.5), np.sign(value - 0.5)]
    return [
        measure.score("accuracy", pair, _same, decided),
        measure.score("accuracy_untied", pair, _same, decided & (value != 0.5)),
        measure.score("cohen_kappa", pair, cohen_kappa, unit="correlation"),
        measure.score("krippendorff_alpha", [gold, value], _alpha, unit="correlation"),
    ]


def _position(measure: Measure, rulings: Rulings, *, both_orders: bool) -> list[Score]:
    value, other, first = rulings.value, rulings.other, rulings.candidate_first
    there = np.where(first, value, 1 - value)
    if not both_orders:
        return [measure.score("first_slot", [there], mean)]
    back = np.where(first, 1 - other, other)
    flipped = np.sign(value - 0.5) != np.sign(other - 0.5)
    unread = np.isnan(value) | np.isnan(other)
    return [
        measure.score("flips", [np.where(unread, np.nan, flipped)], mean),
        measure.score("first_slot", [(there + back) / 2], mean),
    ]


def _own(measure: Measure, rulings: Rulings) -> list[Score]:
    if not rulings.own.any():
        return []
    gain = rulings.own * (rulings.value - rulings.gold)
    return [measure.score("self_preference", [gain], mean, rulings.own != 0)]


def _shape(measure: Measure, value: Array) -> list[Score]:
    tied = np.where(np.isnan(value), np.nan, value == 0.5)
    extreme = np.where(np.isnan(value), np.nan, np.abs(value - 0.5) >= 0.5 - EXTREME)
    return [measure.score("ties", [tied], mean), measure.score("saturation", [extreme], mean)]


def _same(one_R: Array, other_R: Array, weight_R: Array) -> float:
    return mean((one_R == other_R).astype(np.float64), weight_R)


def _alpha(one_R: Array, other_R: Array, weight_R: Array) -> float:
    return alpha([one_R, other_R], "interval", weight_R)
