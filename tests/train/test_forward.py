"""A prompt computed once for several responses gives what each gives alone."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from train.forward import apart, collate, response_logps
from train.objectives import sequence_logps
from train.rows import Row

pytest_plugins = ["tests.tiny.fixtures"]
ROWS = [
    Row([6, 7, 8], [[9, 10, 4], [11, 4]], {"p": 0.25}),
    Row([6], [[12, 4], [13, 14, 15, 16, 4]], {"p": 0.5}),
    Row([17, 18, 19, 20, 21], [[4], [22, 23]], {"p": 1.0}),
]


@pytest.fixture(scope="module")
def network(checkpoint: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(checkpoint).requires_grad_(requires_grad=False)


def one_by_one(network: Any, rows: list[Row]) -> Tensor:
    """The slow way: every response in a sequence of its own, without padding, from all logits."""
    return torch.tensor(
        [[_alone(network, row.prompt, answer) for answer in row.responses] for row in rows]
    )


def _alone(network: Any, prompt: list[int], response: list[int]) -> float:
    labels = torch.tensor([[-100] * len(prompt) + response])
    logits = network(torch.tensor([prompt + response])).logits
    return float(sequence_logps(logits, labels)[0])


@pytest.mark.parametrize("layout", [None, apart])
def test_log_probabilities_are_those_of_each_response_alone(network: Any, layout: Any) -> None:
    batch = collate(ROWS, layout=layout) if layout else collate(ROWS)
    got = response_logps(network, batch)
    torch.testing.assert_close(got, one_by_one(network, ROWS), rtol=1e-4, atol=1e-4)


def test_single_responses_need_no_mask_of_their_own(network: Any) -> None:
    rows = [Row(row.prompt, row.responses[:1], {}) for row in ROWS]
    batch = collate(rows)
    assert batch.mask.shape == batch.ids_B_T.shape
    got = response_logps(network, batch)
    torch.testing.assert_close(got, one_by_one(network, rows), rtol=1e-4, atol=1e-4)


def test_gradients_are_those_of_each_response_alone(checkpoint: Path) -> None:
    from transformers import AutoModelForCausalLM

    gradients = []
    for layout in (None, apart):
        network: Any = AutoModelForCausalLM.from_pretrained(checkpoint)
        batch = collate(ROWS, layout=layout) if layout else collate(ROWS)
        weight = network.model.layers[0].mlp.up_proj.weight
        gradients += torch.autograd.grad(response_logps(network, batch).sum(), weight)
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-3)


def test_a_shared_prompt_costs_its_tokens_once() -> None:
    assert collate(ROWS).ids_B_T.shape == (3, 5 + 3 + 5)
    assert collate(ROWS, layout=apart).ids_B_T.shape == (6, 5 + 5)


def test_responses_do_not_see_each_other_nor_what_comes() -> None:
    [[sees]] = collate([Row([6, 7], [[8, 9], [10]], {})]).mask.int().tolist()
    assert sees == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 1, 1, 0],
        [1, 1, 0, 0, 1],
    ]


def test_every_response_goes_on_from_the_prompts_position() -> None:
    batch = collate([Row([6, 7], [[8, 9], [10, 11]], {})])
    assert batch.positions_B_T.tolist() == [[0, 1, 2, 3, 2, 3]]


def test_lengths_facts_and_reference_are_those_of_the_rows() -> None:
    known = [[-1.0, -2.0]] * 3
    for batch in (collate(ROWS, known), collate(ROWS, known, apart)):
        assert batch.lengths_B_R.tolist() == [[3, 2], [2, 5], [1, 2]]
        assert batch.facts["p"].tolist() == [0.25, 0.5, 1.0]
        assert batch.reference_B_R is not None
        assert batch.reference_B_R.shape == (3, 2)


def test_a_fact_that_a_row_lacks_is_not_told() -> None:
    lacking = ROWS[0]._replace(facts={"q": 1.0})
    assert set(collate([ROWS[0], lacking]).facts) == set()
    assert set(collate([lacking]).facts) == {"q"}


def test_a_batch_moves_whole() -> None:
    moved = collate(ROWS, [[0.0, 0.0]] * 3).to("meta")
    tensors = [*vars(moved).values(), *moved.facts.values()]
    assert {t.device.type for t in tensors if isinstance(t, Tensor)} == {"meta"}
