"""Pairs of the checkpoint's own responses, compared by a judge: the data of SPPO, DPO and IPO."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from harness.errors import ModelError
from harness.ranking import preferences
from harness.types import Decoding, Generation, close
from train.examples import Example
from train.pairs import extremes, mean_scores, released_win_probabilities, win_probabilities
from train.sampling import check_prompts, sampled, specimen, trained_on
from train.workshop import Workshop

Array = NDArray[np.float64]

_ESTIMATES: dict[str, Callable[[Array], Array]] = {
    "paper": win_probabilities,
    "released": released_win_probabilities,
}


class Settings(BaseModel):
    """How responses are drawn, judged and paired."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    makes: ClassVar = frozenset({"chosen", "rejected", "p_chosen", "p_rejected"})
    kind: Literal["compared"]
    samples: int = Field(default=5, ge=2)
    """Responses to each prompt, each the rival of all."""
    temperature: float = Field(default=1.0, gt=0, le=2)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_tokens: int = Field(default=512, ge=1)
    judge: str
    """A judge by name; `self` in it stands for the checkpoint."""
    rubric: str = "alpaca_eval"
    """The benchmark whose rubric asks."""
    win_probability: Literal["paper", "released"] = "paper"
    """Which function of train/pairs.py estimates it."""
    rivals: Literal["all", "pair"] = "all"
    """Whom it is a mean over: all the samples, or those of the pair alone.

    `pair` is the paper's ablation K = 2, where the pair is still that of all samples.
    """
    select: Literal["extremes", "all"] = "extremes"
    """The best and the worst response, or all of them two by two as they were drawn.

    `all` is for `sppo` alone, whose loss is a sum over single responses: any two may share a row,
    on either side. Of an odd number of samples the last is a rival and nothing more.
    """


def check(settings: Settings, workshop: Workshop) -> None:
    """Sees that there are prompts, and a judge that compares."""
    check_prompts(workshop.prompts)
    pair = specimen(workshop.prompts[0], "one", "other")
    workshop.try_judge(settings.judge, settings.rubric, pair)


def build(settings: Settings, workshop: Workshop) -> list[Example]:
    """Pairs with the facts `p_chosen` and `p_rejected`, in the order of the prompts.

    A prompt is used if all its responses came and every two of them were read in some order.

    Source: arXiv 2405.00675v5, algorithm 1; released otherwise, see `win_probability`.

    Raises:
        ModelError: Not one pair came about.
    """
    judge = workshop.open_judge(settings.judge, settings.rubric)
    decoding = Decoding(settings.max_tokens, settings.temperature, settings.top_p)
    groups = sampled(workshop.model, workshop.prompts, decoding, settings.samples)
    answered = [group for group in groups if all(one.failure is None for one in group)]
    close(workshop.model)  # a judge on the same device needs the room
    dropped = Counter(refused=len(groups) - len(answered))
    examples: list[Example] = []
    for group, matrix_K_K in zip(answered, preferences(answered, judge), strict=True):
        pairs = _paired(settings, group, matrix_K_K)
        if isinstance(pairs, str):
            dropped[pairs] += 1
        else:
            examples += [_example(settings, group, matrix_K_K, pair) for pair in pairs]
    causes = ", ".join(f"{n} {cause}" for cause, n in dropped.items() if n) or "none"
    said = f"{len(examples)} pairs of {len(groups)} prompts compared by '{settings.judge}'"
    if not examples:
        raise ModelError(
            f"expected pairs to train on, came {said}; prompts dropped: {causes}; name another "
            f"judge, or sample at a higher temperature"
        )
    workshop.say(f"{said}; prompts dropped: {causes}")
    return examples


def _paired(
    settings: Settings, group: Sequence[Generation], matrix_K_K: Array
) -> list[tuple[int, int]] | str:
    """Which responses to a prompt make a pair, or why none do."""
    texts = [generation.text for generation in group]
    if np.isnan(matrix_K_K).any():
        return "unread"
    if settings.select == "all":
        return list(zip(range(0, len(group) - 1, 2), range(1, len(group), 2), strict=True))
    if len(set(texts)) == 1:
        return "with equal responses"
    pair = extremes(mean_scores(matrix_K_K), texts)
    return "tied" if pair is None else [pair]


def _example(
    settings: Settings, group: Sequence[Generation], matrix_K_K: Array, pair: tuple[int, int]
) -> Example:
    rivals = [*pair] if settings.rivals == "pair" else [*range(len(group))]
    win_K = _ESTIMATES[settings.win_probability](matrix_K_K[np.ix_(rivals, rivals)])
    p_chosen, p_rejected = (float(win_K[rivals.index(k)]) for k in pair)
    answers = tuple(trained_on(group[k]) for k in pair)
    facts = {"p_chosen": p_chosen, "p_rejected": p_rejected}
    return Example(group[pair[0]].prompt.turns, answers, facts)
