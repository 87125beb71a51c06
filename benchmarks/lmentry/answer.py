"""Answers as the published scorers see them, and the rules that all of them begin with.

Source: https://github.com/aviaefrat/lmentry/blob/646ae9080dad00a194fa32cb0f330d7acf3ce60c/lmentry/scorers/scorer.py
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

QUOTES = "\"'.,"
"""What may stand around a word that is named."""

_SPACES = re.compile(" +")
_WORDS = re.compile(r"\b[a-z\d]+\b")
_LETTERED = re.compile(r"\b[a-z]+\b")
_SIGN = re.compile(r"[^\W_]")
_FOLDS = str.maketrans("\u017f\u0131", "si")
"""What lower case leaves and case-blind matching takes for a letter."""


class Mark(NamedTuple):
    """What a scorer says of an answer."""

    score: int
    """1 is right, 0 is wrong."""
    certainty: int
    """1 where the whole answer has a form that the scorer knows."""


RIGHT = Mark(1, 1)
WRONG = Mark(0, 1)
LIKELY = Mark(1, 0)
"""A form that is right stands inside the answer."""
UNLIKELY = Mark(0, 0)
"""No form that the scorer knows."""


def normal(answer: str) -> str:
    """The answer in lower case, with single spaces, and a space for each underscore."""
    return _SPACES.sub(" ", answer.strip().lower()).replace("_", " ")


def folded(text: str) -> str:
    """The text as patterns that ignore case see it."""
    return text if text.isascii() else text.translate(_FOLDS)


def words(text: str) -> list[str]:
    """Its words of plain letters and digits, in order."""
    return _WORDS.findall(text)


def only_letters(text: str) -> list[str]:
    """Its words of plain letters, in order."""
    return _LETTERED.findall(text)


def says_something(text: str) -> bool:
    """Whether there is a letter or a digit, of any script."""
    return _SIGN.search(text) is not None


def places(text: str, word: str) -> Iterator[int]:
    """Where the word stands as a whole word, from left to right."""
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        if not (text[at - 1 : at].isalnum() or text[end : end + 1].isalnum()):
            yield at
        at = text.find(word, end)


def has_word(text: str, word: str) -> bool:
    """Whether the word stands in the text as a whole word."""
    return word in text and next(places(text, word), None) is not None


def is_only(text: str, noun: str, spellings: Sequence[str]) -> bool:
    """Whether the text is a thing and nothing else, by its name or not, in whatever quotes.

    A text without any plain word counts too, and so does one that repeats the thing: the published
    rule asks of each plain word whether it is the thing.

    Args:
        text: Normal.
        noun: What the thing may be called: "word" allows `the word "cat"`.
        spellings: Of the thing, in lower case.
    """
    if not says_something(text):
        return False
    plain = folded(text)
    bare = (plain.strip(QUOTES), plain.removeprefix(f"the {noun} ").strip(QUOTES))
    return any(one in spellings for one in bare) or all(word in spellings for word in words(text))
