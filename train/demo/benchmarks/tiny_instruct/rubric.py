"""How a judge that is a model is asked about two responses, and how its answer is read."""

import hashlib
import re

from harness.judging import both_texts
from harness.types import Comparison, Decoding, Generation, Prompt, Rubric, Unread

TEMPLATE = """\
A request in a small language names an operation and a word: copy, reverse, sort, first (letter), \
last (letter) or length. A response is one of the styles * + ~, then the answer, then . or ! and \
then filler (x, y, z), which nobody needs. A right answer matters most, a nearly right one a \
little, and each character of filler is a small nuisance. * is liked better than +, + better than \
~ and ~ better than *.

<request>
{request}
</request>

<response number="1">
{first}
</response>

<response number="2">
{second}
</response>

How likely is it that response 2 is preferred to response 1? Reply with one line of this form and \
nothing else, where p is a decimal number from 0 to 1:
P=p"""
"""What the judge is asked."""

_SLOT = re.compile(r"\{(request|first|second)\}")
_CHANCE = re.compile(r"P=(0|1|0\.[0-9]+|1\.0+)")


def ask(comparison: Comparison) -> Prompt:
    """The judge's prompt, the baseline first."""
    candidate, baseline = both_texts(comparison, RUBRIC.name)
    texts = {
        "request": "\n\n".join(comparison.candidate.prompt.turns),
        "first": baseline,
        "second": candidate,
    }
    asked = _SLOT.sub(lambda slot: texts[slot[1]], TEMPLATE)
    return Prompt(f"{comparison.candidate.prompt.id}/{RUBRIC.name}", (asked,), RUBRIC.decoding)


def read(answer: Generation) -> float | Unread:
    """The chance of the response shown second, in [0, 1]."""
    said = _CHANCE.fullmatch(answer.text.strip())
    return float(said[1]) if said else Unread(f"not P= and a number: {answer.text[:40]!r}")


def shows_candidate_first(comparison: Comparison) -> bool:
    """A coin for each prompt, the same whatever the models are."""
    asked = repr(comparison.candidate.prompt.turns)
    return hashlib.sha256(asked.encode()).digest()[0] % 2 == 1


RUBRIC = Rubric(
    name="tiny_instruct",
    digest=hashlib.sha256(TEMPLATE.encode()).hexdigest(),
    decoding=Decoding(max_tokens=16),
    ask=ask,
    read=read,
    shows_candidate_first=shows_candidate_first,
)
"""The world's rules in words. Judges that know the world by program need none."""
