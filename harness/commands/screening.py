"""Screens what a checkpoint answered for what looks made for the judge."""

from collections.abc import Sequence

from harness.guard import blanks, cuts, leaks, red_flags
from harness.pipeline import Answers
from harness.types import Generation, Verdict


def suspicions(
    answers: Answers, verdicts: Sequence[Verdict], parent: Answers | None = None
) -> list[str]:
    """Clauses for a careful reader; those that begin with "red flag" no honest checkpoint earns.

    Args:
        answers: Of the checkpoint.
        verdicts: On them; the baseline's answers are taken from there.
        parent: Answers of the iteration before, to the same prompts.
    """
    turns = max((len(one.prompt.turns) for one in answers.generations), default=1)
    texts = _texts(answers.generations, turns)
    opponents = _opponents(answers, verdicts)
    known = {"the baseline's": _texts(opponents, turns)} if opponents else {}
    before = _texts(parent.generations, turns) if parent else []
    flags = [f"red flag: {flag}" for flag in red_flags(texts, known, before)]
    said = [response for one in answers.generations for response in one.responses]
    empty = blanks([response.text for response in said])
    cut = cuts([response.finish_reason for response in said])
    return [*flags, *leaks(texts), *empty, *cut]


def _opponents(answers: Answers, verdicts: Sequence[Verdict]) -> list[Generation]:
    """The baseline's answer to each prompt, none where one is missing."""
    ours = {id(one): one.prompt.id for one in answers.generations}
    sides = [
        (side, other)
        for verdict in verdicts
        for pair in (verdict.comparison, verdict.comparison.swap())
        for side, other in [(pair.candidate, pair.baseline)]
    ]
    found = {ours[id(side)]: other for side, other in sides if id(side) in ours and other}
    there = [found.get(one.prompt.id) for one in answers.generations]
    opponents = [one for one in there if one is not None]
    return opponents if len(opponents) == len(there) else []


def _texts(generations: Sequence[Generation], turns: int) -> list[str]:
    """What was said turn by turn; "" where nothing was."""
    return [
        one.responses[turn].text if turn < len(one.responses) else ""
        for one in generations
        for turn in range(turns)
    ]
