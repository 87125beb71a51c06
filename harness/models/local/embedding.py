"""Texts as vectors: a checkpoint's own last layer, averaged over the tokens of each text."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from harness.errors import DataError
from harness.models.local.loading import Checkpoint, load_tokenizer, loaded

Array = npt.NDArray[np.float64]


def embed(checkpoint: Checkpoint, texts: Sequence[str], batch_size: int = 16) -> Array:
    """A vector for each text, of shape [N, D]: the mean of what the last layer makes of its tokens.

    A text longer than the checkpoint's window is read up to there. What shares a batch with a text
    does not change its vector beyond rounding.

    Args:
        checkpoint: A causal language model.
        texts: In the order of the vectors; none is empty.
        batch_size: Texts in one forward pass.

    Raises:
        DataError: A text is empty, or the checkpoint's files are damaged.
        ModelError: transformers cannot load it.
    """
    tokenizer = load_tokenizer(checkpoint)
    with loaded(checkpoint) as model:
        window = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        ids = [tokenizer(text)["input_ids"][:window] for text in texts]
        for text, read in zip(texts, ids, strict=True):
            if not read:
                raise DataError(f"expected a text to embed, came {text!r}; leave empty texts out")
        order = sorted(range(len(ids)), key=lambda place: -len(ids[place]))
        vectors: dict[int, Array] = {}
        for start in range(0, len(order), batch_size):
            places = order[start : start + batch_size]
            vectors |= zip(places, _means(model, [ids[place] for place in places]), strict=True)
    return np.array([vectors[place] for place in range(len(texts))])


@torch.inference_mode()
def _means(model: Any, ids: Sequence[Sequence[int]]) -> Array:
    longest = max(map(len, ids))
    ids_B_T = torch.zeros(len(ids), longest, dtype=torch.long)
    mask_B_T = torch.zeros(len(ids), longest, dtype=torch.long)
    for row, read in enumerate(ids):
        ids_B_T[row, : len(read)] = torch.tensor(read)
        mask_B_T[row, : len(read)] = 1
    mask_B_T = mask_B_T.to(model.device)
    # Without the head: logits over the vocabulary would take most of the memory.
    body = model.base_model(input_ids=ids_B_T.to(model.device), attention_mask=mask_B_T)
    states_B_T_D = body.last_hidden_state.double()
    sums_B_D = (states_B_T_D * mask_B_T[:, :, None]).sum(1)
    means: Array = (sums_B_D / mask_B_T.sum(1, keepdim=True)).cpu().numpy()
    return means
