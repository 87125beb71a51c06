"""Counts what OpenAI's models read, by their own vocabularies, where those are on this machine."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from harness.types import Prompt

if TYPE_CHECKING:
    from tiktoken import Encoding

_VOCABULARIES = "https://openaipublic.blob.core.windows.net/encodings"
_A_MESSAGE = 4
"""Tokens around the content of each message, its role among them."""
_THE_ANSWER = 3
"""Tokens that begin the answer."""


def counter(model: str) -> Callable[[Prompt], int | None]:
    """What counts the tokens of a prompt of one turn as the model reads it.

    It counts nothing (None) where tiktoken is not installed, does not know the model, or would have
    to download the vocabulary, and for prompts of several turns.

    Args:
        model: As OpenAI calls it.

    Source:
        https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken
    """

    def count(prompt: Prompt) -> int | None:
        encoding = _encoding(model) if len(prompt.turns) == 1 else None
        if encoding is None:
            return None
        said = [*prompt.turns, *([] if prompt.system is None else [prompt.system])]
        texts = [text.encode(errors="replace").decode() for text in said]
        read = sum(len(encoding.encode_ordinary(text)) + _A_MESSAGE for text in texts)
        return read + _THE_ANSWER

    return count


@cache
def _encoding(model: str) -> "Encoding | None":
    if find_spec("tiktoken") is None:
        return None
    import tiktoken

    try:
        name = tiktoken.encoding_name_for_model(model)
    except KeyError:
        return None
    known = name in tiktoken.registry.ENCODINGS or _is_downloaded(name)
    return tiktoken.get_encoding(name) if known else None


def _is_downloaded(vocabulary: str) -> bool:
    """Whether tiktoken will find the vocabulary where it keeps what it has downloaded."""
    here = os.environ.get("TIKTOKEN_CACHE_DIR") or os.environ.get("DATA_GYM_CACHE_DIR")
    folder = Path(here) if here else Path(tempfile.gettempdir()) / "data-gym-cache"
    name = hashlib.sha1(
        f"{_VOCABULARIES}/{vocabulary}.tiktoken".encode(), usedforsecurity=False
    ).hexdigest()
    return (folder / name).is_file()
