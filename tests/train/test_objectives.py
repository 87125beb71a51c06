import inspect
import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from train import objectives
from train.objectives import (
    IGNORED,
    OBJECTIVES,
    Objective,
    c_rlft,
    dpo,
    ipo,
    ipo_sum,
    kto,
    sequence_lengths,
    sequence_logps,
    sft,
    sppo,
    sppo_hard,
    tuna,
)

Pairwise = Callable[[Tensor, Tensor], Tensor]

BETA, ETA = 0.5, 5.0
GOOD, BAD, NO_KL = torch.tensor([True]), torch.tensor([False]), torch.tensor(0.0)


def row(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def gradients(objective: Pairwise, a: float = 0.0, b: float = 0.0) -> tuple[float, float]:
    """Of the loss of one pair by its two log-ratios."""
    chosen_B, rejected_B = row(a).requires_grad_(), row(b).requires_grad_()
    by_chosen, by_rejected = torch.autograd.grad(
        objective(chosen_B, rejected_B).sum(), (chosen_B, rejected_B)
    )
    return by_chosen.item(), by_rejected.item()


def dpo_pair(a: Tensor, b: Tensor) -> Tensor:
    return dpo(a, b, beta=BETA)


def ipo_pair(a: Tensor, b: Tensor) -> Tensor:
    return ipo(a, b, row(4), row(8), beta=BETA)


def ipo_sum_pair(a: Tensor, b: Tensor) -> Tensor:
    return ipo_sum(a, b, beta=BETA)


def kto_pair(a: Tensor, b: Tensor) -> Tensor:
    return kto(a, GOOD, NO_KL, beta=BETA) + kto(b, BAD, NO_KL, beta=BETA)


def sppo_pair(a: Tensor, b: Tensor) -> Tensor:
    return sppo(a, b, row(0.82), row(0.27), eta=ETA)


def sppo_hard_pair(a: Tensor, b: Tensor) -> Tensor:
    return sppo_hard(a, b, eta=ETA)


@pytest.mark.parametrize(
    ("objective", "value"),
    [
        pytest.param(dpo_pair, math.log1p(math.exp(-1.5)), id="ln(1 + exp(-.5 (1 - -2)))"),
        pytest.param(ipo_pair, 0.25, id="(1/4 - -2/8 - 1/(2 .5))^2 = (.5 - 1)^2"),
        pytest.param(ipo_sum_pair, 4.0, id="(1 - -2 - 1/(2 .5))^2 = 2^2"),
        pytest.param(sppo_pair, 1.0825, id="(1 - 5 .32)^2 + (-2 + 5 .23)^2 = .36 + .7225"),
        pytest.param(sppo_hard_pair, 2.5, id="(1 - 2.5)^2 + (-2 + 2.5)^2 = 2.25 + .25"),
    ],
)
def test_a_pair_with_log_ratios_1_and_minus_2(objective: Pairwise, value: float) -> None:
    assert objective(row(1), row(-2)).item() == pytest.approx(value)


@pytest.mark.parametrize(
    ("ratio", "desirable", "kl", "value"),
    [
        pytest.param(3, True, 1, 1 / (1 + math.e), id="good: 1 - s(.5 (3 - 1)) = s(-1)"),
        pytest.param(3, False, 1, math.e / (1 + math.e), id="bad: 1 - s(-.5 (3 - 1)) = s(1)"),
        pytest.param(2, True, -4, 1 / (1 + math.e), id="kl below 0 is 0: 1 - s(.5 (2 - 0))"),
    ],
)
def test_kto_worked(ratio: float, desirable: bool, kl: float, value: float) -> None:
    loss = kto(row(ratio), torch.tensor([desirable]), torch.tensor(kl), beta=BETA)
    assert loss.item() == pytest.approx(value)


def test_kto_weighs_good_and_bad_responses() -> None:
    """At the reference each is 1/2: 2 1/2 and 3 1/2."""
    losses = kto(
        row(0, 0),
        torch.tensor([True, False]),
        NO_KL,
        beta=BETA,
        desirable_weight=2.0,
        undesirable_weight=3.0,
    )
    assert losses.tolist() == pytest.approx([1.0, 1.5])


def test_tuna_worked() -> None:
    """Pairs: .1 - .5 < 0; -.1 + .2 = .1 over; .4 + .1 = .5 over; less the original's -2."""
    loss = tuna(row(-1.0, -1.5, -1.1)[None], row(-2), margin=0.1, mle_weight=1.0)
    assert loss.item() == pytest.approx(0.0 + 0.1 + 0.5 + 2.0)


@pytest.mark.parametrize(
    ("name", "arguments", "options"),
    [
        ("dpo", ["B", "B"], {"beta": 1.0}),
        ("ipo", ["B", "B", "B", "B"], {"beta": 1.0}),
        ("ipo_sum", ["B", "B"], {"beta": 1.0}),
        ("kto", ["B", "truth", "scalar"], {"beta": 1.0}),
        ("sppo", ["B", "B", "B", "B"], {"eta": 1.0}),
        ("sppo_hard", ["B", "B"], {"eta": 1.0}),
        ("sft", ["B"], {}),
        ("tuna", ["B_N", "B"], {"margin": 1.0, "mle_weight": 1.0}),
        ("c_rlft", ["B", "B"], {}),
    ],
)
def test_losses_are_not_reduced(name: str, arguments: list[str], options: dict[str, float]) -> None:
    shapes = {
        "B": torch.rand(3) + 1,
        "B_N": torch.rand(3, 4),
        "truth": torch.tensor([True, False, True]),
        "scalar": torch.tensor(0.1),
    }
    assert OBJECTIVES[name](*(shapes[shape] for shape in arguments), **options).shape == (3,)


@pytest.mark.parametrize(
    ("objective", "value"),
    [
        pytest.param(dpo_pair, math.log(2), id="dpo: -ln s(0) = ln 2"),
        pytest.param(ipo_pair, 1.0, id="ipo: 1 / (4 .5^2)"),
        pytest.param(ipo_sum_pair, 1.0, id="ipo_sum: 1 / (4 .5^2)"),
        pytest.param(kto_pair, 1.0, id="kto: 1/2 + 1/2"),
        pytest.param(sppo_pair, 3.8825, id="sppo: (5 .32)^2 + (5 .23)^2 = 2.56 + 1.3225"),
        pytest.param(sppo_hard_pair, 12.5, id="sppo_hard: 2 (5/2)^2"),
    ],
)
def test_the_loss_at_the_reference(objective: Pairwise, value: float) -> None:
    assert objective(row(0), row(0)).item() == pytest.approx(value)


@pytest.mark.parametrize("desirable", [GOOD, BAD])
def test_kto_of_either_kind_is_a_half_at_the_reference(desirable: Tensor) -> None:
    assert kto(row(0), desirable, NO_KL, beta=BETA).item() == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("objective", "slopes"),
    [
        pytest.param(dpo_pair, (-0.25, 0.25), id="dpo: -+ beta/2"),
        pytest.param(ipo_pair, (-0.5, 0.25), id="ipo: -+ 1/beta by 4 and 8 tokens"),
        pytest.param(ipo_sum_pair, (-2.0, 2.0), id="ipo_sum: -+ 1/beta"),
        pytest.param(kto_pair, (-0.125, 0.125), id="kto: -+ beta/4"),
        pytest.param(sppo_pair, (-3.2, 2.3), id="sppo: -2 5 .32 and 2 5 .23"),
        pytest.param(sppo_hard_pair, (-5.0, 5.0), id="sppo_hard: -+ eta"),
    ],
)
def test_the_slopes_at_the_reference(objective: Pairwise, slopes: tuple[float, float]) -> None:
    assert gradients(objective) == pytest.approx(slopes)


