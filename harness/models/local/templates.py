"""How a conversation becomes the text that a checkpoint was trained on.

The template is the one that the checkpoint ships. Its name never chooses one: a checkpoint without
a template is refused until the user says which conversation it was trained on.
"""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypedDict

from harness.errors import DataError, ModelError, SpecError, UnknownNameError
from harness.models.local.weights import read_object
from harness.models.serving.failures import one_line

WRITTEN_ON = datetime(2024, 7, 26, tzinfo=UTC)
"""The day on which every prompt is rendered: the one that Llama 3.1 writes when not told another.

Templates that write the date of the day would ask something else tomorrow.
"""

# What an expression in a template raises when it is wrong: Jinja hands these on as they are.
_FAULTS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class Message(TypedDict):
    """One message of a conversation."""

    role: str
    """"system", "user" or "assistant"."""
    content: str


class Template(Protocol):
    """A way to write a conversation down."""

    @property
    def digest(self) -> str:
        """What tells it from other templates."""

    @property
    def adds_special_tokens(self) -> bool:
        """Whether the tokenizer must add what the text does not write, such as its BOS."""

    @property
    def stop(self) -> tuple[str, ...]:
        """Strings that end an answer."""

    @property
    def stop_ids(self) -> tuple[int, ...]:
        """Tokens that end an answer, beside the checkpoint's own."""

    def render(self, messages: Sequence[Message], tokenizer: Any) -> str:
        """The conversation as text; after a user's message, up to where the answer begins.

        Raises:
            ModelError: The template refuses or drops a message.
        """


