"""From who beats whom to what is trained on: win probabilities, pairs, single responses.

Letters that end a name: K responses to one prompt. `preference_K_K` is a matrix of
`harness.ranking.preferences`: entry [i, j] is the probability that i beats j, and 1/2 where i is j.
NaN is what was not read: it spreads, so that a prompt is either known in full or not used.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from harness.errors import DataError
from train.examples import Example

Array = NDArray[np.float64]

_SUREST = 1e-6
"""A preference of 0 or 1 has no logit: it is held this far from them."""

_DIGITS = 9
"""Means that agree so far are a tie: the order of a sum moves its last bits."""


def mean_scores(preference_K_K: Array) -> Array:
    """What a ranker gives each response: its mean logit s_ij over all K samples, itself with 0.

    It does not always order responses as `win_probabilities` does, where a sure win counts little
    more than a likely one.

    Source: arXiv 2405.00675v5, section 5.1, the score by which the pair is chosen.

    Returns:
        Shape [K], in nats.
    """
    return np.asarray(logit(preference_K_K.clip(_SUREST, 1 - _SUREST)).mean(1))


def win_probabilities(preference_K_K: Array) -> Array:
    """The chance of each response to beat the policy: its mean over all K samples, itself at 1/2.

    So none is below 1 / (2 K) or above 1 - 1 / (2 K), and they sum to K / 2.

    Source: arXiv 2405.00675v5, algorithm 1: the estimate of P(y > pi | x) from K samples. Of two,
    the preferred one has 1/4 + P/2; the paper prints 1/2 + P/2.

    Returns:
        Shape [K].
    """
    return np.asarray(preference_K_K.mean(1))


def released_win_probabilities(preference_K_K: Array) -> Array:
    """`win_probabilities` of the preferences that the released code works with.

    There each response has one score, r_i = mean_j (s_ij - s_ji) = 2 mean_j s_ij of the ranker's
    logits s, and P_ij = sigmoid(r_i - r_j). Preferences that go round in circles average away, and
    those that do not come out twice as sharp: sigmoid(2 s_ij). The logits are those of the matrix,
    where upstream's ranker has its own.

    Source: `scripts/compute_prob.py` of uclaml/SPPO@5e61c4e, with the scores of
    yuchenlin/LLM-Blender@2a67366.

    Returns:
        Shape [K].
    """
    score_K = 2 * mean_scores(preference_K_K)
    return win_probabilities(expit(score_K[:, None] - score_K[None, :]))


def extremes(score_K: Array, texts: Sequence[str]) -> tuple[int, int] | None:
    """The responses of the highest and the lowest score; None if they are alike.

    Source: arXiv 2405.00675v5, section 5.1.

    Args:
        score_K: From `mean_scores`; of several that agree the first is taken.
        texts: The K responses.
    """
    rounded_K = score_K.round(_DIGITS)
    best, worst = int(rounded_K.argmax()), int(rounded_K.argmin())
    # Of those that all have one score, one and the same is best and worst.
    return None if texts[best] == texts[worst] else (best, worst)


def unpaired(examples: Sequence[Example]) -> list[Example]:
    """Each pair as two rows for `train.objectives.kto`: the chosen response, then the rejected.

    A row's second response answers another prompt: it is that of the next pair of another prompt,
    the last pair's being the first, from the same side of the pair. Its log-ratio enters the mean
    that `kto` calls `kl`. The row holds it itself, so rows may be shuffled and batches be small.

    Source: the mismatched pairs of arXiv 2402.01306. Upstream, named in `kto`, takes them from
    within a micro-batch, which must then keep its order and have two rows or more.

    Args:
        examples: Pairs; their own facts are left behind.

    Raises:
        DataError: All pairs are of one prompt.
    """
    return [
        Example(
            one.said,
            (one.responses[side], _stranger(examples, place).responses[side]),
            {"desirable": desirable},
            one.condition,
            one.system,
        )
        for place, one in enumerate(examples)
        for side, desirable in enumerate((1.0, 0.0))
    ]


def _stranger(examples: Sequence[Example], place: int) -> Example:
    """The next example of another prompt."""
    n = len(examples)
    for step in range(1, n):
        other = examples[(place + step) % n]
        if other.said != examples[place].said:
            return other
    raise DataError(
        f"expected pairs of two prompts or more, because kto compares each response with one to "
        f"another prompt; came {n} of one prompt; give it more prompts"
    )
