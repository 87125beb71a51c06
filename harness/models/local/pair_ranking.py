"""A pair ranker in memory: a DeBERTa encoder with a head that scores both candidates of a row.

Source: yuchenlin/LLM-Blender@2a67366, llm_blender/pair_ranker/pairrm.py, for the names of the
weights and what the head reads.

Shapes: B rows, L tokens of the longest, H the hidden size.
"""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import DebertaV2Config

from harness.errors import ModelError
from harness.models.local.disentangled import Reader, applies
from harness.models.local.loading import check_readable
from harness.models.local.pair_encoding import Row
from harness.models.local.weights import weight_files

with warnings.catch_warnings():
    # Its module scripts some functions as it is imported, which torch announces to give up.
    warnings.simplefilter("ignore", DeprecationWarning)
    from transformers.models.deberta_v2.modeling_deberta_v2 import DebertaV2Model

_EMBEDDINGS = "pretrained_model.embeddings.word_embeddings.weight"
_REMADE = "embeddings.position_ids"
"""Counted from 0, whatever an old file says."""


class PairRanker(nn.Module):
    """Scores the second and third part of a row by the mark of the first and their own."""

    def __init__(self, config: DebertaV2Config) -> None:
        super().__init__()
        width, dropout = config.hidden_size, getattr(config, "drop_out", 0.05)
        encoder: Any = DebertaV2Model
        self.pretrained_model = encoder(config)
        self.head_layer = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(2 * width, width),
            nn.Tanh(),
            nn.Dropout(dropout),
            nn.Linear(width, getattr(config, "n_tasks", 1)),
        )

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        device: torch.device = self.pretrained_model.device
        return device

    @property
    def vocabulary(self) -> int:
        """How many tokens it knows."""
        return len(self.pretrained_model.embeddings.word_embeddings.weight)

    def forward(self, ids_B_L: Tensor, mask_B_L: Tensor, marks_B_3: Tensor) -> Tensor:
        """How much the first candidate is preferred to the second, in log-odds.

        Args:
            ids_B_L: Token ids.
            mask_B_L: 1 for tokens, 0 for padding.
            marks_B_3: Where source, first and second begin.

        Returns:
            Shape [B]; the mean over the tasks that the head scores.
        """
        read = self.pretrained_model(input_ids=ids_B_L, attention_mask=mask_B_L)
        return self.preference(read.last_hidden_state, marks_B_3)

    def preference(self, hidden_B_L_H: Tensor, marks_B_3: Tensor) -> Tensor:
        """The same, of rows that the encoder has read."""
        rows_B_1 = torch.arange(len(marks_B_3), device=marks_B_3.device)[:, None]
        source_B_H, *candidates = hidden_B_L_H[rows_B_1, marks_B_3].unbind(1)
        first_B, second_B = (
            self.head_layer(torch.cat([source_B_H, candidate_B_H], dim=-1)).mean(-1)
            for candidate_B_H in candidates
        )
        logits_B: Tensor = first_B - second_B
        return logits_B


class Scorer:
    """A pair ranker that learns no more, and so can answer faster."""

    def __init__(self, network: PairRanker, padding: int) -> None:
        encoder = network.pretrained_model
        self._network, self._padding = network, padding
        self._read = Reader(encoder) if applies(encoder) else None

    @torch.inference_mode()
    def __call__(self, rows: Sequence[Row]) -> list[float]:
        """The logit of each row, from as few forward passes as memory allows.

        Raises:
            ModelError: A logit is no number, or a single row is too large.
        """
        try:
            logits = self._logits(rows)
        except torch.OutOfMemoryError as error:
            if len(rows) == 1:
                raise ModelError(
                    f"a pair of {len(rows[0].ids)} tokens does not fit into the memory of "
                    f"{self._network.device}; use a larger device"
                ) from error
        else:
            return logits
        # Outside the handler, where nothing of the failed pass is still held.
        torch.cuda.empty_cache()
        half = len(rows) // 2
        return self(rows[:half]) + self(rows[half:])

    def _logits(self, rows: Sequence[Row]) -> list[float]:
        device = self._network.device
        ids_B_L, mask_B_L, marks_B_3 = padded(rows, self._padding, device)
        if self._read:
            logits_B = self._network.preference(self._read(ids_B_L, mask_B_L), marks_B_3)
        else:
            logits_B = self._network(ids_B_L, mask_B_L, marks_B_3)
        if not logits_B.isfinite().all():
            raise ModelError(
                f"the weights give logits that are no finite numbers in {logits_B.dtype}; try "
                f"float32, and check the training run"
            )
        return [float(logit) for logit in logits_B.tolist()]


