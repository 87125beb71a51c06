"""Pairs of responses as token ids, in the form that a pair ranker reads.

A row is `[CLS]<|source|>…[SEP][CLS]<|candidate1|>…[SEP][CLS]<|candidate2|>…[SEP]`: three texts,
encoded each for itself. The network scores a candidate by what it makes of the marks that begin
the source and the candidate.

Source: yuchenlin/LLM-Blender@2a67366, llm_blender/blender/blender_utils.py, `tokenize_pair`. It
reads the separator inside a text as a space; here that is done with every token that is no text.
"""

import re
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from harness.errors import ModelError

SOURCE, FIRST, SECOND = "<|source|>", "<|candidate1|>", "<|candidate2|>"
MARKS = (SOURCE, FIRST, SECOND, "<|candidate|>")
"""Tokens that the published vocabulary adds, in the order of their ids; the last is unused."""

_AT_ONCE = 1024
"""Texts that are tokenised in one call: enough to keep all cores busy."""


class Pair(NamedTuple):
    """What is compared."""

    source: str
    """What both candidates answer."""
    first: str
    second: str


class Budgets(NamedTuple):
    """Most tokens of each part of a row, its three special ones included."""

    source: int = 1224
    candidate: int = 412
    """Both candidates share evenly what the source leaves of its own."""

    @property
    def total(self) -> int:
        """Most tokens of a row."""
        return self.source + 2 * self.candidate


PUBLISHED = Budgets()
"""Those of llm-blender/PairRM."""


class Row(NamedTuple):
    """A pair as a network reads it."""

    ids: Sequence[int]
    marks: tuple[int, int, int]
    """Where source, first and second begin."""


@dataclass(frozen=True)
class Encoder:
    """Writes pairs as token ids; what is too long loses its last tokens."""

    tokenizer: Any
    budgets: Budgets = PUBLISHED

    def encode(self, pairs: Sequence[Pair]) -> "Encoded":
        """The pairs, each distinct text of them tokenised once.

        Raises:
            ModelError: The tokenizer does not know the marks, or no token that begins or ends.
        """
        sources = self._tokens(SOURCE, (pair.source for pair in pairs))
        candidates = self._tokens(FIRST, (text for pair in pairs for text in pair[1:]))
        return Encoded(self, pairs, sources, candidates)

    @cached_property
    def marks(self) -> tuple[int, int, int]:
        """Ids of the tokens that begin the source and the candidates."""
        known = self.tokenizer.get_vocab()
        if not known.keys() >= {SOURCE, FIRST, SECOND}:
            raise ModelError(
                f"expected a tokenizer that knows {SOURCE}, {FIRST} and {SECOND}, came one that "
                f"lacks some of them; save the pair ranker's own tokenizer beside its weights"
            )
        return known[SOURCE], known[FIRST], known[SECOND]

    @cached_property
    def ends(self) -> tuple[int, int]:
        """Ids of the tokens around each part."""
        cls, sep = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        if cls is None or sep is None:
            raise ModelError(
                "expected a tokenizer with a CLS and a SEP token, came one that lacks one of them; "
                "set cls_token and sep_token in tokenizer_config.json"
            )
        return cls, sep

    def part(self, mark: int, ids: Sequence[int], budget: int) -> list[int]:
        """One of the three texts, within its budget."""
        cls, sep = self.ends
        return [cls, mark, *ids[: max(0, budget - 3)], sep]

    def _tokens(self, mark: str, texts: Iterable[str]) -> dict[str, Sequence[int]]:
        """The ids of each distinct text, those that have no room left out."""
        distinct = list(dict.fromkeys(texts))
        found: dict[str, Sequence[int]] = {}
        for start in range(0, len(distinct), _AT_ONCE):
            some = distinct[start : start + _AT_ONCE]
            found |= zip(some, self._marked(mark, some), strict=True)
        return found

    def _marked(self, mark: str, texts: Sequence[str]) -> list[Sequence[int]]:
        # Behind a mark, as it is read: a tokenizer may write the beginning of a text otherwise.
        written = [mark + self._foreign.sub(" ", _writable(text)) for text in texts]
        rows = self.tokenizer(written, add_special_tokens=False)["input_ids"]
        if any(row[0] not in self.marks for row in rows):
            raise ModelError(
                f"expected a tokenizer that keeps {mark} whole, came one that splits it; save the "
                f"pair ranker's own tokenizer beside its weights"
            )
        return [array("i", row[1 : self.budgets.total]) for row in rows]

    @cached_property
    def _foreign(self) -> re.Pattern[str]:
        """Tokens that no text may smuggle in."""
        written = {*self.tokenizer.all_special_tokens, *MARKS}
        return re.compile("|".join(map(re.escape, sorted(written, key=len, reverse=True))))


def _writable(text: str) -> str:
    """The text without halves of characters, at which tokenizers stumble."""
    return text.encode(errors="replace").decode()


@dataclass(frozen=True, slots=True)
class Encoded:
    """Pairs whose texts are tokenised; a row is put together when it is asked for."""

    encoder: Encoder
    pairs: Sequence[Pair]
    sources: dict[str, Sequence[int]]
    candidates: dict[str, Sequence[int]]

    def row(self, index: int) -> Row:
        """The pair of that place."""
        encoder, pair = self.encoder, self.pairs[index]
        first, second, third = encoder.marks
        budgets = encoder.budgets
        source = encoder.part(first, self.sources[pair.source], budgets.source)
        room = (budgets.total - len(source)) // 2
        one = encoder.part(second, self.candidates[pair.first], room)
        other = encoder.part(third, self.candidates[pair.second], room)
        marks = 1, len(source) + 1, len(source) + len(one) + 1
        return Row([*source, *one, *other], marks)

    def size(self, index: int) -> int:
        """Tokens of the pair of that place."""
        pair, budgets = self.pairs[index], self.encoder.budgets
        source = min(len(self.sources[pair.source]) + 3, max(3, budgets.source))
        room = max(3, (budgets.total - source) // 2)
        return source + sum(min(len(self.candidates[text]) + 3, room) for text in pair[1:])


def batches(sizes: Sequence[int], rows: int, tokens: int) -> list[list[int]]:
    """Which places are read together: those of like size, the longest first.

    Args:
        sizes: Tokens of each row.
        rows: Most rows of a batch.
        tokens: Most tokens of a batch with its padding, unless a single row has more.
    """
    found: list[list[int]] = []
    room = 0
    for place in sorted(range(len(sizes)), key=sizes.__getitem__, reverse=True):
        if not room:
            found.append([])
            room = max(1, min(rows, tokens // sizes[place]))
        found[-1].append(place)
        room -= 1
    return found
