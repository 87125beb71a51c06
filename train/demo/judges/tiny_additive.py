"""A checkpoint of TinyInstruct that rates responses from 0 to 5, one digit each.

It is the additive judge of arXiv 2401.10020 in small: the points are `train.demo.world.points`.
"""

import hashlib
import re

from harness.chambers import Chambers
from harness.errors import SpecError
from harness.judging import LLMJudge, Settled
from harness.types import Comparison, Decoding, Generation, Judge, Prompt, Rubric, Unread
from train.demo.world import judge_text

_POINTS = re.compile(r"[0-5]")


def build(rest: str, chambers: Chambers) -> Judge:
    """The judge with its own rubric, whatever the benchmark's says; a missing text is unread."""
    model = chambers.model(rest, TINY_ADDITIVE)
    return Settled(LLMJudge(TINY_ADDITIVE, model, f"tiny_additive:{rest}"))


def ask(comparison: Comparison) -> Prompt:
    """The judge's prompt about a response that stands alone.

    Raises:
        SpecError: There is a baseline, but points are no preference.
    """
    candidate = comparison.candidate
    if comparison.baseline is not None:
        raise SpecError(
            f"expected responses to rate one by one, came two to compare ({candidate.prompt.id}); "
            "the judge 'tiny_additive' states no preference: name another, such as tiny_long"
        )
    asked = judge_text(candidate.prompt.turns[-1], candidate.text)
    return Prompt(f"{candidate.prompt.id}/{TINY_ADDITIVE.name}", (asked,), TINY_ADDITIVE.decoding)


def read(answer: Generation) -> float | Unread:
    """The points: one digit from 0 to 5 and nothing else."""
    if _POINTS.fullmatch(answer.text) is None:
        return Unread(f"not one digit from 0 to 5: {answer.text[:40]!r}")
    return float(answer.text)


TINY_ADDITIVE = Rubric(
    name="tiny_additive",
    digest=hashlib.sha256(judge_text("{prompt}", "{response}").encode()).hexdigest(),
    # Two tokens, so that an answer of more than a digit shows; sampled, since several are averaged.
    decoding=Decoding(max_tokens=2, temperature=0.7, top_p=0.9),
    ask=ask,
    read=read,
    shows_candidate_first=lambda _: False,
)
"""One digit after the response and a colon."""
