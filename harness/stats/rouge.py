"""ROUGE-L: how much of two texts is one common subsequence of words.

Source: Lin, "ROUGE", 2004, section 3; tokens, stems and `fmeasure` of
https://github.com/google-research/google-research/tree/0c1bbe5fc971a1de1a427debc814e66ab4f1e7fa/rouge
The length of the subsequence is counted with one bit for each word by rapidfuzz: Hyyrö,
"Bit-parallel LCS-length computation revisited", 2004.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache

from rapidfuzz.distance import LCSseq

_WORD = re.compile(r"[a-z0-9]+")
_STEMMED = 4
"""Letters from which on upstream stems a word."""
_LONG = 64
"""Letters beyond which a word is no word, and its stem is not kept."""
_MOST_STEMS = 500_000
"""Stems that are kept at once: more than a language has."""


def tokens(text: str, stem: Callable[[str], str] = str) -> list[str]:
    """The words of a text, in lower case; whatever is not an ASCII letter or digit divides them.

    Args:
        text: Of any length; text in another script has no words.
        stem: Makes a stem of each word of four letters or more. By default words stay whole.
    """
    words = _WORD.findall(text.lower())
    return [stem(word) if len(word) >= _STEMMED else word for word in words]


def stems(text: str) -> list[str]:
    """The words of a text as rouge_score's `use_stemmer` gives them: NLTK's Porter stems."""
    return list(map(_STEMS.__getitem__, _WORD.findall(text.lower())))


def rouge_l(a: Sequence[str], b: Sequence[str]) -> float:
    """The F1 of ROUGE-L, 2 LCS / (|a| + |b|), in [0, 1]; 0 when either has no words.

    It is 2 P R / (P + R) with P = LCS / |a| and R = LCS / |b|: which text comes first is no matter.
    """
    return 2 * longest_common(a, b) / (len(a) + len(b)) if a and b else 0.0


def best_rouge_l(text: str, golds: Sequence[str]) -> float:
    """The highest ROUGE-L of a text over at least one gold text, words stemmed.

    Raises:
        ValueError: There is no gold text.
    """
    words = stems(text)
    return max(rouge_l(words, stems(gold)) for gold in golds)


def longest_common(a: Sequence[str], b: Sequence[str]) -> int:
    """The number of words in the longest common subsequence."""
    return LCSseq.similarity(a, b)


class _Stems(dict[str, str]):
    """The stem of each word that was met; short words are their own."""

    def __missing__(self, word: str) -> str:
        stem = _porter()(word) if len(word) >= _STEMMED else word
        if len(word) <= _LONG:
            if len(self) >= _MOST_STEMS:
                self.clear()
            self[word] = stem
        return stem


_STEMS = _Stems()


@cache
def _porter() -> Callable[[str], str]:
    from nltk.stem.porter import PorterStemmer

    stem: Callable[[str], str] = PorterStemmer().stem
    return stem
