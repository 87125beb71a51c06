"""`hf:PATH_OR_ID`: checkpoints run in this process by Hugging Face transformers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.errors import DataError
from harness.models.local import templates
from harness.models.local.loading import (
    Checkpoint,
    load_tokenizer,
    loaded,
    release,
    resolve_dtype,
    stop_ids,
)
from harness.models.local.network import Network
from harness.models.local.sampling import Request, seed_of
from harness.models.local.templates import Message, Template
from harness.models.local.weights import check, fingerprint
from harness.models.serving.failures import one_line
from harness.types import UNWATCHED, Generation, ModelOptions, Prompt, Response, Watch

_HUB_ID = re.compile(r"(?P<id>([A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*)(@(?P<revision>.+))?")
_SETTINGS = ["*.json", "*.model", "*.txt", "*.jinja", "*.py", "*.tiktoken"]


def build(name: str, options: ModelOptions) -> "HuggingFace":
    """A checkpoint in a folder or on the hub, its files checked and nothing loaded yet.

    Args:
        name: "hf:PATH", "hf:ID" or "hf:ID@REVISION". A folder of that name comes first.
        options: `batch_size`, `chat_template`, `dtype` and `trust_remote_code` are read.

    Raises:
        DataError: There is no such checkpoint, or its files are incomplete.
        ModelError: It ships no chat template and none is given.
    """
    folder, revision = _locate(name.removeprefix("hf:"))
    check(folder)
    template = templates.choose(folder, options.chat_template)
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
        chats = [_Chat(prompt) for prompt in prompts]
        batches = self._batches(chats)
        with loaded(self.checkpoint) as model:
            network = Network(model, self.tokenizer, self.stop_ids)
            for batch in batches:
                watch.started([chat.prompt for chat in batch])
                self._answer(network, batch)
                watch.finished([chat.generation(self.name) for chat in batch])
        return [chat.generation(self.name) for chat in chats]

    def close(self) -> None:
        """Frees the memory of the weights, if they are there; a later question loads them again."""
        release(self.checkpoint)

    def render(self, prompt: Prompt) -> str:
        """The text that the model is shown for the first turn.

        Raises:
            ModelError: The template refuses or drops the system message.
        """
        return self.template.render(_Chat(prompt).messages, self.tokenizer)

    def lint(self) -> list[str]:
        """What looks wrong in how template, tokenizer and stop tokens fit together."""
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
        return stop_ids(self.checkpoint, self.tokenizer).union(self.template.stop_ids, written)

    def _batches(self, chats: Sequence["_Chat"]) -> list[list["_Chat"]]:
        """Chats of like size together; the largest first, so that what cannot fit shows at once."""
        requests = [self._request(chat) for chat in chats]
        sizes = [(request.decoding.max_tokens, len(request.ids)) for request in requests]
        order = sorted(range(len(chats)), key=sizes.__getitem__, reverse=True)
        starts = range(0, len(order), self.batch_size)
        return [[chats[i] for i in order[start : start + self.batch_size]] for start in starts]

    def _answer(self, network: Network, chats: Sequence["_Chat"]) -> None:
        while asked := [chat for chat in chats if chat.waits]:
            requests = []
            for chat in asked:
                request = self._request(chat)
                chat.failure = _too_long(request, network.window)
                requests += [] if chat.failure else [request]
            answered = [chat for chat in asked if not chat.failure]
            for chat, response in zip(answered, network.respond(requests), strict=True):
                chat.responses.append(response)

    def _request(self, chat: "_Chat") -> Request:
        text = self.template.render(chat.messages, self.tokenizer)
        decoding = chat.prompt.decoding
        return Request(
            templates.encode(text, self.template, self.tokenizer),
            replace(decoding, stop=decoding.stop + self.template.stop),
            seed_of(chat.prompt, turn=len(chat.responses)),
        )


@dataclass(slots=True)
class _Chat:
    """A prompt while its turns are being answered."""

    prompt: Prompt
    responses: list[Response] = field(default_factory=list)
    failure: str | None = None

    @property
    def waits(self) -> bool:
        return self.failure is None and len(self.responses) < len(self.prompt.turns)

    @property
    def messages(self) -> list[Message]:
        """The conversation up to the user's turn that is to be answered."""
        system, turns = self.prompt.system, self.prompt.turns
        said = [] if system is None else [Message(role="system", content=system)]
        for turn, response in zip(turns, self.responses, strict=False):
            said += [
                Message(role="user", content=turn),
                Message(role="assistant", content=response.text),
            ]
        return [*said, Message(role="user", content=turns[len(self.responses)])]

    def generation(self, model: str) -> Generation:
        responses = () if self.failure else tuple(self.responses)
        return Generation(self.prompt, model, responses, self.failure)


def _too_long(request: Request, window: int | None) -> str | None:
    n, room = len(request.ids), request.decoding.max_tokens
    if window is None or n + room <= window:
        return None
    return f"prompt is {n} tokens, the window is {window}: {room} are kept for the answer"


def _locate(name: str) -> tuple[Path, str | None]:
    """The folder of a checkpoint and, if it is from the hub, its commit."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder, None
    if not (hub := _HUB_ID.fullmatch(name)):
        raise DataError(f"{name} is no folder here, and no hub id such as 'owner/model@revision'")
    snapshot = _download(hub["id"], hub["revision"], [*_SETTINGS, "model*.safetensors"])
    if not any(snapshot.glob("model*.safetensors")):
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
