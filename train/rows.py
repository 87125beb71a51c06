"""Examples as token ids: exactly the prompts that the checkpoint is later asked with."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import DataError, ModelError
from harness.models.local import templates
from harness.models.local.loading import Checkpoint, load_tokenizer, stop_ids
from harness.models.local.templates import Message, Shipped
from harness.models.local.weights import check, fingerprint
from train.examples import Answer, Example
from train.recipe import Training


class Row(NamedTuple):
    """An example as a network reads it."""

    prompt: list[int]
    responses: list[list[int]]
    """The tokens of each response, at least one, its end token included."""
    facts: Mapping[str, float]

    @property
    def size(self) -> int:
        """Tokens of prompt and responses together."""
        return len(self.prompt) + sum(map(len, self.responses))


@dataclass(frozen=True)
class Writer:
    """Writes examples as rows of token ids.

    Prompt and response are tokenised apart, since a checkpoint is asked with the prompt alone.
    """

    tokenizer: Any
    template: Shipped
    end: int
    """The token that ends a response."""
    max_length: int | None = None
    """Most tokens of a prompt with one response: the response loses its last ones, and a prompt
    that leaves it no room its first ones."""
    max_prompt_length: int | None = None
    """Most tokens of a prompt: it loses its first ones."""

    def rows(self, examples: Sequence[Example]) -> list[Row]:
        """One row per example, in order.

        Raises:
            DataError: A prompt has no token, so that nothing foretells its responses.
        """
        prompts = self._tokens([self._prompt(example) for example in examples])
        texts = [answer.text for example in examples for answer in example.responses]
        tokens = iter(self._tokens(texts))
        return [
            self._row(example, self._shortened(prompt), tokens)
            for example, prompt in zip(examples, prompts, strict=True)
        ]

    def _shortened(self, prompt: list[int]) -> list[int]:
        """The prompt's last tokens, so many that a token of a response has room."""
        limits = (self.max_prompt_length, self.max_length and max(1, self.max_length - 1))
        return prompt[-min((limit for limit in limits if limit), default=0) :]

    def _row(self, example: Example, prompt: list[int], tokens: Iterator[list[int]]) -> Row:
        if not prompt:
            raise DataError(
                f"expected a prompt of at least one token, came none for {example.said[-1]!r:.60}; "
                f"take it out, or let the chat template begin with the beginning-of-text token"
            )
        room = max(1, self.max_length - len(prompt)) if self.max_length else None
        ended = [self._ended(answer, next(tokens)) for answer in example.responses]
        return Row(prompt, [ids[:room] for ids in ended], example.facts)

    def _prompt(self, example: Example) -> str:
        variables = {} if example.condition is None else {"condition": example.condition}
        return self.template.render(_messages(example), self.tokenizer, **variables)

    def _tokens(self, texts: list[str]) -> list[list[int]]:
        if not texts:
            return []
        # Shipped templates write their special tokens themselves.
        ids: list[list[int]] = self.tokenizer(texts, add_special_tokens=False)["input_ids"]
        return ids

    def _ended(self, answer: Answer, ids: list[int]) -> list[int]:
        # A response without any token would be a row that nothing is learned from.
        return [*ids, self.end] if answer.ended or not ids else ids


def open_writer(base: Path, chat_template: str | None, training: Training) -> Writer:
    """The writer for a checkpoint, by its own chat template unless another is given.

    Raises:
        ModelError: It has none in Jinja, or nothing ends an answer.
    """
    check(base)
    checkpoint = Checkpoint(base, fingerprint(base), "float32")
    tokenizer = load_tokenizer(checkpoint)
    template = Shipped(chat_template) if chat_template else templates.choose(base, None)
    if not isinstance(template, Shipped):
        raise ModelError(f"expected a chat template in Jinja in {base}, came {template.digest}")
    tokenizer.chat_template = template.text
    end = end_token(template, tokenizer, stop_ids(checkpoint, tokenizer))
    return Writer(tokenizer, template, end, training.max_length, training.max_prompt_length)


def end_token(template: Shipped, tokenizer: Any, stop_ids: frozenset[int]) -> int:
    """The token that the template writes after an answer and that stops generation.

    Raises:
        ModelError: There is none: the checkpoint would never learn to stop.
    """
    answer = "Answer."
    said: list[Message] = [
        {"role": "user", "content": "Question?"},
        {"role": "assistant", "content": answer},
    ]
    tail = template.render(said, tokenizer).rpartition(answer)[2]
    written = tokenizer(tail, add_special_tokens=False)["input_ids"]
    found = next((token for token in written if token in stop_ids), tokenizer.eos_token_id)
    if found is None:
        raise ModelError(
            "expected a token that ends an answer, but neither the chat template writes one nor "
            "has the tokenizer an end-of-sequence token; set eos_token in tokenizer_config.json"
        )
    end: int = found
    return end


def _messages(example: Example) -> list[Message]:
    if len(example.said) % 2 == 0:
        raise DataError(
            f"expected a conversation that ends with the user's turn, came {len(example.said)} "
            f"turns beginning {example.said[0][:40]!r}"
            if example.said
            else "expected a prompt, came an example without one"
        )
    system: list[Message] = (
        [] if example.system is None else [{"role": "system", "content": example.system}]
    )
    roles = ("user", "assistant")
    return system + [
        Message(role=roles[turn % 2], content=text) for turn, text in enumerate(example.said)
    ]
