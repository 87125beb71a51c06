"""`hf:PATH_OR_ID`: checkpoints run in this process by Hugging Face transformers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.errors import DataError
from harness.models.local import templates
from harness.models.local.likelihood import Likelihood
from harness.models.local.loading import (
    Checkpoint,
    load_config,
    load_tokenizer,
    loaded,
    release,
    resolve_dtype,
    stop_ids,
)
from harness.models.local.network import Network
from harness.models.local.pairs import Pairs, window_of
from harness.models.local.sampling import Request, seed_of
from harness.models.local.templates import Message, Template
from harness.models.local.weights import check, fingerprint
from harness.models.serving.failures import one_line
from harness.models.serving.remote import is_unusual
from harness.types import UNWATCHED, Generation, ModelOptions, Prompt, Response, Watch

_HUB_ID = re.compile(r"(?P<id>([A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*)(@(?P<revision>.+))?")
_BLOCK = 4
"""Prompts with choices that are answered together, in batches."""
_WAYS = {"BOS": "by the tokenizer's own rule, never twice", "log-softmax": "float32"}
_SETTINGS = ["*.json", "*.model", "*.txt", "*.jinja", "*.py", "*.tiktoken"]


def build(name: str, options: ModelOptions) -> "HuggingFace":
    """A checkpoint in a folder or on the hub, its files checked and nothing loaded yet.

    Args:
        name: "hf:PATH", "hf:ID" or "hf:ID@REVISION". A folder of that name comes first.
        options: `batch_size`, `chat_template`, `dtype` and `trust_remote_code` are read.

    Raises:
        DataError: There is no such checkpoint, or its files are incomplete.
    """
    folder, revision = locate(name.removeprefix("hf:"))
    check(folder)
    template = templates.find(folder, options.chat_template)
    dtype = resolve_dtype(options.dtype)
    checkpoint = Checkpoint(folder, fingerprint(folder), dtype, options.trust_remote_code)
    return HuggingFace(name, checkpoint, template, options.batch_size, revision)


@dataclass(frozen=True)
class HuggingFace:
    """A causal language model of transformers, loaded when it is first asked.

    A prompt's decoding is all that applies: of the checkpoint's generation_config.json only the
    tokens that end an answer are read, never its temperature, top_p or penalties.
    """

    name: str
    checkpoint: Checkpoint
    template: Template
    batch_size: int = 16
    """Most sequences in one forward pass."""
    revision: str | None = None
    """The commit of a checkpoint from the hub."""

    @property
    def identity(self) -> Mapping[str, str]:
        """Weights, template and precision: the same wherever the checkpoint's files are."""
        return {
            "engine": "transformers",
            "weights": self.checkpoint.weights,
            "template": self.template.digest,
            "dtype": self.checkpoint.dtype,
        }

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        """One generation per prompt, in the order of the prompts.

        A prompt that does not fit into the model's window is refused in its generation's
        `failure`; it is never cut. Special tokens are not part of a response's text.

        Raises:
            DataError: The checkpoint's files changed since it was built.
            ModelError: It cannot be loaded, its template refuses or drops a message, or it fails.
        """
        if not prompts:
            return []
        chats = [_Chat(prompt) for prompt in prompts if not prompt.choices]
        batches = self._batches(self._asked(chats))
        told: dict[Prompt, Generation] = {}
        with loaded(self.checkpoint) as model:
            likelihood = Likelihood(self.name, model, self.pairs, self.context)
            for block in self._blocks([prompt for prompt in prompts if prompt.choices]):
                watch.started(block)
                answers = likelihood.answer(block)
                told.update((answer.prompt, answer) for answer in answers)
                watch.finished(answers)
            for batch in batches:
                network = Network(model, self.tokenizer, self._ends(raw=batch[0][0].prompt.raw))
                watch.started([chat.prompt for chat, _ in batch])
                self._answer(network, batch)
                watch.finished([chat.generation(self.name) for chat, _ in batch])
        said = (chat.generation(self.name) for chat in chats)
        return [told[prompt] if prompt.choices else next(said) for prompt in prompts]

    def examine(self, prompts: Sequence[Prompt]) -> None:
        """Sees that there is a chat template, if one is needed.

        Raises:
            ModelError: There is none.
        """
        if isinstance(self.template, templates.Absent) and not all(p.raw for p in prompts):
            raise self.template.refusal()

    def explain(self, prompts: Sequence[Prompt]) -> Mapping[str, str]:
        """How prompts are answered that are no conversations; nothing of those that are."""
        return _WAYS if any(map(is_unusual, prompts)) else {}

    def count_tokens(self, prompt: Prompt) -> int | None:
        """Tokens of a question of one turn, by the checkpoint's own tokenizer and template.

        Raises:
            ModelError: The template refuses or drops the system message.
        """
        is_question = len(prompt.turns) == 1 and not prompt.raw and not prompt.choices
        return len(self._encode(_Chat(prompt).said)) if is_question else None

    def close(self) -> None:
        """Frees the memory of the weights, if they are there; a later question loads them again."""
        release(self.checkpoint)

    def render(self, prompt: Prompt) -> str:
        """The text that the model is shown for the first turn.

        Raises:
            ModelError: The template refuses or drops the system message, or there is none.
        """
        return self.context(prompt, prompt.turns[0]) if prompt.turns else ""

    def lint(self) -> list[str]:
        """What looks wrong in how template, tokenizer and stop tokens fit together."""
        if isinstance(self.template, templates.Absent):
            return []
        return templates.lint(self.template, self.tokenizer, self.stop_ids)

    @cached_property
    def tokenizer(self) -> Any:
        """The checkpoint's tokenizer, loaded without its weights."""
        return load_tokenizer(self.checkpoint)

    @cached_property
    def stop_ids(self) -> frozenset[int]:
        """Tokens that end an answer: the checkpoint's and the template's."""
        vocabulary = self.tokenizer.get_vocab()
        # A special token is not part of the text in which stop strings are looked for.
        written = {vocabulary[stop] for stop in self.template.stop if stop in vocabulary}
        return self.own_stop_ids.union(self.template.stop_ids, written)

    @cached_property
    def pairs(self) -> Pairs:
        """How texts without a template become tokens."""
        return Pairs(self.tokenizer, window_of(load_config(self.checkpoint), self.tokenizer))

    @cached_property
    def own_stop_ids(self) -> frozenset[int]:
        """Tokens that end what follows a text as it is: the checkpoint's."""
        return stop_ids(self.checkpoint, self.tokenizer)

    def _ends(self, *, raw: bool) -> frozenset[int]:
        return self.own_stop_ids if raw else self.stop_ids

    def context(self, prompt: Prompt, turn: str) -> str:
        """What the model is shown when a turn is the first.

        Raises:
            ModelError: The template refuses or drops the system message, or there is none.
        """
        if prompt.raw:
            return turn
        system = () if prompt.system is None else (("system", prompt.system),)
        return self.template.render(_messages((*system, ("user", turn))), self.tokenizer)

    def _blocks(self, prompts: Sequence[Prompt]) -> list[list[Prompt]]:
        """Prompts with choices, those that begin alike together: they share what is read."""
        like, size = sorted(prompts, key=lambda prompt: prompt.turns), _BLOCK * self.batch_size
        return [like[start : start + size] for start in range(0, len(like), size)]

    def _batches(self, asked: "Sequence[_Asked]") -> "list[list[_Asked]]":
        """Chats of like size together, the largest first, so that what cannot fit shows at once.

        Those that ask the same are neighbours: a batch reads their prompt once.
        """
        batches = []
        for raw in (False, True):
            kind = [one for one in asked if one[0].prompt.raw is raw]
            by_size = sorted(kind, key=_size, reverse=True)
            starts = range(0, len(by_size), self.batch_size)
            batches += [by_size[start : start + self.batch_size] for start in starts]
        return batches

    def _answer(self, network: Network, asked: "Sequence[_Asked]") -> None:
        window = network.window
        while asked:
            for chat, request in asked:
                chat.failure = _too_long(request, window)
            fit = [(chat, request) for chat, request in asked if not chat.failure]
            responses = network.respond([request for _, request in fit])
            for (chat, _), response in zip(fit, responses, strict=True):
                chat.responses.append(replace(response, cut=chat.cut))
            asked = self._asked([chat for chat, _ in fit if chat.waits])

    def _asked(self, chats: "Sequence[_Chat]") -> "list[_Asked]":
        """Each chat with what it asks next; what several say alike is rendered once."""
        said = dict.fromkeys(chat.said for chat in chats if not chat.prompt.raw)
        ids = {one: self._encode(one) for one in said}
        return [
            (chat, self._raw(chat) if chat.prompt.raw else self._request(chat, ids[chat.said]))
            for chat in chats
        ]

    def _request(self, chat: "_Chat", ids: list[int]) -> Request:
        decoding = chat.prompt.decoding
        decoding = replace(decoding, stop=decoding.stop + self.template.stop)
        return Request(ids, decoding, seed_of(chat.prompt, turn=len(chat.responses)))

    def _raw(self, chat: "_Chat") -> Request:
        decoding = chat.prompt.decoding
        ids, chat.cut = self.pairs.prompt(chat.prompt.turns[0], decoding)
        return Request(ids, decoding, seed_of(chat.prompt, turn=0))

    def _encode(self, said: "_Said") -> list[int]:
        text = self.template.render(_messages(said), self.tokenizer)
        return templates.encode(text, self.template, self.tokenizer)


