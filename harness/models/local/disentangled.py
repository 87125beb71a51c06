"""DeBERTa's attention for reading only: the same numbers as transformers', in fewer passes.

transformers projects the positions anew in every layer of every call, and walks over a matrix of
queries by keys about ten times a layer. Here positions are projected once for all calls, both of
their terms become the bias of one fused attention, and short rows meet only the distances that
they have.

Source: arXiv 2006.03654, equation 4; transformers 5.19, modeling_deberta_v2.py, for the buckets.

Shapes: B rows, L tokens, N heads, D the width of a head, H the hidden size, P buckets of distances.
"""

from functools import lru_cache
from math import sqrt
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention


def applies(encoder: Any) -> bool:
    """Whether an encoder can be read so: as published, its positions are all that is peculiar."""
    config = encoder.config
    both = {"c2p", "p2c"} == set(config.pos_att_type or ())
    return bool(config.relative_attention and both and encoder.encoder.conv is None)


class Reader:
    """Reads rows with the weights of a DebertaV2Model, which must not change any more."""

    def __init__(self, encoder: Any) -> None:
        self._encoder = encoder
        attention = encoder.encoder.layer[0].attention.self
        self._heads = attention.num_attention_heads
        self._span = attention.pos_ebd_size
        self._scale = 1 / sqrt(3 * attention.attention_head_size)
        positions_P_H = encoder.encoder.get_rel_embedding()[: 2 * self._span]
        self._positions = [
            self._projected(layer.attention.self, positions_P_H) for layer in encoder.encoder.layer
        ]
        self._offsets = lru_cache(64)(self._count_offsets)

    def __call__(self, ids_B_L: Tensor, mask_B_L: Tensor) -> Tensor:
        """The last hidden states, of shape [B, L, H]; those of padding mean nothing."""
        hidden_B_L_H: Tensor = self._encoder.embeddings(input_ids=ids_B_L, mask=mask_B_L)
        hidden = None if mask_B_L.all() else mask_B_L[:, None, None, :] == 0
        for layer, positions in zip(self._encoder.encoder.layer, self._positions, strict=True):
            attended = self._attend(layer.attention.self, positions, hidden_B_L_H, hidden)
            attended = layer.attention.output(attended, hidden_B_L_H)
            hidden_B_L_H = layer.output(layer.intermediate(attended), attended)
        return hidden_B_L_H

    def _attend(
        self,
        attention: Any,
        positions: tuple[Tensor, Tensor],
        hidden_B_L_H: Tensor,
        padding: Tensor | None,
    ) -> Tensor:
        query, key, value = (
            self._split(project(hidden_B_L_H))
            for project in (attention.query_proj, attention.key_proj, attention.value_proj)
        )
        to_key, to_query = self._offsets(hidden_B_L_H.shape[1])
        as_key, as_query = positions
        bias = self._by_offset(query, as_key, to_key)
        bias = bias + self._by_offset(key, as_query, to_query).transpose(-1, -2)
        if padding is not None:
            bias = bias.masked_fill(padding, torch.finfo(query.dtype).min)
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=self._scale)
        return mixed.transpose(1, 2).flatten(2)

    def _by_offset(self, states_B_N_L_D: Tensor, positions_N_P_D: Tensor, at: Tensor) -> Tensor:
        """What each token makes of its distance to each other one: shape [B, N, L, L].

        Args:
            states_B_N_L_D: Queries or keys.
            positions_N_P_D: Projected positions, scaled.
            at: The bucket of each distance i - j, from L - 1 down to 1 - L.
        """
        b, n, length, _ = states_B_N_L_D.shape
        if len(at) > positions_N_P_D.shape[1]:
            by_bucket = states_B_N_L_D @ positions_N_P_D.transpose(-1, -2)
            buckets_L_L = at.unfold(0, length, 1).flip(0)
            return by_bucket.gather(-1, buckets_L_L.expand(b, n, length, length))
        by_offset = states_B_N_L_D @ positions_N_P_D[:, at].transpose(-1, -2)
        # Row i begins one offset earlier than row i - 1: as a view, each row starts one later.
        row = len(at)
        strides = (n * length * row, length * row, row - 1, 1)
        return by_offset.as_strided((b, n, length, length), strides, length - 1)

    def _projected(self, attention: Any, positions_P_H: Tensor) -> tuple[Tensor, Tensor]:
        """Positions as keys and as queries, scaled, each of shape [N, P, D]."""
        prefix = "" if attention.share_att_key else "pos_"
        as_key, as_query = (
            self._split(getattr(attention, f"{prefix}{name}_proj")(positions_P_H[None]))[0]
            for name in ("key", "query")
        )
        return as_key * self._scale, as_query * self._scale

    def _split(self, states_B_L_H: Tensor) -> Tensor:
        """Heads apart: shape [B, N, L, D]."""
        b, length, _ = states_B_L_H.shape
        return states_B_L_H.view(b, length, self._heads, -1).transpose(1, 2)

    def _count_offsets(self, length: int) -> tuple[Tensor, Tensor]:
        """Buckets of the distances i - j from L - 1 down to 1 - L, for queries and for keys."""
        row = torch.zeros(1, length, 1, device=self._encoder.device)
        bucket_L_L = self._encoder.encoder.get_rel_pos(row)[0]
        bucket = torch.cat([bucket_L_L[:, 0].flip(0), bucket_L_L[0, 1:]])
        last = 2 * self._span - 1
        return (bucket + self._span).clamp(0, last), (self._span - bucket).clamp(0, last)
