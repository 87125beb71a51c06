"""A pair ranker: a small network that reads two responses side by side and prefers one.

It learns from labelled comparisons and is saved in the layout of llm-blender/PairRM-hf, so that
`pairrm:FOLDER` is a judge. The loss is the mean over both orders of the logistic loss of its logit.

Source: arXiv 2306.02561, section 3; yuchenlin/LLM-Blender@2a67366, `compute_loss` of the kind
"instructgpt", which shows each pair in one random order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import softplus
from transformers import DebertaV2Config, PrinterCallback, Trainer, set_seed

from harness.errors import DataError, ModelError
from harness.models.hf import locate
from harness.models.local.loading import Checkpoint, explained, load_tokenizer
from harness.models.local.pair_encoding import MARKS, Encoder, batches
from harness.models.local.pair_files import check_encoder
from harness.models.local.pair_ranking import PairRanker, Scorer, padded, read_tensors
from harness.models.local.weights import check
from harness.stats.measuring import Measure, mean
from harness.types import Score
from train.preferences import Preference, both_orders, split
from train.ranker import trainer_arguments
from train.tiny_encoder import save_settings
from train.told import Told

TINY = "tiny"
"""The base that is made here, from nothing."""

_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """How a pair ranker learns."""

    base: str = TINY
    """A folder or hub ID of a DeBERTa of the second or third version, of a pair ranker, or TINY."""
    learning_rate: float | None = None
    """The highest; it falls to 0 in a line. None is 1e-3 for TINY, 1e-5 for others."""
    epochs: float = 3.0
    batch_size: int = 32
    """Comparisons of a step, each in both orders."""
    held_out: float = 0.1
    """Share of the prompts whose comparisons are not learned from, in (0, 1)."""
    seed: int = 0


class Taught(NamedTuple):
    """What came of it."""

    learned: int
    """Comparisons that were learned from."""
    accuracy: Score
    """Share of the held-out comparisons whose chosen response is preferred in both orders taken
    together; the interval is over prompts."""


def pair_loss(logits_B: Tensor, swapped_B: Tensor) -> Tensor:
    """The mean of -log s(x) and -log s(-y): log 2 where no order tells anything.

    Args:
        logits_B: x, with the chosen response first.
        swapped_B: y, with the rejected response first.

    Returns:
        Shape [B].
    """
    return (softplus(-logits_B) + softplus(swapped_B)) / 2


def teach(
    pairs: Sequence[Preference], out: Path, lessons: Lessons, say: Callable[[str], None]
) -> Taught:
    """Makes a pair ranker: a folder that appears when it is complete.

    Args:
        pairs: Labelled comparisons, of at least two prompts.
        out: The pair ranker's folder.
        lessons: How it learns.
        say: Told how it goes, a line at a time.

    Raises:
        DataError: There is too little to learn from, no such base, or the folder is there already.
        ModelError: The base cannot be loaded, or the loss is no number.
    """
    if out.exists():
        raise DataError(f"expected a new folder for the judge, but {out} is there; name another")
    kept, held = split(pairs, lessons.held_out, lessons.seed)
    set_seed(lessons.seed)
    unfinished = out.with_name(f"{out.name}.partial")
    parts = _begin(lessons.base, pairs, unfinished)
    _learn(parts, kept, unfinished, lessons, say)
    accuracy = _accuracy(parts, held)
    _save(parts, unfinished)
    unfinished.rename(out)
    return Taught(len(kept), accuracy)


class _Parts(NamedTuple):
    network: PairRanker
    encoder: Encoder


def _begin(base: str, pairs: Sequence[Preference], unfinished: Path) -> _Parts:
    """The network before its first lesson: the head begins at random, unless the base has one."""
    if base == TINY:
        folder = save_settings(unfinished, (text for pair in pairs for text in pair))
        tensors: dict[str, Tensor] = {}
    else:
        folder, _ = locate(base.removeprefix("hf:").removeprefix("pairrm:"))
        check(folder)
        check_encoder(folder)
        tensors = _of_encoder(read_tensors(folder))
    tokenizer = load_tokenizer(Checkpoint(folder, "", "float32"))
    tokenizer.add_tokens(list(MARKS))
    with explained(folder, "config.json with these weights"):
        network = PairRanker(_config(folder, tensors, len(tokenizer)))
        if tensors:
            _take(network, tensors, folder)
    network.pretrained_model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    return _Parts(network, Encoder(tokenizer))


def _config(folder: Path, tensors: Mapping[str, Tensor], vocabulary: int) -> DebertaV2Config:
    config: DebertaV2Config = DebertaV2Config.from_pretrained(folder)
    embeddings = tensors.get("pretrained_model.embeddings.word_embeddings.weight")
    config.vocab_size = vocabulary if embeddings is None else len(embeddings)
    return config


def _of_encoder(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a base under the names that a pair ranker has for them."""
    return {
        f"pretrained_model.{name.removeprefix('deberta.')}"
        if name.startswith(("deberta.", "embeddings.", "encoder."))
        else name: tensor.float()
        for name, tensor in tensors.items()
    }


