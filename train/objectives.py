"""Training objectives: pure functions of log-probabilities, one loss per row, never reduced.

Letters that end a name: B rows of a batch (pairs, responses or prompts, as the function says), N
ranked responses to one prompt, T tokens, V words of the vocabulary.

A log-ratio is log pi(y|x) - log pi_ref(y|x) in nats, summed over the tokens of the response y, its
end token included: `sequence_logps` of the policy less that of the reference, which is held
constant. `chosen_B` and `rejected_B` are the log-ratios of the two responses of a pair, written a
and b in the equations; s is the logistic function. Where a function says nothing of it, what is
minimised is the mean over rows.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar

import torch
from pydantic import NonNegativeFloat, PositiveFloat
from torch import Tensor
from torch.nn.functional import cross_entropy, logsigmoid

IGNORED = -100
"""The label of tokens that nobody is trained on: prompts and padding."""

Objective = Callable[..., Tensor]
_O = TypeVar("_O", bound=Objective)

_found: dict[str, Objective] = {}
OBJECTIVES: Mapping[str, Objective] = MappingProxyType(_found)
"""Every objective by the name of its function."""


def _objective(function: _O) -> _O:
    _found[function.__name__] = function
    return function


def sequence_logps(logits_B_T_V: Tensor, labels_B_T: Tensor) -> Tensor:
    """Log-probability of each row's response in nats, summed over its tokens, as float32.

    Args:
        logits_B_T_V: What the model says after each token, in any precision. Logits whose next
            token is not in the response are never read.
        labels_B_T: The tokens that were fed in, not shifted, with `IGNORED` on prompt and padding.
            Padding may be on either side; the end token belongs to the response.

    Returns:
        Shape [B].
    """
    target_B_T = labels_B_T[:, 1:]
    answered_B_T = target_B_T != IGNORED
    # Selected first, so that only the response's logits are copied in float32.
    logits_V = logits_B_T_V[:, :-1][answered_B_T].float()
    logps = -cross_entropy(logits_V, target_B_T[answered_B_T], reduction="none")
    return logps.new_zeros(answered_B_T.shape).masked_scatter(answered_B_T, logps).sum(1)


def sequence_lengths(labels_B_T: Tensor) -> Tensor:
    """Number of tokens that `sequence_logps` sums in each row, of shape [B]."""
    return (labels_B_T[:, 1:] != IGNORED).sum(1)


@_objective
def dpo(chosen_B: Tensor, rejected_B: Tensor, *, beta: PositiveFloat) -> Tensor:
    """Direct preference optimisation: -log s(beta (a - b)).

    Source: arXiv 2305.18290, equation 7; `sigmoid` of
    https://github.com/huggingface/trl/blob/f2cd57710ae345ea6428ae95363267fcf38a3dc8/trl/trainer/dpo_trainer.py

    Args:
        chosen_B: Log-ratios of the preferred responses.
        rejected_B: Log-ratios of the others.
        beta: How strongly the policy is held to the reference, per nat; above 0.

    Returns:
        Shape [B].
    """
    return -logsigmoid(beta * (chosen_B - rejected_B))


@_objective
def ipo(
    chosen_B: Tensor,
    rejected_B: Tensor,
    chosen_lengths_B: Tensor,
    rejected_lengths_B: Tensor,
    *,
    beta: PositiveFloat,
) -> Tensor:
    """Identity preference optimisation by token means: (a / |y_w| - b / |y_l| - 1 / (2 beta))^2.

    The paper has sums (`ipo_sum`); upstream divides by the lengths, on its authors' word, so that
    one target suits long and short responses. A good beta of one form is a bad one of the other.

    Source: arXiv 2310.12036, equation 17; `ipo` of
    https://github.com/huggingface/trl/blob/f2cd57710ae345ea6428ae95363267fcf38a3dc8/trl/trainer/dpo_trainer.py

    Args:
        chosen_B: Log-ratios of the preferred responses, sums over tokens.
        rejected_B: Log-ratios of the others, likewise.
        chosen_lengths_B: Tokens of the preferred responses, at least 1: `sequence_lengths`.
        rejected_lengths_B: Tokens of the others, likewise.
        beta: The paper's tau, per nat and token; above 0.

    Returns:
        Shape [B].
    """
    return ipo_sum(chosen_B / chosen_lengths_B, rejected_B / rejected_lengths_B, beta=beta)


@_objective
def ipo_sum(chosen_B: Tensor, rejected_B: Tensor, *, beta: PositiveFloat) -> Tensor:
    """Identity preference optimisation as printed: (a - b - 1 / (2 beta))^2.

    Equation 4.14 of the SPPO paper aims twice as far, at 1 / beta; its released baseline does not.

    Source: arXiv 2310.12036, equation 17; `ipo` of
    https://github.com/uclaml/SPPO/blob/5e61c4e90822fe526d8bbe1a50a6e85a85c30911/sppo/trainer.py

    Args:
        chosen_B: Log-ratios of the preferred responses.
        rejected_B: Log-ratios of the others.
        beta: The paper's tau, per nat; above 0.

    Returns:
        Shape [B].
    """
    return (chosen_B - rejected_B - 1 / (2 * beta)) ** 2


@_objective
def kto(
    ratio_B: Tensor,
    desirable_B: Tensor,
    kl: Tensor,
    *,
    beta: PositiveFloat,
    desirable_weight: NonNegativeFloat = 1.0,
    undesirable_weight: NonNegativeFloat = 1.0,
) -> Tensor:
    """Kahneman-Tversky optimisation of single responses: w (1 - s(+-beta (r - z))), z = max(kl, 0).

    The sign is + for desirable responses and - for undesirable ones. Rows are counted by number,
    not by weight.

    Source: arXiv 2402.01306, the equation that upstream counts as 7; `kto` of
    https://github.com/huggingface/trl/blob/f2cd57710ae345ea6428ae95363267fcf38a3dc8/trl/trainer/kto_trainer.py

    Args:
        ratio_B: Log-ratios r of the responses.
        desirable_B: Whether each response is a good one.
        kl: Where gain turns into loss, in nats: the mean log-ratio, over the batch of all ranks, of
            responses to *other* prompts. A single number; no gradient flows through it.
        beta: How fast gains saturate, per nat; above 0.
        desirable_weight: The paper's lambda_D, w of the good responses; at least 0.
        undesirable_weight: The paper's lambda_U, w of the others; at least 0.

    Returns:
        Shape [B].
    """
    gain_B = beta * (ratio_B - kl.detach().clamp(min=0))
    good_B = desirable_weight * (-gain_B).sigmoid()
    return torch.where(desirable_B, good_B, undesirable_weight * gain_B.sigmoid())


@_objective
def sppo(
    chosen_B: Tensor,
    rejected_B: Tensor,
    p_chosen_B: Tensor,
    p_rejected_B: Tensor,
    *,
    eta: PositiveFloat,
) -> Tensor:
    """Self-play preference optimisation: (a - eta (P_w - 1/2))^2 + (b - eta (P_l - 1/2))^2.

    P(y) is the estimated chance that y beats a response of the policy that this iteration began
    with, which is the reference too. The two squares are independent: any response may stand on
    either side.

    The paper prints eta = 1e-3 and means 1e3: its code has beta = 0.001 and uses eta = 1 / beta. So
    large an eta is a policy gradient that only the learning rate restrains (5e-7 there); a tiny
    model at 3e-4 collapses with it, and is stable with 5 and 20. The released code halves the sum,
    which halves the gradient and moves no minimum.

    Source: arXiv 2405.00675v5, equation 4.12; twice `sppo` of
    https://github.com/uclaml/SPPO/blob/5e61c4e90822fe526d8bbe1a50a6e85a85c30911/sppo/trainer.py

    Args:
        chosen_B: Log-ratios of the winners.
        rejected_B: Log-ratios of the losers.
        p_chosen_B: P(y_w) in [0, 1].
        p_rejected_B: P(y_l) in [0, 1]; not 1 - P(y_w) unless there are two samples.
        eta: Step size in nats; above 0.

    Returns:
        Shape [B].
    """
    winner_B = chosen_B - eta * (p_chosen_B - 0.5)
    loser_B = rejected_B - eta * (p_rejected_B - 0.5)
    return winner_B**2 + loser_B**2


@_objective
def sppo_hard(chosen_B: Tensor, rejected_B: Tensor, *, eta: PositiveFloat) -> Tensor:
    """`sppo` when winners always win and losers always lose: (a - eta/2)^2 + (b + eta/2)^2.

    Source: arXiv 2405.00675v5, equation 4.7 with P of 1 and 0; `sppo_hard` (beta = 1 / eta) of
    https://github.com/huggingface/trl/blob/f2cd57710ae345ea6428ae95363267fcf38a3dc8/trl/trainer/dpo_trainer.py

    Args:
        chosen_B: Log-ratios of the winners.
        rejected_B: Log-ratios of the losers.
        eta: Step size in nats; above 0. See `sppo` for the paper's value.

    Returns:
        Shape [B].
    """
    return (chosen_B - eta / 2) ** 2 + (rejected_B + eta / 2) ** 2


@_objective
def sft(logps_B: Tensor) -> Tensor:
    """Supervised fine-tuning: -log pi(y|x), summed over the tokens of the response alone.

    What is minimised is the token mean: divide the sum of the rows by the sum of `sequence_lengths`
    over the whole optimiser step, every micro-batch and rank. A mean of means would let the rows of
    a short micro-batch weigh more.

    Source: arXiv 2401.10020, where prompts carry no loss; the loss of transformers' Trainer.

    Args:
        logps_B: Log-probabilities of the responses under the policy: `sequence_logps`.

    Returns:
        Shape [B].
    """
    return -logps_B


@_objective
def tuna(
    candidates_B_N: Tensor,
    original_B: Tensor,
    *,
    margin: NonNegativeFloat,
    mle_weight: NonNegativeFloat,
) -> Tensor:
    """Rank hinge with likelihood: sum_{j<k} max(0, v_k - v_j + margin (k-j)) - mle_weight v_o.

    v_j is the *mean* log-probability per token of the j-th best response, v_o that of the response
    in the original data. The paper has margin 0.1 and mle_weight 1, with N = 4. The released
    trainer minimises something else: it ranks the original as one more candidate, averages the
    hinges of equal k - j, and takes the likelihood of all candidates.

    Source: arXiv 2310.13385, equations 4-6 (the last lost its minus sign); against
    https://github.com/microsoft/LMOps/blob/4f2a9deb5f08e459fd44c2e4792344d78ca89fc3/tuna/src/custom.py

    Args:
        candidates_B_N: `sequence_logps` / `sequence_lengths` of each response, the best first.
        original_B: The same of the original response.
        margin: By how much, per rank, a better response should be likelier; nats per token.
        mle_weight: Of the original's likelihood; at least 0.

    Returns:
        Shape [B], a row for each prompt.
    """
    n = candidates_B_N.shape[1]
    better, worse = torch.triu_indices(n, n, offset=1, device=candidates_B_N.device).unbind()
    excess = candidates_B_N[:, worse] - candidates_B_N[:, better] + margin * (worse - better)
    return excess.relu().sum(1) - mle_weight * original_B


@_objective
def c_rlft(logps_B: Tensor, weight_B: Tensor) -> Tensor:
    """Conditioned fine-tuning on data of mixed quality: -w log pi(y|x, class of y).

    Divide the sum of the rows by the sum of `weight_B * sequence_lengths(labels_B_T)` over the
    whole optimiser step, every micro-batch and rank. Then only ratios of weights matter, and a step
    of poor data alone is as long as any other; divided by the number of tokens, it would be another
    objective. The class must be told in the prompt, before the user's words and before the answer.

    Source: arXiv 2309.11235v2, equations 3-6, where w = exp(r_c / beta); the sums of
    https://github.com/imoneoi/openchat/blob/47a3596168ed90d8f948f63f458948c3db98e2b8/ochat/models/unpadded_llama.py
    with the divisor of ochat/training_deepspeed/train.py beside it

    Args:
        logps_B: Log-probabilities of the responses under the policy: `sequence_logps`.
        weight_B: Of each response's class, at least 0: upstream's are 1 for expert and 0.1 for
            other data. Divided by the lengths, each response counts once however long it is.

    Returns:
        Shape [B].
    """
    return weight_B * sft(logps_B)
