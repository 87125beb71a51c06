"""A judge that rates one response from 0 to 5 by points that add up, as Self-Rewarding models do.

Source: arXiv 2401.10020, figure 2, for what each point is given for and how the answer ends. The
words are our own, so ratings are not comparable with the paper's to the digit.
"""

import hashlib
import re

from harness.chambers import Chambers
from harness.errors import SpecError
from harness.judging import LLMJudge, Settled
from harness.reading import off_form
from harness.types import Comparison, Decoding, Generation, Judge, Prompt, Rubric, Unread

TEMPLATE = """\
Rate how well the response below serves the user who asked the question. Start at 0 and give one \
point for each of these five statements that holds; points add up to at most 5.

1. The response is about what was asked and tells something of it; gaps and digressions do not \
matter yet.
2. It deals with a substantial part of the question, though it may leave some of it open.
3. It answers the essentials of the question in a way that the user can work with, whoever or \
whatever may have written it.
4. It is plainly written as an assistant's reply to this user: direct, complete, clear and well \
organised, with little left to improve.
5. It is impeccable: tailored to this very question, by someone who knows the subject, with \
nothing superfluous.

<question>
{question}
</question>

<response>
{response}
</response>

Justify the points in at most 100 words. Then end with one last line of this form, where n is the \
sum of the points, a whole number from 0 to 5:
Score: n"""
"""What the judge is asked."""

_SLOT = re.compile(r"\{(question|response)\}")
_SCORE = re.compile(r"\bscore:(.*)", re.IGNORECASE)
_POINTS = re.compile(r"[\s*]*([0-5])(?:\s*(?:/|out of)\s*5)?(?:\s+points?)?[\s*.]*", re.IGNORECASE)


def build(rest: str, chambers: Chambers) -> Judge:
    """The judge with its own rubric, whatever the benchmark's says; a missing text is unread."""
    return Settled(LLMJudge(ADDITIVE, chambers.model(rest, ADDITIVE), f"additive:{rest}"))


def ask(comparison: Comparison) -> Prompt:
    """The judge's prompt about a response that stands alone.

    Raises:
        SpecError: There is a baseline, but a sum of points is no preference.
    """
    candidate = comparison.candidate
    if comparison.baseline is not None:
        raise SpecError(
            f"expected responses to rate one by one, came two to compare ({candidate.prompt.id}); "
            "the judge 'additive' states no preference: name another judge"
        )
    texts = {"question": "\n\n".join(candidate.prompt.turns), "response": candidate.text}
    asked = _SLOT.sub(lambda slot: texts[slot[1]], TEMPLATE)
    return Prompt(f"{candidate.prompt.id}/{ADDITIVE.name}", (asked,), ADDITIVE.decoding)


def read(answer: Generation) -> float | Unread:
    """The points of the last "Score: n" with n from 0 to 5; "4/5" and "4 out of 5" are 4."""
    if answer.responses[-1].finish_reason == "length":
        return off_form(answer, "no score")
    said = _SCORE.findall(answer.text)
    if not said:
        return off_form(answer, "no score")
    points = _POINTS.fullmatch(said[-1])
    if points is None:
        return Unread(f"not a whole number from 0 to 5: {said[-1].strip()[:40]!r}")
    return float(points[1])


ADDITIVE = Rubric(
    name="additive",
    digest=hashlib.sha256(TEMPLATE.encode()).hexdigest(),
    # Sampled like the responses: several judgments of one response are averaged.
    decoding=Decoding(max_tokens=512, temperature=0.7, top_p=0.9),
    ask=ask,
    read=read,
    shows_candidate_first=lambda _: False,
)
"""Five points that accumulate, after a short justification."""
