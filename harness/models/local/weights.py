"""A checkpoint's files on disk: whether they are all there, and which weights they hold."""

import hashlib
import json
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from harness.errors import DataError

CHUNK = 1 << 26
"""Bytes hashed by one thread at a time: large enough that starting it costs nothing."""

# Whatever, beside the weights, decides what a checkpoint answers. Optimizer states, logs and model
# cards stand in the same folders and do not.
_SETTINGS = (
    "config.json",
    "generation_config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "spiece.model",
    "tekken.json",
    "*.tiktoken",
    "*.jinja",
    "additional_chat_templates/*.jinja",
    "*.py",
)
_OBJECTS = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)
_TOKENIZERS = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.*",
    "spiece.model",
    "spm.model",
    "tekken.json",
)


def check(folder: Path) -> None:
    """See that a checkpoint is complete, by its names, indexes and headers; nothing is loaded.

    Raises:
        DataError: A file is absent, cut short or not of its format; says which.
    """
    if not (folder / "config.json").is_file():
        raise DataError(_no_config(folder))
    if not any(_present(folder, (*_TOKENIZERS, "*.tiktoken"))):
        raise DataError(
            f"{folder} has no tokenizer (tokenizer.json, tokenizer.model or vocab.*); "
            "save the tokenizer beside the weights"
        )
    for file in _present(folder, _OBJECTS):
        read_object(file)
    for file in weight_files(folder):
        if file.suffix == ".safetensors":
            _check_length(file)


def weight_files(folder: Path) -> list[Path]:
    """The files that hold the weights: one, or the shards that the index names.

    Raises:
        DataError: There is none, or the index names shards that are not there.
    """
    for name in ("model.safetensors", "pytorch_model.bin"):
        whole, index = folder / name, folder / f"{name}.index.json"
        if whole.is_file():
            return [whole]
        if index.is_file():
            return _shards(index)
    raise DataError(
        f"{folder} holds no weights: expected model.safetensors or pytorch_model.bin, "
        "whole or in shards with an index"
    )


def fingerprint(folder: Path, *, weights: bool = True) -> str:
    """SHA-256, in hex, of the weights and of every file that decides how they are used.

    Without `weights` it is of those other files alone: what a network that is stored elsewhere
    takes from the folder.

    It depends on the files' names inside the folder and on their contents, not on where the folder
    is or when it was written. The digest of each file is kept in the user's cache folder by path,
    size and modification time, so that only files that changed are read again.

    Raises:
        DataError: The weights are incomplete, or are being written at this moment.
    """
    held = weight_files(folder) if weights else []
    files = {*held, *_present(folder, _SETTINGS)}
    names = sorted(file.relative_to(folder).as_posix() for file in files)
    with ThreadPoolExecutor() as pool:
        lines = [f"{name} {_digest(folder / name, pool)}\n" for name in names]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_object(file: Path) -> dict[str, Any]:
    """The content of a JSON file that holds an object.

    Raises:
        DataError: It holds something else, or no JSON.
    """
    try:
        content = json.loads(file.read_bytes())
    except ValueError as error:
        raise DataError(f"{file} is not JSON; download or save it again") from error
    if not isinstance(content, dict):
        kind = type(content).__name__
        raise DataError(f"{file} holds a {kind}, expected an object; download or save it again")
    return content


def _present(folder: Path, patterns: Iterable[str]) -> list[Path]:
    return [file for pattern in patterns for file in folder.glob(pattern) if file.is_file()]


def _no_config(folder: Path) -> str:
    if (folder / "adapter_config.json").is_file():
        return f"{folder} is an adapter without its base; merge them and save the whole model"
    return f"{folder} is no checkpoint: it has no config.json"


def _shards(index: Path) -> list[Path]:
    shards = read_object(index).get("weight_map")
    files = list(shards.values()) if isinstance(shards, dict) else []
    if not files or not all(isinstance(name, str) for name in files):
        raise DataError(f"{index} is no index of weights; download it again")
    names = sorted(set(files))
    absent = [name for name in names if not (index.parent / name).is_file()]
    if absent:
        raise DataError(
            f"{index} names {len(names)} files, {len(absent)} of them absent "
            f"({', '.join(absent[:3])}); download them again"
        )
    return [index.parent / name for name in names]


def _check_length(file: Path) -> None:
    size = file.stat().st_size
    expected = _length_in_header(file, size)
    if size != expected:
        raise DataError(
            f"{file} has {size} bytes where its header says {expected}: it is cut short or was "
            "overwritten; download or save it again"
        )


def _length_in_header(file: Path, size: int) -> int:
    """A safetensors file is 8 bytes of header length, the header in JSON, then the tensors."""
    with file.open("rb") as stream:
        end = 8 + int.from_bytes(stream.read(8), "little")
        if end > size:
            raise DataError(
                f"{file} has {size} bytes, fewer than its header: it is cut short or only a "
                "Git LFS pointer; download it again"
            )
        try:
            tensors = json.loads(stream.read(end - 8))
            tensors.pop("__metadata__", None)
            ends: list[int] = [tensor["data_offsets"][1] for tensor in tensors.values()]
            return end + max(ends, default=0)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise DataError(f"{file} has no readable header; download it again") from error


def _digest(file: Path, pool: ThreadPoolExecutor) -> str:
    state = _state(file)
    entry = user_cache_path("iterbench") / "weights" / hashlib.sha256(state.encode()).hexdigest()
    if entry.is_file() and len(kept := entry.read_text()) == hashlib.sha256().digest_size * 2:
        return kept
    digest = _content(file, pool)
    if _state(file) != state:
        raise DataError(f"{file} changed while it was read; wait until it is saved, then run again")
    _keep(entry, digest)
    return digest


def _state(file: Path) -> str:
    stat = file.stat()
    return f"{file.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}"


def _content(file: Path, pool: ThreadPoolExecutor) -> str:
    starts = range(0, file.stat().st_size, CHUNK)
    return hashlib.sha256(b"".join(pool.map(partial(_chunk, file), starts))).hexdigest()


def _chunk(file: Path, start: int) -> bytes:
    """SHA-256 of one chunk, read in pieces so that memory stays small."""
    digest, left = hashlib.sha256(), CHUNK
    with file.open("rb") as stream:
        stream.seek(start)
        while left and (piece := stream.read(min(left, 1 << 20))):
            digest.update(piece)
            left -= len(piece)
    return digest.digest()


def _keep(entry: Path, digest: str) -> None:
    """Write a cache entry in one step: other processes see all of it or nothing."""
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=entry.parent, delete=False) as draft:
            draft.write(digest)
        Path(draft.name).replace(entry)
    except OSError as error:
        raise DataError(
            f"cannot keep the digests of weights in {entry.parent} ({error.strerror}); "
            "set XDG_CACHE_HOME to a folder that can be written"
        ) from error
