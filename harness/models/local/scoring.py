"""Log-probabilities of given texts, with each token read once however many rows begin with it.

Log-softmax is in float32 whatever the precision of the weights.

Shapes: N new nodes of a pack, M all of its nodes, R nodes that are read, V vocabulary.
"""

from collections.abc import Iterator, Sequence
from inspect import signature
from itertools import pairwise
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from harness.errors import ModelError
from harness.models.local.network import not_finite
from harness.models.local.packing import Pack, packs
from harness.models.local.pairs import Row, Told

_NODES = (256, 4096)
"""Fewest and most tokens that are read in one pass."""
_FEWEST_NODES = 64
_AT_ONCE = 256
"""Rows of logits that are taken to float32 together."""
_ONE_PASS, _SEVERAL = 200, 20
"""Tokens of a pass that reads all pieces, and of passes that each go on from the one before."""
_ALIKE = {torch.float32: 1e-3}
"""Mean difference of log-probabilities up to which two ways to read are the same."""
_ALIKE_ELSEWHERE = 0.2


def score(model: Any, rows: Sequence[Row]) -> list[Told]:
    """What the network says of each row, in the order of the rows.

    Raises:
        ModelError: The logits are not numbers, or a row does not fit into memory.
    """
    if not rows:
        return []
    order = sorted(range(len(rows)), key=lambda i: rows[i].ids)
    in_order = [rows[i] for i in order]
    with torch.inference_mode():
        told = dict(zip(order, _read(model, in_order), strict=True))
    return [told[i] for i in range(len(rows))]


def _read(model: Any, rows: Sequence[Row]) -> list[Told]:
    shares = can_share(model, rows)
    most = most_nodes(model)
    while True:
        try:
            return list(_shared(model, rows, most) if shares else _apart(model, rows, most))
        except torch.OutOfMemoryError as error:
            if most <= _FEWEST_NODES:
                raise ModelError(
                    f"a context of {max(len(row.ids) for row in rows)} tokens does not fit into "
                    f"the memory of {model.device}; use a larger device or a smaller dtype"
                ) from error
        torch.cuda.empty_cache()
        most //= 2


def most_nodes(model: Any) -> int:
    """Tokens of one pass: as many as the network is wide.

    Rows of a pass attend to each other in vain where they share nothing, which costs little next
    to the rest as long as there are not many more tokens than features.
    """
    fewest, most = _NODES
    width = getattr(model.config.get_text_config(), "hidden_size", fewest)
    return min(max(fewest, width), most)


def can_share(model: Any, rows: Sequence[Row]) -> bool:
    """Whether rows may be read as a tree: the network takes the mask, and says the same with it.

    Args:
        model: A causal language model of transformers.
        rows: What is to be read; a short piece of the first is tried.
    """
    if not {"position_ids", "attention_mask"} <= signature(model.forward).parameters.keys():
        return False
    narrow = getattr(model.config.get_text_config(), "sliding_window", None)
    if narrow is not None and max(len(row.ids) for row in rows) > narrow:
        return False
    if model not in _agrees:
        _agrees[model] = _tried(model, rows[0].ids)
    return _agrees[model]


_agrees: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()
"""Networks that were shown a tree, and whether they read it right."""


def _tried(model: Any, ids: list[int]) -> bool:
    tried = _pieces(ids)
    apart = list(_apart(model, tried, 64))
    ways = [list(_shared(model, tried, most)) for most in (_ONE_PASS, _SEVERAL)]
    limit = _ALIKE.get(model.dtype, _ALIKE_ELSEWHERE)
    return all(_gap(way, apart) <= limit for way in ways)


def _gap(ours: Sequence[Told], theirs: Sequence[Told]) -> float:
    pairs = [
        pair
        for a, b in zip(ours, theirs, strict=True)
        for pair in zip(a.logprobs, b.logprobs, strict=True)
    ]
    return sum(abs(one - other) for one, other in pairs) / len(pairs)


def _pieces(ids: list[int]) -> list[Row]:
    """Rows that branch twice."""
    whole = (ids * 48)[:48]
    texts = [whole, whole[:24] + whole[8:24], whole[:12] + whole[6:24]]
    return sorted(Row(text[:-1], text[-4:]) for text in texts)


def _shared(model: Any, rows: Sequence[Row], most: int) -> Iterator[Told]:
    """Reads the rows as a tree."""
    cache, waiting = None, iter(rows)
    carry = "past_key_values" in signature(model.forward).parameters
    for pack in packs(rows, most, carry=carry and _is_plain(model)):
        logits_R_V, cache = _pass(model, pack, _selected(cache, pack.carried))
        yield from _told(logits_R_V, pack.reads, [next(waiting) for _ in pack.reads], model)


