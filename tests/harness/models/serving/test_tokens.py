"""Counting what OpenAI's models read; a real tokenizer with a vocabulary of single bytes."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiktoken

from harness.models.openai import build
from harness.models.serving import tokens
from harness.types import Decoding, ModelOptions, Prompt

BYTES = tiktoken.Encoding(
    "bytes",
    pat_str=r"\S+|\s+",
    mergeable_ranks={bytes([i]): i for i in range(256)},
    special_tokens={"<|endoftext|>": 256},
)


def asking(*turns: str, system: str | None = None) -> Prompt:
    return Prompt("p", turns, Decoding(1), system)


@pytest.fixture(autouse=True)
def _no_downloads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})
    tokens._encoding.cache_clear()
    yield
    tokens._encoding.cache_clear()


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tiktoken.registry.ENCODINGS, "o200k_base", BYTES)


@pytest.mark.usefixtures("here")
def test_a_message_is_its_text_and_four_tokens_and_three_begin_the_answer() -> None:
    assert tokens.counter("gpt-4.1")(asking("hello")) == 5 + 4 + 3


@pytest.mark.usefixtures("here")
def test_the_system_message_is_read_too() -> None:
    assert tokens.counter("gpt-4.1")(asking("hello", system="sir")) == 5 + 4 + 3 + 4 + 3


@pytest.mark.usefixtures("here")
def test_special_tokens_in_a_text_are_plain_text() -> None:
    assert tokens.counter("gpt-4.1")(asking("<|endoftext|>")) == 13 + 7


@pytest.mark.usefixtures("here")
def test_a_lone_surrogate_is_counted() -> None:
    assert tokens.counter("gpt-4.1")(asking("a\ud800")) == 2 + 7


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("model", "prompt"), [("gpt-4.1", asking("a", "b")), ("llama", asking("a"))]
)
def test_what_cannot_be_told_is_not_counted(model: str, prompt: Prompt) -> None:
    assert tokens.counter(model)(prompt) is None


def test_a_vocabulary_that_is_not_here_is_never_downloaded() -> None:
    assert tokens.counter("gpt-4.1")(asking("hello")) is None


def test_a_vocabulary_is_looked_for_where_tiktoken_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
    (tmp_path / hashlib.sha1(url.encode()).hexdigest()).touch()
    monkeypatch.setattr(tiktoken, "get_encoding", {"o200k_base": BYTES}.__getitem__)
    assert tokens.counter("gpt-4.1")(asking("hello")) == 5 + 4 + 3


@pytest.mark.usefixtures("here")
def test_openais_models_count_and_other_servers_do_not() -> None:
    assert build("openai:gpt-4.1", ModelOptions()).count_tokens(asking("hello")) == 12
    assert build("http://127.0.0.1:9/v1#gpt-4.1", ModelOptions()).count_tokens(asking("a")) is None