_Said = tuple[tuple[str, str], ...]
"""A conversation as roles and contents."""


@dataclass(slots=True)
class _Chat:
    """A prompt while its turns are being answered."""

    prompt: Prompt
    responses: list[Response] = field(default_factory=list)
    failure: str | None = None
    cut: int = 0

    @property
    def waits(self) -> bool:
        return len(self.responses) < len(self.prompt.turns)

    @property
    def said(self) -> _Said:
        """The conversation up to the user's turn that is to be answered."""
        system, turns = self.prompt.system, self.prompt.turns
        said = [] if system is None else [("system", system)]
        for turn, response in zip(turns, self.responses, strict=False):
            said += [("user", turn), ("assistant", response.text)]
        return (*said, ("user", turns[len(self.responses)]))

    def generation(self, model: str) -> Generation:
        responses = () if self.failure else tuple(self.responses)
        return Generation(self.prompt, model, responses, self.failure)


_Asked = tuple[_Chat, Request]


def _size(asked: _Asked) -> tuple[int, int, list[int]]:
    _, request = asked
    return request.decoding.max_tokens, len(request.ids), request.ids


def _messages(said: _Said) -> list[Message]:
    return [Message(role=role, content=content) for role, content in said]


def _too_long(request: Request, window: int | None) -> str | None:
    n, room = len(request.ids), request.decoding.max_tokens
    if n and (window is None or n + room <= window):
        return None
    return f"prompt is {n} tokens, the window is {window}: {room} are kept for the answer"


def locate(name: str, *, weights: bool = True) -> tuple[Path, str | None]:
    """The folder of a checkpoint and, if it is from the hub, its commit.

    Args:
        name: A folder, or the hub's ID or ID@REVISION.
        weights: Whether they are wanted too; without, only settings and tokenizer come.

    Raises:
        DataError: It is no folder, and cannot be had from the hub.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder, None
    if not (hub := _HUB_ID.fullmatch(name)):
        raise DataError(f"{name} is no folder here, and no hub id such as 'owner/model@revision'")
    wanted = [*_SETTINGS, "model*.safetensors"] if weights else _SETTINGS
    snapshot = _download(hub["id"], hub["revision"], wanted)
    if weights and not any(snapshot.glob("model*.safetensors")):
        snapshot = _download(hub["id"], hub["revision"], [*_SETTINGS, "pytorch_model*.bin"])
    return snapshot, snapshot.name


def _download(repository: str, revision: str | None, files: list[str]) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=files))
    except (OSError, ValueError) as error:
        cause = one_line(str(error), 600)
        raise DataError(
            f"{repository} is no folder here and cannot be had from the hub: {cause}"
        ) from error