def padded(rows: Sequence[Row], padding: int, device: Any = None) -> tuple[Tensor, Tensor, Tensor]:
    """Rows as the network takes them: ids and mask, both padded to the longest row, and marks."""
    length = max(len(row.ids) for row in rows)
    ids = [[*row.ids, *[padding] * (length - len(row.ids))] for row in rows]
    mask = [[1] * len(row.ids) + [0] * (length - len(row.ids)) for row in rows]
    marks = [row.marks for row in rows]
    one, two, three = (torch.tensor(values, device=device) for values in (ids, mask, marks))
    return one, two, three


def read_ranker(folder: Path, settings: Path, dtype: str) -> PairRanker:
    """A pair ranker with the weights of a folder, none of them made up, ready to answer.

    Args:
        folder: Where the weights are.
        settings: Where the encoder's config.json is.
        dtype: One of `harness.models.local.loading.DTYPES`.

    Raises:
        DataError: A file is damaged.
        ModelError: The weights are no pair ranker's, or of another shape than config.json says.
    """
    tensors = read_tensors(folder)
    network = PairRanker(_config(settings, tensors))
    _check_fit(folder, {name: t.shape for name, t in network.state_dict().items()}, tensors)
    network.load_state_dict(tensors)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return network.to(device, getattr(torch, dtype)).eval()


def read_tensors(folder: Path) -> dict[str, Tensor]:
    """The tensors of a folder's weight files by name; no code in them is run.

    Raises:
        DataError: A file is damaged, or none is there.
    """
    from safetensors.torch import load_file

    found: dict[str, Tensor] = {}
    for file in weight_files(folder):
        check_readable(file)
        found |= (
            load_file(file)
            if file.suffix == ".safetensors"
            else torch.load(file, map_location="cpu", weights_only=True)
        )
    return {name: tensor for name, tensor in found.items() if not name.endswith(_REMADE)}


def _config(settings: Path, tensors: Mapping[str, Tensor]) -> DebertaV2Config:
    config: DebertaV2Config = DebertaV2Config.from_pretrained(settings)
    if (
        _EMBEDDINGS in tensors
    ):  # grown by the marks, of which the encoder's own settings know nothing
        config.vocab_size = len(tensors[_EMBEDDINGS])
    return config


def _check_fit(
    folder: Path, wanted: Mapping[str, torch.Size], tensors: Mapping[str, Tensor]
) -> None:
    absent = [name for name in wanted if name not in tensors]
    unknown = [name for name in tensors if name not in wanted]
    shapes = [
        f"{name} is {list(tensors[name].shape)}, not {list(shape)}"
        for name, shape in wanted.items()
        if name in tensors and tensors[name].shape != shape
    ]
    faults = {"lacks": absent, "has unknown": unknown, "has misshapen": shapes}
    told = [f"{kind} {_some(names)}" for kind, names in faults.items() if names]
    if told:
        raise ModelError(
            f"expected the weights of a pair ranker in {folder}, but it {'; it '.join(told)}; "
            f"name a folder with pretrained_model.* and head_layer.*, such as llm-blender/PairRM"
        )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{len(names)} tensors ({', '.join(names[:3])}{more})"
