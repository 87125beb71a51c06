"""Candidates: several responses to each prompt, as unlike each other as sampling makes them.

Source: arXiv 2310.13385, section 3.1, which prints "to 0.1" where the code raises by 0.1; with the
tries, the similarity and the choice of
https://github.com/microsoft/LMOps/blob/4f2a9deb5f08e459fd44c2e4792344d78ca89fc3/tuna/src/non_interactive_generate.py
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from math import inf
from statistics import fmean
from typing import NamedTuple

from harness.stats.rouge import rouge_l, stems
from harness.types import Decoding, Generation, Model, Prompt

TRIES = 3
"""How often a prompt is sampled at most, the first time included."""
WARMER = 0.1
"""By how much the temperature rises from one try to the next."""

Group = Sequence[Generation]
"""The candidates of one prompt."""


def draw(
    model: Model, prompts: Sequence[str], decoding: Decoding, *, n: int, limit: float = inf
) -> list[Group]:
    """`n` samples of each prompt, in the order of the prompts.

    All samples of a prompt are drawn anew, at a higher temperature, while two of them are alike. Of
    all tries the one whose samples are least alike in the mean is kept, be it the last or not.

    Args:
        model: Who answers.
        prompts: What it is asked.
        decoding: Of the first try.
        n: Samples of each prompt, at least 2.
        limit: Two samples are alike if their ROUGE-L reaches it; by default none are.
    """
    tries: list[list[_Try]] = [[] for _ in prompts]
    waiting = list(range(len(prompts)))
    for attempt in range(TRIES):
        warmer = round(decoding.temperature + attempt * WARMER, 9)
        asked = _questions(prompts, waiting, replace(decoding, temperature=warmer), n)
        answers = iter(model.generate(list(asked)))
        for number in waiting:
            tries[number].append(_try([next(answers) for _ in range(n)]))
        waiting = [number for number in waiting if tries[number][-1].highest >= limit]
        if not waiting:
            break
    return [min(tried, key=lambda one: one.mean).group for tried in tries]


def fault(group: Group) -> str | None:
    """Why candidates cannot be put in order; None if they can."""
    if _lacks(group):
        return "without a response"
    return "with equal responses" if len({one.text for one in group}) < len(group) else None


class _Try(NamedTuple):
    group: Group
    mean: float
    """Of the likeness of every two candidates; infinite where one is lacking."""
    highest: float


def _try(group: Group) -> _Try:
    if _lacks(group):  # a prompt that was refused is refused again, and nothing is like no text
        return _Try(group, inf, -inf)
    words = [(one.text, stems(one.text)) for one in group]
    # Equal texts are alike in any script, words or none.
    likeness = [
        1.0 if text == other else rouge_l(mine, theirs)
        for (text, mine), (other, theirs) in combinations(words, 2)
    ]
    return _Try(group, fmean(likeness), max(likeness))


def _lacks(group: Group) -> bool:
    """Whether a response was refused, or is empty."""
    return not all(one.text.strip() for one in group)


def _questions(
    prompts: Sequence[str], numbers: Sequence[int], decoding: Decoding, n: int
) -> Iterator[Prompt]:
    for number in numbers:
        for sample in range(n):
            drawn = replace(decoding, sample=sample)
            name = f"ranked/{number}/{decoding.temperature}/{sample}"
            yield Prompt(name, (prompts[number],), drawn)
