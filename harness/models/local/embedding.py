"""Texts as vectors: the last layer of a checkpoint, averaged over the tokens of each text."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from harness.errors import DataError
from harness.models.local.loading import Checkpoint, load_tokenizer, read_body
from harness.models.local.slot import Slot

Array = npt.NDArray[np.float64]

_NO_LIMIT = 1_000_000_000
_bodies: Slot[Checkpoint, Any] = Slot(read_body)


def embed(checkpoint: Checkpoint, texts: Sequence[str], batch_size: int = 16) -> Array:
    """A vector for each text, of shape [N, D]: the mean of what the last layer makes of its tokens.

    A text longer than the checkpoint's window is read up to there, its closing marks kept. What
    shares a batch with a text does not change its vector beyond rounding.

    Args:
        checkpoint: A causal language model or an encoder, a sentence-embedding model say. What such
            a model does behind the mean, a projection or a norm, is left out.
        texts: In the order of the vectors; none is empty.
        batch_size: Texts in one forward pass.

    Raises:
        DataError: A text is empty, or the checkpoint's files are damaged.
        ModelError: transformers cannot load it.
    """
    tokenizer = load_tokenizer(checkpoint)
    with _bodies.holding(checkpoint) as model:
        ids = _read(tokenizer, model, texts)
        for text, read in zip(texts, ids, strict=True):
            if not read:
                raise DataError(f"expected a text to embed, came {text!r}; leave empty texts out")
        order = sorted(range(len(ids)), key=lambda place: -len(ids[place]))
        vectors: dict[int, Array] = {}
        for start in range(0, len(order), batch_size):
            places = order[start : start + batch_size]
            vectors |= zip(places, _means(model, [ids[place] for place in places]), strict=True)
    return np.array([vectors[place] for place in range(len(texts))])


def _read(tokenizer: Any, model: Any, texts: Sequence[str]) -> list[list[int]]:
    """The tokens of each text, up to what both tokenizer and model take."""
    window = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    most = min(window or tokenizer.model_max_length, tokenizer.model_max_length)
    # A tokenizer that knows no limit says 1e30, which it cannot cut at.
    cut = {"truncation": True, "max_length": most} if most < _NO_LIMIT else {}
    return [tokenizer(text, **cut)["input_ids"] for text in texts]


@torch.inference_mode()
def _means(model: Any, ids: Sequence[Sequence[int]]) -> Array:
    longest = max(map(len, ids))
    ids_B_T = torch.zeros(len(ids), longest, dtype=torch.long)
    mask_B_T = torch.zeros(len(ids), longest, dtype=torch.long)
    for row, read in enumerate(ids):
        ids_B_T[row, : len(read)] = torch.tensor(read)
        mask_B_T[row, : len(read)] = 1
    mask_B_T = mask_B_T.to(model.device)
    body = model(input_ids=ids_B_T.to(model.device), attention_mask=mask_B_T)
    states_B_T_D = body.last_hidden_state.double()
    sums_B_D = (states_B_T_D * mask_B_T[:, :, None]).sum(1)
    means: Array = (sums_B_D / mask_B_T.sum(1, keepdim=True)).cpu().numpy()
    return means
