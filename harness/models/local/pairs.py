"""A context and a text after it as the tokens that a model reads and those that are scored.

The rules are those of lm-eval 0.4.13's `HFLM`, token by token, so that log-likelihoods are too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from harness.types import Decoding

_LENGTHS = ("n_positions", "max_position_embeddings", "n_ctx")
"""What architectures call the length of their window, in the order in which they are looked for."""
_USUAL_WINDOW = 2048
_UNSET = int(1e30)
"""What a tokenizer gives as its longest text when nobody has said."""


class Row(NamedTuple):
    """What a model reads, and the tokens whose log-probabilities are asked for."""

    ids: list[int]
    """Everything but the last token."""
    targets: list[int]
    """The last tokens: each is predicted after what stands before it, the last after all `ids`."""
    cut: int = 0
    """Tokens at the beginning that did not fit the window."""

    @property
    def first(self) -> int:
        """Place in `ids` after which the first target is predicted."""
        return len(self.ids) - len(self.targets)


class Told(NamedTuple):
    """What a network says of one row."""

    logprobs: list[float]
    """Natural logarithms, one for each target."""
    likeliest: bool
    """Whether each target was the likeliest token in its place."""


def window_of(config: Any, tokenizer: Any) -> int:
    """Most tokens that are read at once, by the configuration, else the tokenizer, else 2048."""
    text = config.get_text_config()
    found = [value for name in _LENGTHS if (value := getattr(text, name, None)) is not None]
    found += [length for length in [tokenizer.model_max_length] if length < _UNSET]
    return int(next(iter(found), _USUAL_WINDOW))


@dataclass(frozen=True, slots=True)
class Pairs:
    """How texts become rows for one tokenizer and window."""

    tokenizer: Any
    window: int

    @property
    def prefix(self) -> int:
        """The token that stands before a text without context: BOS, else EOS."""
        bos: int | None = self.tokenizer.bos_token_id
        return self.tokenizer.eos_token_id if bos is None else bos

    def rows(self, contexts: Sequence[str], choices: Sequence[str]) -> list[Row | str]:
        """A row for each context and choice, those of the first context first.

        Instead of a row, why there can be none: the text has no tokens, or more than the window.
        """
        pairs = [(context, choice) for context in contexts for choice in choices]
        moved = [_moved(context, choice) for context, choice in pairs if context]
        before = list(dict.fromkeys(context for context, _ in moved))
        ids = dict(zip(before, self._encode(before, self._begins), strict=True))
        wholes = self._encode([context + choice for context, choice in moved], self._begins)
        after = iter(
            (ids[context], whole[len(ids[context]) :])
            for (context, _), whole in zip(moved, wholes, strict=True)
        )
        return [self._row(*(next(after) if context else self._alone(c))) for context, c in pairs]

    def windows(self, text: str) -> list[Row | str]:
        """Rows that together score all of a text, each with as much before it as fits."""
        [ids] = self._encode([text], self._begins)
        if not ids:
            return [_EMPTY]
        whole, size = [self.prefix, *ids], self.window
        rows: list[Row | str] = []
        for start in range(0, len(ids), size):
            end = min(start + size, len(ids))
            rows.append(Row(whole[max(end - size, 0) : end], ids[start:end]))
        return rows

    def prompt(self, text: str, decoding: Decoding) -> tuple[list[int], int]:
        """Tokens of a text that is to be gone on with, and how many of its first were cut off."""
        [ids] = self._encode([text], self.tokenizer.bos_token)
        cut = max(len(ids) - max(self.window - decoding.max_tokens, 0), 0)
        return ids[cut:], cut

    @property
    def _begins(self) -> str:
        text: str = self.tokenizer.decode(self.prefix)
        return text

    def _encode(self, texts: Sequence[str], begins: str | None) -> list[list[int]]:
        """Token ids, with what the tokenizer adds unless a text begins with it already."""
        bare = [begins is not None and text.startswith(begins) for text in texts]
        parts = {kind: [t for t, b in zip(texts, bare, strict=True) if b is kind] for kind in bare}
        ids = {kind: iter(self._ids(part, special=not kind)) for kind, part in parts.items()}
        return [next(ids[kind]) for kind in bare]

    def _ids(self, texts: list[str], *, special: bool) -> list[list[int]]:
        told = self.tokenizer(texts, add_special_tokens=special, verbose=False)
        ids: list[list[int]] = told["input_ids"]
        return ids

    def _alone(self, choice: str) -> tuple[list[int], list[int]]:
        [ids] = self._ids([choice], special=False)
        return (ids[:1], ids[1:]) if ids[:1] == [self.prefix] else ([self.prefix], ids)

    def _row(self, context: list[int], choice: list[int]) -> Row | str:
        if not context or not choice:
            return _EMPTY
        if len(choice) > self.window:
            return f"a choice is {len(choice)} tokens, the window is {self.window}"
        cut = max(len(context) + len(choice) - self.window - 1, 0)
        return Row((context + choice)[cut:-1], choice, cut)


_EMPTY = "context or choice has no tokens"


def _moved(context: str, choice: str) -> tuple[str, str]:
    """White space at the end of a context belongs to what comes after it."""
    bare = context.rstrip()
    return bare, context[len(bare) :] + choice
