"""Pairs of the checkpoint's own responses, rated one by one, by itself: Self-Rewarding's data."""

from collections import Counter
from collections.abc import Sequence
from operator import itemgetter
from statistics import fmean
from typing import ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from harness.errors import ModelError
from harness.types import Comparison, Decoding, Generation, Judge, Verdict, close
from train.examples import Example
from train.prompting import Generate, new_prompts
from train.sampling import check_prompts, sampled, specimen, trained_on
from train.workshop import Workshop


class Settings(BaseModel):
    """How responses are drawn, rated and paired."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    makes: ClassVar = frozenset({"chosen", "rejected"})
    kind: Literal["rated"]
    samples: int = Field(default=4, ge=2)
    """Responses to each prompt."""
    temperature: float = Field(default=0.7, gt=0, le=2)
    top_p: float = Field(default=0.9, gt=0, le=1)
    max_tokens: int = Field(default=512, ge=1)
    judge: str = "additive:self"
    """A judge that rates, by name; `self` in it stands for the checkpoint."""
    rubric: str = "alpaca_eval"
    """The benchmark whose rubric is handed to the judge; `additive` has its own."""
    judgments: int = Field(default=3, ge=1)
    """How often each response is rated: its rating is the mean of those that were read."""
    generate: Generate | None = None
    """How new prompts are written after those of the iteration, to be used in their place."""


def check(settings: Settings, workshop: Workshop) -> None:
    """Sees that there are prompts, a judge that rates, and whoever writes new prompts."""
    check_prompts(workshop.prompts)
    workshop.try_judge(settings.judge, settings.rubric, specimen(workshop.prompts[0], "one"))
    if settings.generate:
        workshop.open_model(settings.generate.model)


def build(settings: Settings, workshop: Workshop) -> list[Example]:
    """The best and the worst response to each prompt, in the order of the prompts.

    A response of which no judgment was read is left out. A prompt is, too, when fewer than two
    responses are left, when all have one rating, or when the best and the worst are the same text;
    among equals the first is taken.

    Source: arXiv 2401.10020, sections 2.3 and 3.1.

    Raises:
        ModelError: Not one pair came about.
    """
    judges = [
        workshop.open_judge(settings.judge, settings.rubric, sample)
        for sample in range(settings.judgments)
    ]
    decoding = Decoding(settings.max_tokens, settings.temperature, settings.top_p)
    groups = sampled(workshop.model, _prompts(settings, workshop), decoding, settings.samples)
    close(workshop.model)  # a judge on the same device needs the room
    rated = rate(groups, judges)
    pairs = [_pair(*group) for group in zip(groups, rated, strict=True)]
    examples = [pair for pair in pairs if isinstance(pair, Example)]
    said = f"{len(examples)} pairs of {len(groups)} prompts rated by '{settings.judge}'"
    told = f"prompts dropped: {_causes(pairs)}; judgments unread: {_unread(rated)}"
    if not examples:
        raise ModelError(
            f"expected pairs to train on, came {said}; {told}; name another judge, or sample at a "
            f"higher temperature"
        )
    workshop.say(f"{said}; {told}")
    return examples


class Rating(NamedTuple):
    """What several judgments of one response add up to."""

    value: float | None
    """The mean of those that were read; None if none was."""
    causes: tuple[str, ...]
    """Why each of the others was not."""


def rate(groups: Sequence[Sequence[Generation]], judges: Sequence[Judge]) -> list[list[Rating]]:
    """The rating of each response to each prompt; each judge is called once, for everything."""
    comparisons = [Comparison(response) for group in groups for response in group]
    columns = [judge(comparisons) for judge in judges]
    rated = iter([_rating(verdicts) for verdicts in zip(*columns, strict=True)])
    return [[next(rated) for _ in group] for group in groups]


def _rating(verdicts: Sequence[Verdict]) -> Rating:
    read = [verdict.value for verdict in verdicts if verdict.value is not None]
    causes = [verdict.cause or "unread" for verdict in verdicts if verdict.value is None]
    return Rating(fmean(read) if read else None, tuple(causes))


def _prompts(settings: Settings, workshop: Workshop) -> Sequence[str]:
    if settings.generate is None:
        return workshop.prompts
    writer = workshop.open_model(settings.generate.model)
    prompts = new_prompts(
        settings.generate, workshop.prompts, writer, workshop.say, workshop.held_out
    )
    close(writer)
    return prompts


def _pair(group: Sequence[Generation], ratings: Sequence[Rating]) -> Example | str:
    """The best and the worst response, or why there is no pair of them."""
    pairs = zip(group, ratings, strict=True)
    rated = [(rating.value, response) for response, rating in pairs if rating.value is not None]
    if len(rated) < 2:
        return "with fewer than two rated responses"
    best, chosen = max(rated, key=itemgetter(0))
    worst, rejected = min(rated, key=itemgetter(0))
    if best == worst:
        return "tied"
    if chosen.text == rejected.text:
        return "with equal responses"
    return Example(chosen.prompt.turns, (trained_on(chosen), trained_on(rejected)))


def _causes(pairs: Sequence[Example | str]) -> str:
    counts = Counter(pair for pair in pairs if isinstance(pair, str))
    return ", ".join(f"{n} {cause}" for cause, n in sorted(counts.items())) or "none"


def _unread(rated: Sequence[Sequence[Rating]]) -> str:
    """How many there are, and what is wrong with the first."""
    causes = [cause for group in rated for rating in group for cause in rating.causes]
    return f"{len(causes)}, the first because: {causes[0]}" if causes else "none"
