"""TinyInstruct: an instruction language so small that a program can judge every response.

A prompt names an operation and a word, `reverse:abc=`. A response is a style, an answer, a mark
and filler, with nothing between them: `*cba.xx`. The answer is right or wrong, filler is verbosity,
and tastes in style go round in a circle, so that no style is the best.
"""

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

from harness.errors import DataError
from harness.stats.rouge import rouge_l

LETTERS = "abcdefgh"
"""Of words and of answers; `length` is answered by a digit."""
STYLES = "*+~"
"""Each is preferred to the next, and the last to the first."""
MARKS = ".!"
FILLER = "xyz"
OPERATIONS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "copy": str,
        "reverse": lambda word: word[::-1],
        "sort": lambda word: "".join(sorted(word)),
        "first": itemgetter(0),
        "last": itemgetter(-1),
        "length": lambda word: str(len(word)),
    }
)
"""What each operation makes of a word."""

CORRECT = 3.0
"""Utility of a right answer, beside its similarity."""
PER_FILLER = -0.12
"""Utility of each character of filler."""
TASTE = 1.0
"""Log-odds for the style that is preferred to the other."""
FAIRLY_BRIEF = 2
"""Most characters of filler in a response with four points."""

_PROMPT = re.compile(rf"({'|'.join(OPERATIONS)}):([{LETTERS}]+)=")
_REPLY = re.compile(rf"([{re.escape(STYLES)}])([{LETTERS}]+|[0-9])[{MARKS}]([{FILLER}]*)")
_REMEMBERED = 1 << 17


class Reply(NamedTuple):
    """What a response says."""

    style: str
    answer: str
    filler: int
    """Characters."""


def read(response: str) -> Reply | None:
    """The parts of a response; None when it is not of the form."""
    found = _REPLY.fullmatch(response)
    return Reply(found[1], found[2], len(found[3])) if found else None


def parts(prompt: str) -> tuple[str, str]:
    """The operation and the word of a prompt.

    Raises:
        DataError: It is no prompt of this world.
    """
    found = _PROMPT.fullmatch(prompt)
    if found is None:
        raise DataError(
            f"expected a prompt of TinyInstruct such as 'sort:cab=', came {prompt!r:.60}; its "
            f"judges and benchmark know no other language"
        )
    return found[1], found[2]


def gold(prompt: str) -> str:
    """The right answer."""
    operation, word = parts(prompt)
    return OPERATIONS[operation](word)


def correct(prompt: str, response: str) -> bool:
    """Whether a response is of the form and its answer right, whatever its style and filler."""
    reply = read(response)
    return reply is not None and reply.answer == gold(prompt)


def similarity(prompt: str, response: str) -> float:
    """ROUGE-L by characters of a response's answer and the right one, in [0, 1]; 0 off the form."""
    reply = read(response)
    return rouge_l(reply.answer, gold(prompt)) if reply else 0.0


def utility(prompt: str, response: str) -> float:
    """What a response is worth: 3 [correct] + similarity - 0.12 |filler|, at most 4.

    A response that is not of the form is filler from end to end; an empty one is worth 0.
    """
    return _worth(prompt, response).utility


def preference(prompt: str, one: str, other: str, *, length_weight: float = 0.0) -> float:
    """The chance that one response is preferred to another, in [0, 1]; equal texts have 1/2.

    The log-odds are the difference in utility, with the taste of their styles: +1, 0 or -1, and 0
    off the form.

    Args:
        prompt: What both answer.
        one: The response whose chance it is.
        other: Its rival.
        length_weight: Log-odds that a judge gives, unduly, to each character by which a response
            is longer.
    """
    ours, theirs = _worth(prompt, one), _worth(prompt, other)
    margin = ours.utility - theirs.utility + TASTE * _taste(ours.style, theirs.style)
    margin += length_weight * (len(one) - len(other))
    return 0.5 + 0.5 * math.tanh(margin / 2)


def points(prompt: str, response: str) -> int:
    """How many of five statements hold before the first that does not, from 0 to 5.

    It is of the form; half of the answer is right; all of it is; there is little filler; there is
    none.
    """
    reply = read(response)
    if reply is None:
        return 0
    alike = similarity(prompt, response)
    steps = (alike >= 0.5, alike == 1, reply.filler <= FAIRLY_BRIEF, reply.filler == 0)
    return 1 + (steps.index(False) if False in steps else len(steps))


def judge_text(prompt: str, response: str) -> str:
    """What a checkpoint that judges is asked; it answers with the points, one digit."""
    return f"{prompt}{response}:"


class _Worth(NamedTuple):
    utility: float
    style: int | None
    """Its place in `STYLES`."""


@lru_cache(_REMEMBERED)
def _worth(prompt: str, response: str) -> _Worth:
    answer, reply = gold(prompt), read(response)
    if reply is None:
        return _Worth(PER_FILLER * len(response), None)
    value = CORRECT * (reply.answer == answer) + similarity(prompt, response)
    return _Worth(value + PER_FILLER * reply.filler, STYLES.index(reply.style))


def _taste(one: int | None, other: int | None) -> int:
    if one is None or other is None:
        return 0
    return (other - one + 1) % len(STYLES) - 1
