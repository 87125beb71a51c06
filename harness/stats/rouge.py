"""ROUGE-L: how much of two texts is one common subsequence of words.

Source: Lin, "ROUGE", 2004, section 3; tokens and `fmeasure` of
https://github.com/google-research/google-research/tree/0c1bbe5fc971a1de1a427debc814e66ab4f1e7fa/rouge
The length of the subsequence is counted with one bit for each word: Hyyrö, "Bit-parallel LCS-length
computation revisited", 2004.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence

_WORD = re.compile(r"[a-z0-9]+")
_STEMMED = 4
"""Letters from which on upstream stems a word."""


def tokens(text: str, stem: Callable[[str], str] = str) -> list[str]:
    """The words of a text, in lower case; whatever is not an ASCII letter or digit divides them.

    Args:
        text: Of any length; text in another script has no words.
        stem: Makes a stem of each word of four letters or more; upstream's is NLTK's Porter
            stemmer. By default words stay whole.
    """
    words = _WORD.findall(text.lower())
    return [stem(word) if len(word) >= _STEMMED else word for word in words]


def rouge_l(a: Sequence[str], b: Sequence[str]) -> float:
    """The F1 of ROUGE-L, 2 LCS / (|a| + |b|), in [0, 1]; 0 when either has no words.

    It is 2 P R / (P + R) with P = LCS / |a| and R = LCS / |b|: which text comes first is no matter.
    """
    return 2 * longest_common(a, b) / (len(a) + len(b)) if a and b else 0.0


def longest_common(a: Sequence[str], b: Sequence[str]) -> int:
    """The number of words in the longest common subsequence."""
    places: defaultdict[str, int] = defaultdict(int)
    for at, word in enumerate(a):
        places[word] |= 1 << at
    # After each word of b, the prefix a[:i] has as many words in common as zeros below bit i.
    everything = (1 << len(a)) - 1
    unmatched = everything
    for word in b:
        matches = unmatched & places.get(word, 0)
        unmatched = (unmatched + matches | unmatched - matches) & everything
    return len(a) - unmatched.bit_count()
