"""A ranker: a small network that scores a response to a prompt, and so puts several in order.

It learns from rankings that somebody dearer made, then ranks what that one never saw: Tuna's proxy
ranking model, there StableLM 3B, which learns from 13 thousand rankings of GPT-4 to rank 52
thousand. The score is a linear head's on the last token; the loss is that of reward models.

As a program: `python -m train.ranker BASE DATA OUT`, with the DATA folder of an iteration whose
data is `ranked`.

Source: arXiv 2310.13385 for the use; its code has no such model.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)
from transformers.trainer import TRAINING_ARGS_NAME

from harness.errors import DataError, HarnessError, ModelError
from harness.models.hf import locate
from harness.models.local.loading import draw_no_bars, resolve_dtype
from harness.models.local.weights import check
from harness.models.serving.failures import one_line
from train.examples import Example
from train.job import read_examples
from train.told import Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Teaching:
    """How a ranker learns."""

    learning_rate: float = 1e-5
    """The highest; it falls to 0 in a line."""
    epochs: float = 1.0
    batch_size: int = 16
    """Rankings of a step."""
    max_length: int = 1024
    """Most tokens of a prompt with a response, kept with the ranker: the first ones are lost."""
    seed: int = 0


def ranking_loss(scores_B_N: Tensor) -> Tensor:
    """The mean of -log s(r_j - r_k) over the pairs j < k: log 2 if all scores are equal.

    Source: arXiv 2203.02155, equation 1.

    Args:
        scores_B_N: Scores r of N responses to each of B prompts, the best response first.

    Returns:
        Shape [B].
    """
    n = scores_B_N.shape[1]
    better, worse = torch.triu_indices(n, n, offset=1, device=scores_B_N.device).unbind()
    return -logsigmoid(scores_B_N[:, better] - scores_B_N[:, worse]).mean(1)


def teach(
    base: str,
    examples: Sequence[Example],
    out: Path,
    teaching: Teaching,
    callbacks: Sequence[TrainerCallback] = (),
) -> None:
    """Makes a ranker of a checkpoint: a folder that appears when it is complete.

    Args:
        base: "hf:PATH", "hf:ID" or "hf:ID@REVISION", as a recipe's base; "hf:" may be left out.
        examples: Rankings as `train.data.ranked` makes them; the original response is not ranked.
        out: The ranker's folder.
        teaching: How it learns.
        callbacks: See each step.

    Raises:
        DataError: There is nothing to learn from, no such base, or the folder is there already.
        ModelError: The base cannot be loaded, or the loss is no number.
    """
    if out.exists():
        raise DataError(f"expected a new folder for the ranker, but {out} is there; name another")
    rankings = _rankings(examples)
    folder, _ = locate(base.removeprefix("hf:"))
    check(folder)
    set_seed(teaching.seed)  # the head begins at random
    parts, _ = _load(folder, num_labels=1)
    unfinished = out.with_name(f"{out.name}.partial")
    _make_padding(parts, teaching.max_length)
    trainer = _Teacher(
        parts.network,
        trainer_arguments(
            unfinished,
            epochs=teaching.epochs,
            batch_size=teaching.batch_size,
            learning_rate=teaching.learning_rate,
            seed=teaching.seed,
        ),
        train_dataset=rankings,
        data_collator=partial(_batch, parts.tokenizer),
        callbacks=list(callbacks),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    trainer.save_model(str(unfinished))
    (unfinished / TRAINING_ARGS_NAME).unlink(missing_ok=True)  # a pickle, which nobody reads
    parts.tokenizer.save_pretrained(unfinished)
    unfinished.rename(out)


def scores(folder: Path, pairs: Sequence[tuple[str, str]], *, batch_size: int = 16) -> list[float]:
    """The ranker's score of each response, in order; only those of one prompt are comparable.

    Args:
        folder: The ranker's.
        pairs: Prompts with a response each.
        batch_size: Most responses in one forward pass; those of like length come together.

    Raises:
        DataError: The folder holds no ranker.
        ModelError: It cannot be loaded, or a score is no number.
    """
    network, tokenizer = _load_ranker(folder)
    texts = [_text(*pair) for pair in pairs]
    order = sorted(range(len(texts)), key=lambda one: len(texts[one]))
    found: dict[int, float] = {}
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        batch = _tokens(tokenizer, [texts[one] for one in chosen]).to(network.device)
        with torch.inference_mode():
            found.update(zip(chosen, network(**batch).logits[:, 0].tolist(), strict=True))
    if not all(map(math.isfinite, found.values())):
        raise ModelError(f"expected scores that are numbers from {folder}; teach the ranker again")
    return [found[one] for one in range(len(texts))]


class _Parts(NamedTuple):
    network: Any
    tokenizer: Any


class _Teacher(Trainer):
    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,  # noqa: FBT001, FBT002, ARG002 - upstream's signature
        num_items_in_batch: Any = None,  # noqa: ARG002 - as above
    ) -> Tensor:
        """The mean over the step's rankings."""
        scores_B_N = model(**inputs["tokens"]).logits.view(inputs["rankings"], -1)
        loss = ranking_loss(scores_B_N.float()).mean()
        if not loss.isfinite():
            raise ModelError(
                f"expected a loss that is a number at step {self.state.global_step + 1}, came "
                f"{loss.item()}; lower the learning rate"
            )
        return loss


