"""How a judge ranks several responses by three ratings each, and how its ranking is read.

Source: arXiv 2310.13385, section 2.3, with the steps, aspects and last line of
https://github.com/microsoft/LMOps/blob/4f2a9deb5f08e459fd44c2e4792344d78ca89fc3/tuna/src/gpt-eval.py
The words are our own, and all in the user's turn, since not every template takes a system message.
Upstream has the judge leave out responses that equal others; here equal ones are never shown.
"""

import re
from collections.abc import Sequence

from harness.reading import off_form
from harness.types import Decoding, Generation, Prompt, Unread

DECODING = Decoding(max_tokens=2048)
"""Greedy as in the paper; the released code samples at temperature 1."""

_TASK = """\
Rank the responses above by how well they serve the request, in five steps.

1. Say whether the request is open, so that many different responses can be good, or closed, so \
that one answer is right.
2. Write the best response to the request that you can, in the form that the others have. It is \
number {n}, and what the others are measured by.
3. Rate each response from 0 to {n} on three aspects, with a whole number from 0 to 5 on each. For \
an open request: how far it is to the point, how well details and reasons support it, how true it \
is. For a closed request: how right it is, how well details and reasons support it, how clear it is.
4. Write the sum of the three ratings, from 0 to 15, on a line for each response: its number, a \
colon, the sum.
5. End with one last line that lists the numbers from 0 to {n}, each once, from the highest sum to \
the lowest, the better one first where sums are equal. It has this form:
rank: [number, number, ...]"""

_RANK = re.compile(r"\brank:(.*)", re.IGNORECASE)
_NUMBERS = re.compile(r"[\s*`]*\[?\s*(\d{1,3}(?:\s*,\s*\d{1,3})*)\s*\]?[\s*`.]*")


def ask(group: Sequence[Generation]) -> Prompt:
    """The judge's prompt about the responses to one prompt, numbered from 0 in their order."""
    asked = group[0].prompt
    responses = [
        f"<response {number}>\n{one.text}\n</response {number}>" for number, one in enumerate(group)
    ]
    request = f"<request>\n{asked.turns[-1]}\n</request>"
    text = "\n\n".join([request, *responses, _TASK.format(n=len(group))])
    return Prompt(f"{asked.id}/multi_aspect", (text,), DECODING)


def read(answer: Generation, n: int) -> list[int] | Unread:
    """The numbers of the last "rank:" line, the best first, without the judge's own response.

    Args:
        answer: What the judge said.
        n: How many responses it was shown; its own is number n.
    """
    if answer.failure is not None:
        return Unread(f"judge refused: {answer.failure}")
    if answer.responses[-1].finish_reason == "length":
        return off_form(answer, "no rank")
    said = _RANK.findall(answer.text)
    if not said:
        return off_form(answer, "no rank")
    listed = _NUMBERS.fullmatch(said[-1])
    if listed is None:
        return Unread(f"no list of numbers: {said[-1].strip()[:40]!r}")
    order = [number for number in map(int, listed[1].split(",")) if number != n]
    if sorted(order) != list(range(n)):
        return Unread(f"not each of 0 to {n - 1} once: {listed[1][:40]!r}")
    return order
