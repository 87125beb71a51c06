"""How a checkpoint comes into memory: its tokenizer, its weights, the tokens that end an answer."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import is_zipfile

from harness.errors import DataError, ModelError, UnknownNameError
from harness.models.local.slot import Slot
from harness.models.local.weights import fingerprint, weight_files
from harness.models.serving.failures import one_line

DTYPES = ("float32", "bfloat16", "float16")
"""Precisions that a user may ask for, beside "auto"."""

# transformers checks few values: wrong ones meet attributes, tables and divisions that do not fit.
_MISFITS = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError)
_UNREADABLE = (EOFError, OSError, RuntimeError, UnpicklingError, ValueError)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder with weights, and how they are loaded."""

    folder: Path
    weights: str
    """Fingerprint of the folder."""
    dtype: str
    """One of DTYPES."""
    trust_remote_code: bool = False


@contextmanager
def loaded(checkpoint: Checkpoint) -> Iterator[Any]:
    """The checkpoint's causal language model in memory, for one user at a time.

    It stays there until it is released or another is asked for, so that all benchmarks share one
    load and a series needs the memory of one checkpoint.

    Raises:
        DataError: The folder no longer holds the weights it was fingerprinted with, lacks some of
            the tensors that its architecture needs, or has a damaged file.
        ModelError: transformers cannot load it.
    """
    with _slot.holding(checkpoint) as model:
        yield model


def release(checkpoint: Checkpoint | None = None) -> None:
    """Lets go of the weights in memory, once nobody uses them.

    Args:
        checkpoint: If another is in memory, it stays; None is whichever is there.
    """
    _slot.release(checkpoint)


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


def read_network(checkpoint: Checkpoint, **settings: Any) -> Any:
    """The checkpoint's causal language model, none of its tensors made up.

    Args:
        checkpoint: What is read.
        **settings: What else transformers is told: a device, entries of config.json.

    Raises:
        DataError: A file is damaged, or lacks some of the tensors that the architecture needs.
        ModelError: transformers cannot load it.
    """
    from transformers import AutoModelForCausalLM

    model, absent = _read(AutoModelForCausalLM, checkpoint, settings)
    _check_tensors(checkpoint.folder, absent)
    return model


def read_body(checkpoint: Checkpoint) -> Any:
    """The checkpoint without a head, on the device that there is: an encoder, or what precedes one.

    Raises:
        DataError: A file is damaged, or lacks some of the tensors that the architecture needs.
        ModelError: transformers cannot load it.
    """
    from transformers import AutoModel

    model, absent = _read(AutoModel, checkpoint, {"device_map": _device()})
    # What some encoders put behind their last layer: checkpoints trained without it have none.
    _check_tensors(checkpoint.folder, [name for name in absent if not name.startswith("pooler.")])
    body = model.get_encoder() if model.config.is_encoder_decoder else model
    return body.eval()


