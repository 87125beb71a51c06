"""`pairrm[:PATH_OR_ID]`: a pair ranker, shown each pair in both orders; it asks nothing in words.

Source: arXiv 2306.02561; yuchenlin/LLM-Blender@2a67366, `compare`, whose logit is twice this one's;
arXiv 2405.00675v5, algorithm 1, which takes the sigmoid and does not speak of the orders.
"""

import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.chambers import Chambers
from harness.errors import SpecError
from harness.judging import LLMJudge, Settled
from harness.models.pairrm import DEFAULT
from harness.types import (
    Comparison,
    Decoding,
    Generation,
    Judge,
    Prompt,
    Rubric,
    Score,
    Unread,
    Verdict,
)
from harness.votes import BothOrders

TURN = "USER: {said}\nAssistant: <Response {number}>"
"""A turn of the source, where there are several."""
REPLY = "<Response {number}>: {said}"
"""The response to it, in a candidate."""

_LOGIT = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", re.ASCII)


def build(rest: str, chambers: Chambers) -> Judge:
    """The judge with its own rubric, whatever the benchmark's says; equal texts are not asked."""
    called = f"pairrm:{rest}" if rest else "pairrm"
    model = chambers.model(f"pairrm:{rest or DEFAULT}", PAIRRM)
    return InLogits(BothOrders(Settled(LLMJudge(PAIRRM, model, called))))


@dataclass(frozen=True, slots=True)
class InLogits:
    """Both orders of a pair ranker together: the sigmoid of the mean of their logits.

    With s_ij the logit of i, shown first, against j: P(i beats j) = sigmoid((s_ij - s_ji) / 2). So
    P(i beats j) + P(j beats i) is 1 to the last bit.
    """

    orders: BothOrders

    @property
    def name(self) -> str:
        """What the user called it."""
        return self.orders.judge.name

    @property
    def identity(self) -> dict[str, str]:
        """The pair ranker's and the rubric's, and that the orders are averaged as logits."""
        return {**self.orders.identity, "orders": "both, in logits"}

    def __call__(self, comparisons: Sequence[Comparison], /) -> list[Verdict]:
        """One verdict per comparison; its votes are what each order says.

        Raises:
            SpecError: A response stands alone.
        """
        for comparison in comparisons:
            if comparison.baseline is None:
                raise SpecError(
                    f"expected two responses to compare, came one "
                    f"({comparison.candidate.prompt.id}); '{self.name}' gives no ratings: name "
                    f"another judge, or compare checkpoints with each other"
                )
        return [self._averaged(verdict) for verdict in self.orders(comparisons)]

    def report(self, verdicts: Sequence[Verdict], /) -> list[Score]:
        """The share of pairs whose orders prefer different answers."""
        return self.orders.report(verdicts)

    def _averaged(self, verdict: Verdict) -> Verdict:
        there, back = verdict.votes
        named = replace(verdict, judge=self.name)
        if verdict.value is None or there.raw is None or back.raw is None:
            return named
        # Each order shows the candidate second, and tells of the one shown first.
        logit = (float(back.raw.text) - float(there.raw.text)) / 2
        return replace(named, value=sigmoid(logit))


def sigmoid(logit: float) -> float:
    """The probability of log-odds, in [0, 1]; that of -x is 1 - that of x to the last bit."""
    if logit < 0:
        return 1 - sigmoid(-logit)
    return 1 / (1 + math.exp(-logit))


def ask(comparison: Comparison) -> Prompt:
    """The pair ranker's question: a JSON array of the source, the baseline and the candidate.

    The source of a first turn is that turn. That of a later one is all turns up to it, with a
    place for each response; what the two answered in them is a candidate. Upstream puts a sentence
    before such a source, which is left out here; system messages are left out too.
    """
    asked = comparison.candidate.prompt
    n = range(len(asked.turns))[comparison.turn] + 1
    sides = [side.responses[:n] for side in (comparison.baseline, comparison.candidate) if side]
    said = [asked.turns[:n], *([response.text for response in side] for side in sides)]
    forms = (TURN, REPLY, REPLY) if n > 1 else ("{said}",) * 3
    texts = [_numbered(*part) for part in zip(forms, said, strict=True)]
    turn = json.dumps(texts, ensure_ascii=False)
    return Prompt(f"{asked.id}/{PAIRRM.name}", (turn,), PAIRRM.decoding)


def _numbered(form: str, texts: Sequence[str]) -> str:
    return "\n".join(form.format(number=n, said=said) for n, said in enumerate(texts, start=1))


def read(answer: Generation) -> float | Unread:
    """The preference for the side shown second, of a logit for the first."""
    if _LOGIT.fullmatch(answer.text) is None or not math.isfinite(float(answer.text)):
        return Unread(f"no logit: {answer.text[:40]!r}")
    return sigmoid(-float(answer.text))


PAIRRM = Rubric(
    name="pairrm",
    digest=hashlib.sha256(f"{TURN}\n{REPLY}".encode()).hexdigest(),
    decoding=Decoding(max_tokens=1),
    ask=ask,
    read=read,
    shows_candidate_first=lambda _: False,
)
"""A source and two candidates in, one number out."""