def _take(network: PairRanker, tensors: Mapping[str, Tensor], folder: Path) -> None:
    report = network.load_state_dict(dict(tensors), strict=False)
    absent = [name for name in report.missing_keys if not name.startswith("head_layer.")]
    if absent:
        raise ModelError(
            f"expected the weights of a DeBERTa in {folder}, but it lacks {len(absent)} tensors, "
            f"the first is {absent[0]}; name another base"
        )


class _Teacher(Trainer):
    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,  # noqa: FBT001, FBT002, ARG002 - upstream's signature
        num_items_in_batch: Any = None,  # noqa: ARG002 - as above
    ) -> Tensor:
        """The mean over the step's comparisons."""
        logits_B, swapped_B = model(**inputs).float().chunk(2)
        loss = pair_loss(logits_B, swapped_B).mean()
        if not loss.isfinite():
            raise ModelError(
                f"expected a loss that is a number at step {self.state.global_step + 1}, came "
                f"{loss.item()}; lower the learning rate"
            )
        return loss


def _learn(
    parts: _Parts,
    pairs: Sequence[Preference],
    unfinished: Path,
    lessons: Lessons,
    say: Callable[[str], None],
) -> None:
    usual = 1e-3 if lessons.base == TINY else 1e-5
    trainer = _Teacher(
        parts.network,
        trainer_arguments(
            unfinished,
            epochs=lessons.epochs,
            batch_size=lessons.batch_size,
            learning_rate=lessons.learning_rate or usual,
            seed=lessons.seed,
        ),
        train_dataset=list(pairs),
        data_collator=partial(_batch, parts.encoder),
        callbacks=[Told("judge", say)],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()


def _batch(encoder: Encoder, pairs: Sequence[Preference]) -> dict[str, Tensor]:
    orders = both_orders(pairs)
    encoded = encoder.encode(orders)
    rows = [encoded.row(place) for place in range(len(orders))]
    names = ("ids_B_L", "mask_B_L", "marks_B_3")
    return dict(zip(names, padded(rows, _padding(encoder)), strict=True))


def _padding(encoder: Encoder) -> int:
    return encoder.tokenizer.pad_token_id or 0


def _accuracy(parts: _Parts, held: Sequence[Preference]) -> Score:
    network, encoder = parts
    encoded = encoder.encode(both_orders(held))
    sizes = [encoded.size(place) for place in range(2 * len(held))]
    score = Scorer(network.eval(), _padding(encoder))
    logits = np.zeros(len(sizes))
    for places in batches(sizes, _AT_ONCE, _AT_ONCE * 128):
        rows = [encoded.row(place) for place in places]
        logits[places] = score(rows)
    there_R, back_R = np.split(logits, 2)
    _, prompt_R = np.unique([pair.prompt for pair in held], return_inverse=True)
    right_R = (there_R > back_R).astype(np.float64)
    return Measure(prompt_R).score("held_out_accuracy", [right_R], mean)


def _save(parts: _Parts, folder: Path) -> None:
    network, encoder = parts
    if not all(tensor.isfinite().all() for tensor in network.state_dict().values()):
        raise ModelError("expected weights that are numbers; lower the learning rate")
    tensors = {name: t.cpu().contiguous() for name, t in network.state_dict().items()}
    encoder.tokenizer.save_pretrained(folder)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    config = network.pretrained_model.config
    config.source_prefix_id, config.cand1_prefix_id, config.cand2_prefix_id = encoder.marks
    config.n_tasks = 1
    config.save_pretrained(folder)
