"""Log-probabilities of responses under a network, prompts computed once for all their responses.

Letters that end a name: B rows, R responses to each prompt, P columns of prompts, A columns of all
responses, T = P + A, N response tokens of the whole batch, V words of the vocabulary.

A row is laid out as prompt, first response, second response, ...: a response sees its prompt and
itself, and its positions go on from the prompt's. So a pair costs one prompt, not two. Prompts are
padded on the left, so that all responses begin in one column and no logits of prompts are made.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from train.rows import Row


@dataclass(frozen=True)
class Batch:
    """Rows of one forward pass, as tensors."""

    ids_B_T: Tensor
    positions_B_T: Tensor
    mask: Tensor
    """What each token sees, [B, 1, T, T]; with single responses, what is no padding, [B, T]."""
    n_prompt: int
    """P."""
    predictor_N: Tensor
    """Where in the kept logits, counted through all rows, each response token is foretold."""
    target_N: Tensor
    """The response tokens."""
    owner_N: Tensor
    """Whose token it is: row * R + response."""
    lengths_B_R: Tensor
    """Tokens of each response, as float."""
    facts: Mapping[str, Tensor]
    """Facts of the rows, each [B]."""
    counted_B: Tensor
    """1, or 0 for a row that only fills a process's part of the last step."""
    reference_B_R: Tensor | None = None
    """Log-probabilities of the responses under the reference."""

    def to(self, device: Any) -> Self:
        """The batch on a device."""
        moved: dict[str, Any] = {
            name: value.to(device)
            for name, value in vars(self).items()
            if isinstance(value, Tensor)
        }
        facts = {name: fact.to(device) for name, fact in self.facts.items()}
        return replace(self, facts=facts, **moved)


Layout = Callable[[Sequence[Row]], Sequence[Row]]
"""Which responses stand behind one prompt: `together` or `apart`."""


def together(rows: Sequence[Row]) -> Sequence[Row]:
    """All responses to a prompt behind it, so that it is computed once."""
    return rows


def apart(rows: Sequence[Row]) -> Sequence[Row]:
    """Each response behind a prompt of its own, for networks that read nothing else."""
    return [Row(row.prompt, [response], row.facts) for row in rows for response in row.responses]


def collate(
    rows: Sequence[Row],
    reference: Sequence[Sequence[float]] | None = None,
    layout: Layout = together,
) -> Batch:
    """Rows as one batch.

    Args:
        rows: All with the same number of responses; a fact is told if all have it.
        reference: Log-probabilities of the responses of each row under the reference.
        layout: `together` or `apart`; it changes the cost and nothing else.
    """
    laid = layout(rows)
    n_prompt = max(len(row.prompt) for row in laid)
    widths = [max(map(len, column)) for column in zip(*_responses(laid), strict=True)]
    columns = zip(*(_lay_out(row, n_prompt, widths) for row in laid), strict=True)
    ids_B_T, positions_B_T, block_B_T = map(torch.tensor, columns)
    places = [(at, *place) for at, row in enumerate(laid) for place in _places(row, widths)]
    row_N, column_N, number_N, target_N = torch.tensor(places).T.contiguous()
    return Batch(
        ids_B_T,
        positions_B_T,
        block_B_T != _PADDING if len(widths) == 1 else _sees(block_B_T),
        n_prompt,
        row_N * (sum(widths) + 1) + column_N,
        target_N,
        row_N * len(widths) + number_N,
        torch.tensor([[float(len(response)) for response in row.responses] for row in rows]),
        {name: torch.tensor([row.facts[name] for row in rows]) for name in _shared_facts(rows)},
        torch.ones(len(rows)),
        None if reference is None else torch.tensor(reference),
    )


_PADDING, _PROMPT = -2, -1


def _responses(rows: Sequence[Row]) -> list[list[list[int]]]:
    return [row.responses for row in rows]


def _shared_facts(rows: Sequence[Row]) -> list[str]:
    """Facts that every row has: examples of several sources may differ in the others."""
    return [name for name in rows[0].facts if all(name in row.facts for row in rows)]


def _lay_out(
    row: Row, n_prompt: int, widths: Sequence[int]
) -> tuple[list[int], list[int], list[int]]:
    """Ids, positions and blocks of a row's columns: what is no prompt nor response is padding."""
    known = len(row.prompt)
    left = n_prompt - known
    ids = [0] * left + row.prompt
    positions = [0] * left + list(range(known))
    blocks = [_PADDING] * left + [_PROMPT] * known
    for number, (response, width) in enumerate(zip(row.responses, widths, strict=True)):
        n, right = len(response), width - len(response)
        ids += response + [0] * right
        positions += [*range(known, known + n), *[0] * right]
        blocks += [number] * n + [_PADDING] * right
    return ids, positions, blocks


def _places(row: Row, widths: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Of each response token: where it is foretold, whose it is, and the token itself."""
    for number, (start, response) in enumerate(
        zip(accumulate(widths, initial=0), row.responses, strict=False)
    ):
        # The last token of the prompt, column 0, foretells the first of every response.
        foretold = (0, *range(start + 1, start + len(response)))
        yield from zip(foretold, [number] * len(response), response, strict=True)


def _sees(block_B_T: Tensor) -> Tensor:
    """Which token sees which, [B, 1, T, T]: the prompt and its own response, never what comes."""
    query_B_T_1, key_B_1_T = block_B_T[:, :, None], block_B_T[:, None, :]
    width = block_B_T.shape[1]
    past_T_T = torch.ones(width, width, dtype=torch.bool).tril()
    return (past_T_T & ((key_B_1_T == query_B_T_1) | (key_B_1_T == _PROMPT)))[:, None]


def response_logps(network: Any, batch: Batch) -> Tensor:
    """Log-probability of each response in nats, summed over its tokens, as float32.

    Args:
        network: A causal language model of transformers, or what accelerate makes of it.
        batch: From `collate`.

    Returns:
        Shape [B, R].
    """
    logits_B_A_V = network(
        input_ids=batch.ids_B_T,
        position_ids=batch.positions_B_T,
        attention_mask=batch.mask,
        use_cache=False,
        logits_to_keep=batch.ids_B_T.shape[1] - batch.n_prompt + 1,
    ).logits
    logits_N_V = logits_B_A_V.flatten(0, 1)[batch.predictor_N].float()
    logps_N = -cross_entropy(logits_N_V, batch.target_N, reduction="none")
    lengths_B_R = batch.lengths_B_R
    summed = logps_N.new_zeros(lengths_B_R.numel()).index_add(0, batch.owner_N, logps_N)
    return summed.view_as(lengths_B_R)
