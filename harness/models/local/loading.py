"""How a checkpoint comes into memory: its tokenizer, its weights, the tokens that end an answer."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import DataError, ModelError, UnknownNameError
from harness.models.local.weights import fingerprint

DTYPES = ("float32", "bfloat16", "float16")
"""Precisions that a user may ask for, beside "auto"."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder with weights, and how they are loaded."""

    folder: Path
    weights: str
    """Fingerprint of the folder."""
    dtype: str
    """One of DTYPES."""
    trust_remote_code: bool = False


_lock = threading.Lock()
_in_memory: dict[Checkpoint, Any] = {}


@contextmanager
def loaded(checkpoint: Checkpoint) -> Iterator[Any]:
    """The checkpoint's causal language model in memory, for one user at a time.

    It stays there until another is asked for, so that all benchmarks share one load and a series
    needs the memory of one checkpoint.

    Raises:
        DataError: The folder no longer holds the weights it was fingerprinted with, or lacks some
            of the tensors that its architecture needs.
        ModelError: transformers cannot load it.
    """
    with _lock:
        if checkpoint not in _in_memory:
            _in_memory.clear()
            _in_memory[checkpoint] = _load(checkpoint)
        yield _in_memory[checkpoint]


def resolve_dtype(option: str) -> str:
    """The precision that weights are loaded in.

    Args:
        option: One of DTYPES, or "auto": bfloat16 on a GPU that has it, otherwise float32.

    Raises:
        UnknownNameError: It is none of these.
    """
    if option in DTYPES:
        return option
    if option != "auto":
        raise UnknownNameError("dtype", option, ("auto", *DTYPES))
    import torch

    return "bfloat16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "float32"


def load_tokenizer(checkpoint: Checkpoint) -> Any:
    """The checkpoint's tokenizer.

    Raises:
        ModelError: transformers cannot load it.
    """
    from transformers import AutoTokenizer

    with _explained(checkpoint):
        return AutoTokenizer.from_pretrained(
            checkpoint.folder, trust_remote_code=checkpoint.trust_remote_code
        )


def stop_ids(checkpoint: Checkpoint, tokenizer: Any) -> frozenset[int]:
    """Tokens that end an answer: all of the generation config's, and the tokenizer's EOS."""
    from transformers import AutoConfig, GenerationConfig

    folder = checkpoint.folder
    if (folder / "generation_config.json").is_file():
        ids = GenerationConfig.from_pretrained(folder).eos_token_id
    else:
        with _explained(checkpoint):
            config = AutoConfig.from_pretrained(
                folder, trust_remote_code=checkpoint.trust_remote_code
            )
        ids = config.get_text_config().eos_token_id
    listed = ids if isinstance(ids, list) else [ids]
    return frozenset([*listed, tokenizer.eos_token_id]) - {None}


def _load(checkpoint: Checkpoint) -> Any:
    import torch
    from transformers import AutoModelForCausalLM, GenerationConfig

    if fingerprint(checkpoint.folder) != checkpoint.weights:
        raise DataError(f"{checkpoint.folder} changed after this run began; start the run again")
    torch.cuda.empty_cache()
    with _explained(checkpoint):
        found: Any = AutoModelForCausalLM.from_pretrained(
            checkpoint.folder,
            dtype=checkpoint.dtype,
            device_map="cuda" if torch.cuda.is_available() else "cpu",
            trust_remote_code=checkpoint.trust_remote_code,
            output_loading_info=True,
        )
    model, report = found
    _check_tensors(checkpoint.folder, report)
    # generate() fills whatever a request leaves open from here.
    model.generation_config = GenerationConfig.from_dict({})
    return model.eval()


def _check_tensors(folder: Path, report: dict[str, Any]) -> None:
    """Absent tensors are otherwise filled with random numbers, and scored."""
    absent = sorted(report["missing_keys"])
    if absent:
        raise DataError(
            f"{folder} lacks {len(absent)} of the tensors that its config.json asks for, "
            f"the first is {absent[0]}; save the whole model again"
        )


@contextmanager
def _explained(checkpoint: Checkpoint) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        cause = " ".join(str(error).split())
        raise ModelError(f"cannot load {checkpoint.folder}: {cause}") from error