def test_sppo_does_not_move_a_policy_that_wins_half_the_time() -> None:
    half = row(0.5)
    assert gradients(lambda a, b: sppo(a, b, half, half, eta=1e3)) == (0.0, 0.0)


def test_hard_sppo_is_zero_half_a_step_from_the_reference() -> None:
    assert sppo_hard_pair(row(ETA / 2), row(-ETA / 2)).item() == 0.0


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(0.1, 1000))
def test_sppo_with_certain_labels_is_hard_sppo(a: float, b: float, eta: float) -> None:
    soft = sppo(row(a), row(b), row(1), row(0), eta=eta)
    assert soft.item() == pytest.approx(sppo_hard(row(a), row(b), eta=eta).item())


def test_sppo_of_two_responses_aims_symmetrically() -> None:
    """P_l = 1 - P_w puts the targets at +-5 (.7 - .5) = +-1."""
    assert sppo(row(1), row(-1), row(0.7), row(0.3), eta=ETA).item() == pytest.approx(0)


def test_sppo_may_stand_its_responses_on_either_side() -> None:
    swapped = sppo(row(-2), row(1), row(0.27), row(0.82), eta=ETA)
    assert swapped.item() == pytest.approx(sppo_pair(row(1), row(-2)).item())


@pytest.mark.parametrize("objective", [dpo_pair, ipo_sum_pair])
def test_only_the_gap_between_log_ratios_matters(objective: Pairwise) -> None:
    assert objective(row(8), row(5)).item() == pytest.approx(objective(row(1), row(-2)).item())


def test_only_the_gap_between_mean_log_ratios_matters() -> None:
    """Raising both means by 1 raises the sums by the lengths, 4 and 8."""
    assert ipo_pair(row(5), row(6)).item() == pytest.approx(ipo_pair(row(1), row(-2)).item())