def _read(kind: Any, checkpoint: Checkpoint, settings: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """The model, and names of the tensors that no file has."""
    for file in weight_files(checkpoint.folder):
        check_readable(file)
    with explained(checkpoint.folder, "config.json with these weights"):
        model, report = kind.from_pretrained(
            checkpoint.folder,
            dtype=checkpoint.dtype,
            trust_remote_code=checkpoint.trust_remote_code,
            output_loading_info=True,
            **settings,
        )
    return model, sorted(report["missing_keys"])


def load_tokenizer(checkpoint: Checkpoint) -> Any:
    """The checkpoint's tokenizer.

    Raises:
        DataError: A file that it is made from is damaged.
        ModelError: transformers cannot load it.
    """
    from transformers import AutoTokenizer

    load_config(checkpoint)
    with explained(checkpoint.folder, "tokenizer.json or tokenizer_config.json"):
        tokenizer = AutoTokenizer.from_pretrained(
            checkpoint.folder, trust_remote_code=checkpoint.trust_remote_code
        )
        tokenizer("")  # some wrong settings show at the first use only
    return tokenizer


def stop_ids(checkpoint: Checkpoint, tokenizer: Any) -> frozenset[int]:
    """Tokens that end an answer: all of the generation config's, and the tokenizer's EOS.

    Raises:
        DataError: The file that says so is damaged.
        ModelError: transformers cannot load it.
    """
    from transformers import GenerationConfig

    file = checkpoint.folder / "generation_config.json"
    if file.is_file():
        with explained(checkpoint.folder, file.name):
            ids = GenerationConfig.from_pretrained(checkpoint.folder).eos_token_id
    else:
        file = checkpoint.folder / "config.json"
        ids = load_config(checkpoint).get_text_config().eos_token_id
    listed = ids if isinstance(ids, list) else [ids]
    if not all(isinstance(one, int | None) for one in listed):
        raise DataError(
            f"{file}: expected eos_token_id to be token numbers, came {ids!r}; save again"
        )
    return frozenset([*listed, tokenizer.eos_token_id]) - {None}


def load_config(checkpoint: Checkpoint) -> Any:
    """The checkpoint's configuration.

    Raises:
        DataError: Its file is damaged.
        ModelError: transformers cannot load it.
    """
    from transformers import AutoConfig

    with explained(checkpoint.folder, "config.json"):
        return AutoConfig.from_pretrained(
            checkpoint.folder, trust_remote_code=checkpoint.trust_remote_code
        )


def draw_no_bars() -> None:
    """Keeps transformers from drawing progress bars in this process: a log is no place for them."""
    from transformers.utils import logging

    silence: Any = logging.disable_progress_bar
    silence()


def _load(checkpoint: Checkpoint) -> Any:
    from transformers import GenerationConfig

    if fingerprint(checkpoint.folder) != checkpoint.weights:
        raise DataError(f"{checkpoint.folder} changed after this run began; start the run again")
    load_config(checkpoint)
    if not sys.stderr.isatty():
        draw_no_bars()
    model = read_network(checkpoint, device_map=_device())
    # generate() fills whatever a request leaves open from here.
    model.generation_config = GenerationConfig.from_dict({})
    return model.eval()


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


_slot: Slot[Checkpoint, Any] = Slot(_load)


def _check_tensors(folder: Path, absent: Sequence[str]) -> None:
    """Absent tensors are otherwise filled with random numbers, and scored."""
    if absent:
        raise DataError(
            f"{folder} lacks {len(absent)} of the tensors that its config.json asks for, "
            f"the first is {absent[0]}; save the whole model again"
        )


def check_readable(file: Path) -> None:
    """Opens a file of weights without its tensors: others' errors do not say which file it was.

    Raises:
        DataError: It holds no weights that can be read without running code of its own.
    """
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        if file.suffix == ".safetensors":
            with safe_open(file, framework="pt"):
                return
        # Before PyTorch 1.6 it was no archive, and cannot be mapped.
        torch.load(file, map_location="meta", mmap=is_zipfile(file), weights_only=True)
    except (*_MISFITS, *_UNREADABLE, SafetensorError) as error:
        cause = one_line(f"{type(error).__name__}: {error}", 120)
        raise DataError(
            f"{file} holds no weights that can be read ({cause}); download or save it again"
        ) from error


@contextmanager
def explained(folder: Path, files: str) -> Iterator[None]:
    """Whatever transformers raises while it reads a folder, in one line.

    Args:
        folder: What is read.
        files: Which of its files are to blame when transformers trips over what they hold.

    Raises:
        DataError: A file cannot be used.
        ModelError: transformers cannot load it.
    """
    from huggingface_hub.errors import StrictDataclassError

    try:
        yield
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        cause = one_line(str(error), 600)  # transformers says at the end what to do
        raise ModelError(f"cannot load {folder}: {cause}") from error
    except (*_MISFITS, StrictDataclassError) as error:
        cause = one_line(f"{type(error).__name__}: {error}")
        raise DataError(
            f"cannot load {folder}: its {files} cannot be used ({cause}); download or save it again"
        ) from error
