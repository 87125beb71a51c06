"""Rows that a network reads together, on a cache of what they have read.

Shapes: B rows, U different prompts among them, T positions, V vocabulary.
"""

from collections.abc import Sequence
from inspect import signature
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from harness.models.local.sampling import Request

_CACHES = ("past_key_values", "cache_params")
"""What architectures call the cache that they take and give back."""
_SPARE = 16
"""Tokens that a cache gets room for whenever it has none left."""


class Batch:
    """Prompts, padded on the left, and their answers as far as they go.

    Architectures differ in what they take, and each tells in `prepare_inputs_for_generation`. One
    that gives back no cache whose rows can be selected reads the whole text for every token.

    Args:
        model: A causal language model of transformers.
        requests: One for each row.
    """

    def __init__(self, model: Any, requests: Sequence[Request]) -> None:
        limits: dict[tuple[int, ...], int] = {}
        for request in requests:
            ids = tuple(request.ids)
            limits[ids] = max(limits.get(ids, 0), request.decoding.max_tokens)
        place = {ids: u for u, ids in enumerate(limits)}
        same = [place[tuple(request.ids)] for request in requests]
        self.rows_B = torch.arange(len(requests), device=model.device)
        """Which of the requests each row is."""
        self._prompt_B = torch.tensor(same, device=model.device)
        self._end = max(map(len, limits))
        self._model = model
        accepted = signature(model.forward).parameters
        laid_out = _laid_out(limits).items()
        self._told = {name: t.to(model.device) for name, t in laid_out if name in accepted}
        self._last_only = {"logits_to_keep": 1} if "logits_to_keep" in accepted else {}
        self._cache_name = next((name for name in _CACHES if name in accepted), "")
        self._cache: Any = None

    def start(self) -> Tensor:
        """Reads each different prompt once; logits [B, V] of the first tokens, in float32."""
        logits_U_V = self._read()
        self._select(self._prompt_B)
        return logits_U_V[self._prompt_B]

    def go_on(self, tokens_B: Tensor) -> Tensor:
        """Reads one more token in each row; logits [B, V] of the next, in float32."""
        self._told["input_ids"][:, self._end] = tokens_B
        self._end += 1
        return self._read()

    def keep(self, kept: Tensor) -> None:
        """Leaves all rows out but these."""
        self.rows_B = self.rows_B[kept]
        self._select(kept)

    def _select(self, rows: Tensor) -> None:
        self._told = {name: told.index_select(0, rows) for name, told in self._told.items()}
        if self._cache:
            self._cache.reorder_cache(rows)

    def _read(self) -> Tensor:
        inputs = self._model.prepare_inputs_for_generation(
            **{name: told_B_T[:, : self._end] for name, told_B_T in self._told.items()},
            **{self._cache_name: self._cache} if self._cache else {},
            **self._last_only,
            next_sequence_length=1 if self._cache else None,
            is_first_iteration=not self._cache,
            use_cache=True,
        )
        out = self._model(**inputs, return_dict=True)
        self._cache = _roomy(out.get(self._cache_name))
        logits_B_V: Tensor = out.logits[:, -1].float()
        return logits_B_V


def _laid_out(limits: dict[tuple[int, ...], int]) -> dict[str, Tensor]:
    """Ids, mask and positions [U, T] of prompts with the most tokens that may follow each."""
    width, room = max(map(len, limits)), max(limits.values())
    column_T = torch.arange(width + room)
    first_U_1 = torch.tensor([[width - len(ids)] for ids in limits])
    last_U_1 = torch.tensor([[len(ids) + limit - 1] for ids, limit in limits.items()])
    return {
        "input_ids": torch.tensor(
            [[0] * (width - len(ids)) + [*ids] + [0] * room for ids in limits]
        ),
        "attention_mask": (column_T >= first_U_1).long(),
        # Rows that have ended and are not left out yet stay inside the window.
        "position_ids": (column_T - first_U_1).clamp(min=0).minimum(last_U_1),
    }


class _Layer(DynamicLayer):  # type: ignore[no-untyped-call] # transformers leaves it untyped
    """Keys and values with room behind them, where transformers copies all of them for a token."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # as above
        self.lazy_initialization(keys, values)
        self._show(keys, values, keys.shape[-2])

    def update(
        self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """All keys and values, the new ones at the end."""
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        keys, values = self._whole
        if (lacking := end - keys.shape[-2]) > 0:
            room = (0, 0, 0, lacking + _SPARE)
            keys, values = pad(keys, room), pad(values, room)
        keys[..., start:end, :] = key_states
        values[..., start:end, :] = value_states
        return self._show(keys, values, end)

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Goes on with these rows."""
        keys, values = (whole.index_select(0, beam_idx) for whole in self._whole)
        self._show(keys, values, self.get_seq_length())

    def _show(self, keys: Tensor, values: Tensor, end: int) -> tuple[Tensor, Tensor]:
        self._whole = keys, values
        self.keys, self.values = keys[..., :end, :], values[..., :end, :]
        return self.keys, self.values


def _roomy(cache: Any) -> Any:
    """The cache, its plain layers with room; None if its architecture has one of its own kind."""
    if type(cache) is not DynamicCache:
        return None
    for at, layer in enumerate(cache.layers):
        if type(layer) is DynamicLayer and layer.keys is not None and layer.values is not None:
            cache.layers[at] = _Layer(layer.keys, layer.values)
    return cache