@pytest.mark.parametrize("objective", [sppo_pair, sppo_hard_pair, kto_pair])
def test_each_log_ratio_matters_alone(objective: Pairwise) -> None:
    assert objective(row(8), row(5)).item() != pytest.approx(
        objective(row(1), row(-2)).item(), rel=0.01
    )


def test_saying_it_all_twice_changes_ipo_only_when_it_sums() -> None:
    twice = ipo(row(2), row(-4), row(8), row(16), beta=BETA)
    assert twice.item() == pytest.approx(ipo_pair(row(1), row(-2)).item())
    assert ipo_sum_pair(row(2), row(-4)).item() != pytest.approx(4.0)


def test_dpo_far_from_the_reference_stays_finite() -> None:
    assert dpo(row(-1e4), row(1e4), beta=1.0).item() == pytest.approx(2e4)


def test_no_gradient_flows_through_the_reference_point_of_kto() -> None:
    kl = torch.tensor(1.0, requires_grad=True)
    assert not kto(row(0), GOOD, kl, beta=BETA).requires_grad


def looped_ranks(candidates_N: list[float], margin: float) -> float:
    n = len(candidates_N)
    return sum(
        max(0.0, candidates_N[k] - candidates_N[j] + margin * (k - j))
        for j in range(n)
        for k in range(j + 1, n)
    )


@given(st.lists(st.floats(-5, 0), min_size=1, max_size=5), st.floats(0, 1))
def test_tuna_is_a_sum_over_pairs(candidates_N: list[float], margin: float) -> None:
    loss = tuna(row(*candidates_N)[None], row(-1), margin=margin, mle_weight=0.0)
    assert loss.item() == pytest.approx(looped_ranks(candidates_N, margin))


def test_tuna_of_four_equal_responses_pays_every_margin() -> None:
    """.1 (3 1 + 2 2 + 1 3) = 1."""
    loss = tuna(row(-2, -2, -2, -2)[None], row(-1), margin=0.1, mle_weight=0.0)
    assert loss.item() == pytest.approx(1.0)


def test_tuna_asks_nothing_of_responses_that_keep_their_distance() -> None:
    loss = tuna(row(-1, -1.25, -1.5, -1.75)[None], row(-1), margin=0.25, mle_weight=0.0)
    assert loss.item() == 0.0


def tuna_slopes(candidates_N: Tensor) -> tuple[list[float], float]:
    """By the candidates and by the original."""
    candidates_B_N, original_B = candidates_N[None].requires_grad_(), row(-1).requires_grad_()
    loss = tuna(candidates_B_N, original_B, margin=0.1, mle_weight=0.5).sum()
    ranked, original = torch.autograd.grad(loss, (candidates_B_N, original_B))
    return ranked[0].tolist(), original.item()


def test_tuna_raises_the_better_and_lowers_the_worse() -> None:
    assert tuna_slopes(row(-2, -2, -2, -2))[0] == [-3.0, -1.0, 1.0, 3.0]


def test_the_opposite_ranking_turns_every_slope_round() -> None:
    ranked = row(-2.00, -2.01, -2.02, -2.03)
    opposite = tuna_slopes(ranked.flip(0))[0]
    assert tuna_slopes(ranked)[0] == [-slope for slope in reversed(opposite)]


def test_the_likelihood_of_tuna_touches_the_original_alone() -> None:
    assert tuna_slopes(row(-1, -2, -3, -4)) == ([0.0, 0.0, 0.0, 0.0], -0.5)


END = 9
LABELS = torch.tensor([[IGNORED, IGNORED, 3, 1, END], [IGNORED, 4, END, IGNORED, IGNORED]])


def logits(seed: int = 0) -> Tensor:
    return torch.randn(2, 5, 10, generator=torch.Generator().manual_seed(seed))


def looped_logps(logits_B_T_V: Tensor, labels_B_T: Tensor) -> list[float]:
    return [
        sum(
            logits_T_V[t].double().log_softmax(0)[label].item()
            for t, label in enumerate(labels_T[1:])
            if label != IGNORED
        )
        for logits_T_V, labels_T in zip(logits_B_T_V, labels_B_T, strict=True)
    ]


def test_each_token_is_predicted_from_those_before_it() -> None:
    expected = looped_logps(logits(), LABELS)
    assert sequence_logps(logits(), LABELS).tolist() == pytest.approx(expected, rel=1e-5)


def test_the_end_token_counts() -> None:
    """Ten equally likely words: -3 ln 10 with the end token, -2 ln 10 without."""
    flat, unended = torch.zeros(2, 5, 10), LABELS.masked_fill(LABELS == END, IGNORED)
    three, two = -3 * math.log(10), -2 * math.log(10)
    assert sequence_logps(flat, LABELS).tolist() == pytest.approx([three, two])
    assert sequence_logps(flat, unended).tolist() == pytest.approx([two, two / 2])