@dataclass(frozen=True, slots=True)
class Shipped:
    """The chat template that a checkpoint ships, in Jinja."""

    text: str
    adds_special_tokens: bool = False
    stop: tuple[str, ...] = ()
    stop_ids: tuple[int, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of the template's text, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def render(self, messages: Sequence[Message], tokenizer: Any, **variables: str) -> str:
        """The conversation as text; after a user's message, up to where the answer begins.

        Args:
            messages: The conversation.
            tokenizer: The checkpoint's.
            **variables: What else the template reads; nothing when a checkpoint is asked.

        Raises:
            ModelError: The template refuses or drops a message, or fails.
        """
        with _explained(messages):
            text: str = tokenizer.apply_chat_template(
                list(messages),
                chat_template=self.text,
                tokenize=False,
                add_generation_prompt=messages[-1]["role"] == "user",
                strftime_now=WRITTEN_ON.strftime,
                **variables,
            )
        return _with_system(text, messages)


@dataclass(frozen=True, slots=True)
class FastChat:
    """A conversation of FastChat, for checkpoints that ship no template."""

    name: str
    adds_special_tokens: bool = True

    @property
    def digest(self) -> str:
        """The name that the user gave."""
        return f"fastchat:{self.name}"

    @property
    def stop(self) -> tuple[str, ...]:
        """Strings that end an answer."""
        stop = self._conversation().stop_str or ()
        return (stop,) if isinstance(stop, str) else tuple(stop)

    @property
    def stop_ids(self) -> tuple[int, ...]:
        """Tokens that end an answer, beside the checkpoint's own."""
        return tuple(self._conversation().stop_token_ids or ())

    def render(self, messages: Sequence[Message], tokenizer: Any) -> str:  # noqa: ARG002 the protocol's
        """The conversation as text; after a user's message, up to where the answer begins.

        Raises:
            ModelError: The conversation drops a message.
        """
        conversation = self._conversation()
        # Some conversations name further roles, which are never asked.
        roles = dict(zip(("user", "assistant"), conversation.roles, strict=False))
        for message in messages:
            if message["role"] == "system":
                conversation.system_message = message["content"]
            else:
                conversation.append_message(roles[message["role"]], message["content"])
        if messages[-1]["role"] == "user":
            conversation.append_message(roles["assistant"], None)
        return _with_system(conversation.get_prompt(), messages)

    def _conversation(self) -> Any:
        from fastchat.conversation import get_conv_template

        return get_conv_template(self.name)


@dataclass(frozen=True, slots=True)
class Absent:
    """In the place of a template where a checkpoint ships none and none is given."""

    folder: Path
    digest: str = "none"
    adds_special_tokens: bool = False
    stop: tuple[str, ...] = ()
    stop_ids: tuple[int, ...] = ()

    def render(self, messages: Sequence[Message], tokenizer: Any) -> str:  # noqa: ARG002 the protocol's
        """Nothing.

        Raises:
            ModelError: Always.
        """
        raise self.refusal()

    def refusal(self) -> ModelError:
        """What is to be said to who asks for a conversation."""
        return ModelError(
            f"{self.folder} ships no chat template; say what it was trained on with "
            "chat_template = 'fastchat:NAME' (for example fastchat:vicuna_v1.1)"
        )


def choose(folder: Path, option: str | None) -> Template:
    """The checkpoint's own template; FastChat's only where it ships none.

    Args:
        folder: The checkpoint.
        option: None, or "fastchat:NAME".

    Raises:
        SpecError: The option is of another form.
        UnknownNameError: FastChat has no such conversation.
        DataError: The file that holds the template is damaged.
        ModelError: There is no template, or FastChat is not installed.
    """
    template = find(folder, option)
    if isinstance(template, Absent):
        raise template.refusal()
    return template


def find(folder: Path, option: str | None) -> Template:
    """As `choose`, but that a checkpoint without a template is no error until one is needed."""
    fallback = None if option is None else _fastchat(option)
    text = _shipped(folder)
    return Shipped(text) if text is not None else fallback or Absent(folder)


def encode(text: str, template: Template, tokenizer: Any) -> list[int]:
    """Token ids of a rendered conversation, with one BOS where the template has one."""
    written = tokenizer.bos_token is not None and text.startswith(tokenizer.bos_token)
    special = template.adds_special_tokens and not written
    ids: list[int] = tokenizer(text, add_special_tokens=special)["input_ids"]
    return ids


def lint(template: Template, tokenizer: Any, stop_ids: Collection[int]) -> list[str]:
    """What looks wrong in how a checkpoint, its template and its stop tokens fit together.

    Args:
        template: As chosen.
        tokenizer: The checkpoint's.
        stop_ids: Tokens at which generation stops.
    """
    asked: list[Message] = [{"role": "user", "content": "Question?"}]
    prompt = template.render(asked, tokenizer)
    told = template.render([*asked, {"role": "assistant", "content": "Answer."}], tokenizer)
    ids = encode(prompt, template, tokenizer)
    warnings = []
    if ids[:2] == [tokenizer.bos_token_id] * 2:
        warnings.append(f"a prompt begins with {tokenizer.bos_token} twice")
    # Templates that open a thought before the answer write more after the question than the
    # finished conversation does; only a prompt that the conversation continues can be judged.
    if told.startswith(prompt) and not told.removeprefix(prompt).lstrip().startswith("Answer."):
        warnings.append("a prompt ends before the assistant's turn is opened")
    end = told.rpartition("Answer.")[2]
    if not _stops(end, template, tokenizer, stop_ids):
        warnings.append(f"a trained answer ends in {end!r}, which does not stop generation")
    if "strftime_now" in getattr(template, "text", ""):
        warnings.append(f"the template writes the date; every prompt says {WRITTEN_ON:%d %b %Y}")
    return warnings


def _stops(end: str, template: Template, tokenizer: Any, stop_ids: Collection[int]) -> bool:
    ids = tokenizer(end, add_special_tokens=False)["input_ids"]
    return not {*stop_ids}.isdisjoint(ids) or any(stop in end for stop in template.stop)


@contextmanager
def _explained(messages: Sequence[Message]) -> Iterator[None]:
    from jinja2 import TemplateError

    roles = ", ".join(message["role"] for message in messages)
    try:
        yield
    except TemplateError as error:
        cause = one_line(str(error))
        raise ModelError(
            f"the checkpoint's chat template refuses the messages {roles}: {cause}"
        ) from error
    except _FAULTS as error:
        cause = one_line(f"{type(error).__name__}: {error}")
        raise ModelError(
            f"the checkpoint's chat template fails on the messages {roles}: {cause}; correct it"
        ) from error


def _with_system(text: str, messages: Sequence[Message]) -> str:
    for message in messages:
        if message["role"] == "system" and message["content"].strip() not in text:
            raise ModelError("the checkpoint's chat template drops the system message")
    return text


def _fastchat(option: str) -> FastChat:
    source, _, name = option.partition(":")
    if source != "fastchat" or not name:
        raise SpecError(f"chat_template must be 'fastchat:NAME', not '{option}'")
    try:
        from fastchat.conversation import conv_templates
    except ImportError as error:
        raise ModelError(
            f"{option} needs FastChat's conversations; pip install 'iterbench[fastchat]'"
        ) from error
    # Some names stand for models behind an API, whose conversations nobody can write down.
    known = [key for key, conversation in conv_templates.items() if conversation.sep_style]
    if name not in known:
        raise UnknownNameError("conversation of FastChat", name, known)
    return FastChat(name)


def _shipped(folder: Path) -> str | None:
    """The default template where transformers looks for it: a file of its own comes first."""
    own, config = folder / "chat_template.jinja", folder / "tokenizer_config.json"
    if own.is_file():
        return _text(own)
    return _default(config) if config.is_file() else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not UTF-8 text; download or save it again") from error


def _default(config: Path) -> str | None:
    template = read_object(config).get("chat_template")
    if isinstance(template, str | None):
        return template
    named: dict[str, str] = {}
    for one in template if isinstance(template, list) else [template]:
        match one:
            case {"name": str(name), "template": str(text)}:
                named[name] = text
            case _:
                raise DataError(
                    f"{config}: expected chat_template to be a text or a list of named texts; "
                    "download or save it again"
                )
    return named.get("default")