def _rankings(examples: Sequence[Example]) -> list[list[str]]:
    """Each prompt with each of its ranked responses, the best first."""
    rankings = [
        [_text("\n\n".join(one.said), response.text) for response in one.responses[:-1]]
        for one in examples
    ]
    counts = sorted({len(ranking) for ranking in rankings})
    if len(counts) != 1 or counts[0] < 2:
        raise DataError(
            f"expected rankings of two responses or more, all of one length and each with the "
            f"original after them, came lengths {counts}; data of the kind 'ranked' is such"
        )
    return rankings


def _text(prompt: str, response: str) -> str:
    """What is scored: no chat template, since a base may have none."""
    return f"{prompt}\n\n{response}"


def _tokens(tokenizer: Any, texts: list[str]) -> Any:
    return tokenizer(
        texts, truncation=True, padding=True, return_token_type_ids=False, return_tensors="pt"
    )


def _batch(tokenizer: Any, rankings: Sequence[list[str]]) -> dict[str, Any]:
    texts = [text for ranking in rankings for text in ranking]
    return {"tokens": _tokens(tokenizer, texts), "rankings": len(rankings)}


def _make_padding(parts: _Parts, max_length: int) -> None:
    """Sees that rows of different lengths can share a batch, and that the longest one fits."""
    network, tokenizer = parts
    config = network.config.get_text_config()
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    if tokenizer.pad_token is None:
        raise ModelError(
            "expected a token to pad with, but the tokenizer has none and no end-of-sequence "
            "token; set pad_token in tokenizer_config.json"
        )
    config.pad_token_id = network.config.pad_token_id = tokenizer.pad_token_id
    window = getattr(config, "max_position_embeddings", None) or max_length
    tokenizer.model_max_length = min(max_length, window)


def _load_ranker(folder: Path) -> _Parts:
    parts, absent = _load(folder)
    if absent or parts.network.config.num_labels != 1:
        raise DataError(
            f"expected a ranker in {folder}, came a checkpoint without a head of one score; "
            f"make one: python -m train.ranker {folder} DATA OUT"
        )
    parts.network.to("cuda" if torch.cuda.is_available() else "cpu")
    return parts


def _load(folder: Path, **options: Any) -> tuple[_Parts, list[str]]:
    """A network that scores and its tokenizer, with the names of tensors that it lacks."""
    draw_no_bars()
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, padding_side="right", truncation_side="left"
        )
        found: Any = AutoModelForSequenceClassification.from_pretrained(
            folder, dtype="float32", output_loading_info=True, **options
        )
    except (OSError, ValueError, RuntimeError) as error:
        cause = one_line(str(error), 600)
        raise ModelError(f"cannot load {folder} as a ranker: {cause}") from error
    network, report = found
    return _Parts(network, tokenizer), sorted(report["missing_keys"])


def trainer_arguments(
    folder: Path, *, epochs: float, batch_size: int, learning_rate: float, seed: int
) -> TrainingArguments:
    """How a small network learns: on a GPU if there is one, each step told, no states kept."""
    on_gpu = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=epochs,
        per_device_train_batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        bf16=resolve_dtype("auto") == "bfloat16",
        use_cpu=not on_gpu,
        dataloader_pin_memory=on_gpu,
        save_strategy="no",
        logging_steps=1,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to=[],
        remove_unused_columns=False,
    )


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Makes a ranker as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m train.ranker", description=__doc__)
    parser.add_argument("base")
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    for field in fields(Teaching):
        parser.add_argument(f"--{field.name}", type=type(field.default), default=field.default)
    asked = parser.parse_args(arguments)
    teaching = Teaching(**{field.name: getattr(asked, field.name) for field in fields(Teaching)})
    if not (asked.data / "examples.jsonl").is_file():
        parser.error(f"expected an iteration's data in {asked.data}, came no examples.jsonl there")
    try:
        examples = read_examples(asked.data)
        teach(asked.base, examples, asked.out, teaching, [Told("ranker", _say)])
    except HarnessError as error:
        parser.exit(2, f"{error}\n")


if __name__ == "__main__":
    main()