def test_lengths_count_the_tokens_that_are_summed() -> None:
    assert sequence_lengths(LABELS).tolist() == [3, 2]


def test_a_first_token_that_nothing_precedes_is_not_counted() -> None:
    everything = torch.tensor([[5, 3, END]])
    assert sequence_lengths(everything).tolist() == [2]


@pytest.mark.parametrize("side", [(2, 0), (0, 3)], ids=["left", "right"])
def test_padding_on_either_side_changes_nothing(side: tuple[int, int]) -> None:
    padded = torch.nn.functional.pad(LABELS, side, value=IGNORED)
    padded_logits = torch.nn.functional.pad(logits(), (0, 0, *side), value=7.0)
    assert sequence_logps(padded_logits, padded).equal(sequence_logps(logits(), LABELS))
    assert sequence_lengths(padded).equal(sequence_lengths(LABELS))


def test_what_is_said_of_prompt_and_padding_is_never_read() -> None:
    spoilt = logits()
    spoilt[:, -1] = torch.nan
    spoilt[0, 0] = torch.nan
    spoilt[1, 2:] = torch.nan
    assert sequence_logps(spoilt, LABELS).equal(sequence_logps(logits(), LABELS))


def test_prompt_and_padding_get_no_gradient() -> None:
    logits_B_T_V = logits().requires_grad_()
    (slopes,) = torch.autograd.grad(sequence_logps(logits_B_T_V, LABELS).sum(), logits_B_T_V)
    moved = slopes.abs().sum(-1) > 0
    assert moved.int().tolist() == [[0, 1, 1, 1, 0], [1, 1, 0, 0, 0]]


def test_half_precision_logits_are_summed_in_full() -> None:
    half = logits().bfloat16()
    assert sequence_logps(half, LABELS).dtype == torch.float32
    expected = looped_logps(half, LABELS)
    assert sequence_logps(half, LABELS).tolist() == pytest.approx(expected, rel=1e-5)


def test_a_row_without_a_response_sums_to_nothing() -> None:
    assert sequence_logps(logits(), torch.full((2, 5), IGNORED)).tolist() == [0.0, 0.0]


WEIGHT = torch.tensor([1.0, 0.1])


def learnt(weight_B: Tensor, rows: tuple[int, ...] = (0, 1), parts: int = 1) -> Tensor:
    """Gradient by the logits of one optimiser step over micro-batches, divided as documented."""
    logits_B_T_V = logits().requires_grad_()
    total = (weight_B * sequence_lengths(LABELS))[list(rows)].sum()
    slopes = torch.zeros_like(logits_B_T_V)
    for part in torch.tensor(rows).chunk(parts):
        logps = sequence_logps(logits_B_T_V[part], LABELS[part])
        loss = c_rlft(logps, weight_B[part]).sum() / total
        slopes += torch.autograd.grad(loss, logits_B_T_V)[0]
    return slopes


def test_only_ratios_of_class_weights_matter() -> None:
    torch.testing.assert_close(learnt(WEIGHT), learnt(WEIGHT * 7))


def test_a_class_without_weight_is_as_if_it_were_not_there() -> None:
    torch.testing.assert_close(learnt(row(1, 0).float()), learnt(WEIGHT, rows=(0,)))


def test_a_step_of_poor_data_alone_is_as_long_as_any() -> None:
    poor = learnt(WEIGHT, rows=(1,))
    torch.testing.assert_close(poor, learnt(torch.ones(2), rows=(1,)))


def test_micro_batches_add_up_to_the_whole_step() -> None:
    torch.testing.assert_close(learnt(WEIGHT, parts=2), learnt(WEIGHT))


def test_class_weights_of_one_are_plain_fine_tuning() -> None:
    logits_B_T_V = logits().requires_grad_()
    loss = sft(sequence_logps(logits_B_T_V, LABELS)).sum() / sequence_lengths(LABELS).sum()
    (expected,) = torch.autograd.grad(loss, logits_B_T_V)
    torch.testing.assert_close(learnt(torch.ones(2)), expected)


def test_plain_fine_tuning_is_the_token_mean_that_everyone_reports() -> None:
    loss = sft(sequence_logps(logits(), LABELS)).sum() / sequence_lengths(LABELS).sum()
    usual = torch.nn.functional.cross_entropy(logits()[:, :-1].mT, LABELS[:, 1:])
    torch.testing.assert_close(loss, usual)


def test_every_objective_of_the_module_goes_by_its_own_name() -> None:
    functions: dict[str, Objective] = dict(inspect.getmembers(objectives, inspect.isfunction))
    mine = {
        name: function
        for name, function in functions.items()
        if function.__module__ == objectives.__name__ and not name.startswith(("_", "sequence_"))
    }
    assert mine == OBJECTIVES