def _pass(model: Any, pack: Pack, cache: Any) -> tuple[Tensor, Any]:
    device, depth_N = model.device, torch.tensor(pack.depth_N, device=model.device)
    reads_R = torch.tensor(_nodes(pack.reads), device=device)
    lean = "logits_to_keep" in signature(model.forward).parameters
    out = model(
        input_ids=torch.tensor([pack.ids_N], device=device),
        position_ids=depth_N[None],
        attention_mask=_mask(pack, model) if pack.branches else None,
        past_key_values=cache,
        use_cache=True,
        return_dict=True,
        **{"logits_to_keep": reads_R} if lean else {},
    )
    return out.logits[0] if lean else out.logits[0, reads_R], out.past_key_values


def _nodes(reads: Sequence[Sequence[int]]) -> list[int]:
    return sorted({node for row in reads for node in row})


def _mask(pack: Pack, model: Any) -> Tensor:
    """What is added to attention [1, 1, N, M]: 0 where a node is seen."""
    end_M = torch.tensor(pack.end_M, device=model.device)
    node_M = torch.arange(len(end_M), device=model.device)
    here_N_1 = node_M[len(pack.carried) :, None]
    seen_N_M = (node_M <= here_N_1) & (here_N_1 < end_M)
    unseen = torch.finfo(model.dtype).min
    zero = torch.zeros((), dtype=model.dtype, device=model.device)
    return torch.where(seen_N_M, zero, unseen)[None, None]


def _is_plain(model: Any) -> bool:
    """Whether the cache is one whose tokens can be selected."""
    layers = DynamicCache(config=model.config).layers
    return all(type(layer) is DynamicLayer for layer in layers)


def _selected(cache: Any, nodes: list[int]) -> Any:
    """The cache with these nodes alone; None if there are none."""
    if not nodes:
        return None
    for layer in cache.layers:
        at = torch.tensor(nodes, device=layer.keys.device)
        layer.keys = layer.keys.index_select(-2, at)
        layer.values = layer.values.index_select(-2, at)
    return cache


def _apart(model: Any, rows: Sequence[Row], most: int) -> Iterator[Told]:
    """Reads the rows side by side, padded on the right, those that are the same once."""
    alike: dict[tuple[int, ...], list[Row]] = {}
    for row in rows:
        alike.setdefault(tuple(row.ids), []).append(row)
    told: dict[tuple[int, ...], list[Told]] = {}
    for texts in _batches(sorted(alike, key=len), most):
        width = max(map(len, texts))
        ids_B_T = torch.tensor([[*ids, *[0] * (width - len(ids))] for ids in texts])
        logits_B_T_V = model(input_ids=ids_B_T.to(model.device), return_dict=True).logits
        for ids, logits_T_V in zip(texts, logits_B_T_V, strict=True):
            places = [list(range(row.first, len(ids))) for row in alike[ids]]
            kept = torch.tensor(_nodes(places), device=model.device)
            told[ids] = list(_told(logits_T_V[kept], places, alike[ids], model))
    waiting = {ids: iter(found) for ids, found in told.items()}
    return iter([next(waiting[tuple(row.ids)]) for row in rows])


def _batches(texts: Sequence[tuple[int, ...]], most: int) -> Iterator[Sequence[tuple[int, ...]]]:
    """Texts from the shortest on, as many as have no more tokens together with their padding."""
    bounds = [0]
    for end in range(1, len(texts)):
        if (end + 1 - bounds[-1]) * len(texts[end]) > most:
            bounds.append(end)
    for start, end in pairwise([*bounds, len(texts)]):
        yield texts[start:end]


def _told(
    logits_R_V: Tensor, reads: Sequence[Sequence[int]], rows: Sequence[Row], model: Any
) -> Iterator[Told]:
    total_R, best_R = _summed(logits_R_V)
    if not bool(total_R.isfinite().all()):
        raise not_finite(model)
    place = {node: r for r, node in enumerate(_nodes(reads))}
    at = torch.tensor([place[node] for row in reads for node in row], device=model.device)
    targets = torch.tensor([target for row in rows for target in row.targets], device=model.device)
    logps = (logits_R_V[at, targets].float() - total_R[at]).clamp(max=0).tolist()
    hits = (best_R[at] == targets).tolist()
    start = 0
    for row in rows:
        end = start + len(row.targets)
        yield Told(logps[start:end], all(hits[start:end]))
        start = end


def _summed(logits_R_V: Tensor) -> tuple[Tensor, Tensor]:
    """Logarithm of the sum of exponentials [R], in float32, and the likeliest token [R]."""
    parts: tuple[Tensor, ...] = torch.split(logits_R_V, _AT_ONCE)
    total_R = torch.cat([part.float().logsumexp(-1) for part in parts])
    return total_R, torch.cat([part.argmax(-1) for part in parts])
