"""New prompts in the manner of old ones: a model is shown eight and writes a ninth.

Source: arXiv 2401.10020, section 3.1: six examples of people's and two of the model's own, at
temperature 0.6 and top_p 0.9; what a model writes after a separator is cut off (A.5). The filters
are those of arXiv 2212.10560, section 2.2, with the words and lengths of
https://github.com/yizhongw/self-instruct/blob/10dd06e1156c693482f9ab752ed6f3d3b0bf23cb/self_instruct/bootstrap_instructions.py
which also wants an ASCII letter or digit at the beginning; here any language may be asked in.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from harness.errors import DataError, ModelError
from harness.stats.rouge import rouge_l, tokens
from harness.types import Decoding, Generation, Model, Prompt
from train.prompts import normal

SHOWN = 8
"""Examples in a question."""
OWN = 2
"""How many of them the model itself has written; fewer only while there are fewer."""

_ROUND = 64
"""Most questions at once, because they show nothing of each other's answers."""
_UNFIT = re.compile(
    r"\b(?:images?|graphs?|pictures?|files?|maps?|draw|plot|go to)\b|^write a program",
    re.IGNORECASE,
)
"""What a text model cannot do, and the request that models repeat most."""
_SEPARATOR = "###"
_DIVIDING = re.compile(rf"^\s*{_SEPARATOR}\s*$", re.MULTILINE)
_TASK = f"""\
Here are {SHOWN} requests that people made to an assistant, divided by lines of {_SEPARATOR}. \
Write one more: a request about something else, such as another person might make. Write the \
request alone, without an answer to it, and end it with a line of {_SEPARATOR}."""


class Generate(BaseModel):
    """How new prompts are written, and which of them are kept."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    model: str
    """Who writes them, by name; the paper's is the same in every iteration."""
    n: int = Field(ge=1)
    """How many are wanted."""
    temperature: float = Field(default=0.6, gt=0, le=2)
    top_p: float = Field(default=0.9, gt=0, le=1)
    max_tokens: int = Field(default=256, ge=1)
    similarity: float = Field(default=0.7, gt=0, le=1)
    """ROUGE-L with every other prompt must be below it."""
    min_words: int = Field(default=4, ge=1)
    max_words: int = Field(default=150, ge=1)
    tries: int = Field(default=5, ge=1)
    """How many answers for each prompt wanted, before it makes do with what there is."""
    seed: int = 0
    """Of the examples' choice: the same examples and seed lead to the same new prompts."""


def new_prompts(
    settings: Generate,
    examples: Sequence[str],
    model: Model,
    say: Callable[[str], None],
    held_out: Sequence[str] = (),
) -> list[str]:
    """At most `n` prompts in the order of writing, unlike the examples and each other.

    Args:
        settings: How they are written.
        examples: What people asked, each once.
        model: Who writes.
        say: Is told how many answers were dropped, and why.
        held_out: What may not be asked.

    Raises:
        DataError: There are fewer examples than a question shows.
        ModelError: Not one answer could be kept.
    """
    if len(examples) < SHOWN:
        raise DataError(
            f"expected at least {SHOWN} prompts to write new ones after, came {len(examples)}; "
            "give the recipe more prompts"
        )
    sieve, random = _Sieve(settings, examples, held_out), Random(settings.seed)
    asked, limit = 0, settings.tries * settings.n
    while (missing := settings.n - len(sieve.kept)) and asked < limit:
        numbers = range(asked, min(asked + missing, asked + _ROUND, limit))
        shown = [_shown(examples, sieve.kept, random) for _ in numbers]
        questions = map(_question, numbers, shown, [settings] * len(numbers))
        for answer in model.generate(list(questions)):
            sieve.sift(answer)
        asked = numbers.stop
    told = f"answers dropped: {sieve.told()}"
    if not sieve.kept:
        raise ModelError(
            f"expected {settings.n} new prompts from '{settings.model}', came none in {asked} "
            f"answers; {told}; name another model, or widen the limits"
        )
    say(f"{len(sieve.kept)} of {settings.n} new prompts; {told}")
    return sieve.kept


def _shown(examples: Sequence[str], own: Sequence[str], random: Random) -> list[str]:
    """The examples of one question, shuffled."""
    mine = random.sample(own, min(OWN, len(own)))
    shown = [*mine, *random.sample(examples, SHOWN - len(mine))]
    random.shuffle(shown)
    return shown


def _question(number: int, shown: Sequence[str], settings: Generate) -> Prompt:
    text = f"\n{_SEPARATOR}\n".join((_TASK, *shown, "")).strip()
    # Numbered, so that the same examples, shown again, are answered anew.
    decoding = Decoding(settings.max_tokens, settings.temperature, settings.top_p, sample=number)
    return Prompt(f"new/{number}", (text,), decoding)


class _Words(NamedTuple):
    """A prompt as ROUGE-L sees it."""

    text: str
    tokens: list[str]
    counted: frozenset[tuple[str, int]]
    """Each token with the number of times that it came before."""


def _words(text: str) -> _Words:
    words = tokens(text)
    counted = frozenset((word, words[:at].count(word)) for at, word in enumerate(words))
    return _Words(text, words, counted)


def _resemble(one: _Words, other: _Words, limit: float) -> bool:
    """Whether ROUGE-L reaches the limit."""
    # What they share in any order is quickly found, and bounds what they share in one order.
    shared = 2 * len(one.counted & other.counted)
    most = shared / max(len(one.tokens) + len(other.tokens), 1)
    return most >= limit and rouge_l(one.tokens, other.tokens) >= limit


class _Sieve:
    """Keeps new prompts, and counts why others are not kept."""

    def __init__(
        self, settings: Generate, examples: Sequence[str], held_out: Sequence[str]
    ) -> None:
        self.kept: list[str] = []
        self._held_out = set(map(normal, held_out))
        self._settings = settings
        self._known = list(map(_words, examples))
        self._faults: Counter[str] = Counter()

    def sift(self, answer: Generation) -> None:
        """Keeps what the answer asks for, or counts its first fault."""
        pieces = [piece for piece in map(str.strip, _DIVIDING.split(answer.text)) if piece]
        words = _words(pieces[0] if pieces else "")
        fault = _broken(answer, len(pieces)) or self._misfit(words.text) or self._double(words)
        if fault is None:
            self.kept.append(words.text)
            self._known.append(words)
        else:
            self._faults[fault] += 1

    def told(self) -> str:
        """The faults with their counts."""
        return ", ".join(f"{n} {fault}" for fault, n in sorted(self._faults.items())) or "none"

    def _misfit(self, text: str) -> str | None:
        length = len(text.split())
        if length < self._settings.min_words:
            return "too short"
        if length > self._settings.max_words:
            return "too long"
        return "unfit for a text model" if _UNFIT.search(text) else None

    def _double(self, words: _Words) -> str | None:
        if any(words.text == known.text for known in self._known):
            return "known already"
        if normal(words.text) in self._held_out:
            return "held out"
        limit = self._settings.similarity
        close = any(_resemble(words, known, limit) for known in self._known)
        return "too similar" if close else None


def _broken(answer: Generation, pieces: int) -> str | None:
    if answer.failure is not None:
        return "refused"
    cut = answer.responses[-1].finish_reason == "length"
    return "cut short" if cut and pieces < 2 else None
