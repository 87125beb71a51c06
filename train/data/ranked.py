"""Responses in order, the best first, with the original one: Tuna's data, for the objective `tuna`.

kind: ranked
demonstrations: ./alpaca.jsonl
rank: {by: contextual, judge: "openai:gpt-4"}
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from harness.errors import DataError, ModelError
from harness.models.local import weights
from harness.types import Decoding, Model, Response, Unread, close
from train import multi_aspect
from train.candidates import TRIES, WARMER, Group, draw, fault
from train.examples import Answer, Example
from train.prompts import read_rows
from train.sampling import check_prompts
from train.workshop import Workshop

_DOOR = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

Order = list[int] | Unread
"""Places of the candidates in their group, the best first."""


class Way(NamedTuple):
    """How candidates are had and put in order."""

    model: Model
    """Who is sampled."""
    order: Callable[[Sequence[Group]], list[Order]]
    limit: float = math.inf
    """Of the likeness of two candidates, as in `draw`."""
    top_logprobs: int = 0
    """Of the model's decoding."""


class Probabilistic(BaseModel):
    """A teacher's responses, in the order of its own likelihood of them."""

    model_config = _DOOR

    by: Literal["probabilistic"]
    teacher: str
    """A model by name that returns log-probabilities."""
    beta: float = Field(default=1.3, ge=0)
    """Of `likelihood`."""

    def open(self, workshop: Workshop) -> Way:
        """The way, with its teacher."""
        teacher = workshop.open_model(self.teacher)
        return Way(teacher, partial(by_likelihood, beta=self.beta), top_logprobs=1)


class Contextual(BaseModel):
    """The checkpoint's own responses, in the order that a judge gives them at one look."""

    model_config = _DOOR

    by: Literal["contextual"]
    judge: str
    """A model by name, asked as in train/multi_aspect.py."""
    similarity: float = Field(default=0.8, gt=0)
    """ROUGE-L from which on two responses are alike, and all are drawn anew."""

    def open(self, workshop: Workshop) -> Way:
        """The way, with its judge."""
        judge = workshop.open_model(self.judge)
        return Way(workshop.model, partial(by_judge, judge=judge), self.similarity)


class Proxy(BaseModel):
    """The checkpoint's own responses, in the order of a ranker's scores."""

    model_config = _DOOR

    by: Literal["proxy"]
    ranker: str
    """A folder that train/ranker.py made."""
    similarity: float = Field(default=0.8, gt=0)
    """As above."""

    def open(self, workshop: Workshop) -> Way:
        """The way, with its ranker.

        Raises:
            DataError: There is none.
        """
        relative = self.ranker.startswith(("./", "../"))
        folder = workshop.folder / self.ranker if relative else Path(self.ranker)
        weights.check(folder)
        return Way(workshop.model, partial(by_ranker, folder=folder), self.similarity)


class Settings(BaseModel):
    """How responses are drawn and put in order."""

    model_config = _DOOR

    makes: ClassVar = frozenset({"candidates", "original"})
    kind: Literal["ranked"]
    demonstrations: str
    """Rows with `prompt` and `response`, the original one, as `train.prompts.read_rows` takes."""
    samples: int = Field(default=4, ge=2)
    """Responses to each prompt."""
    temperature: float = Field(default=1.0, gt=0, le=2 - WARMER * (TRIES - 1))
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_tokens: int = Field(default=512, ge=1)
    rank: Annotated[Probabilistic | Contextual | Proxy, Field(discriminator="by")]

    @property
    def judge(self) -> str | None:
        """Who says what is better, by a model's name; None if a ranker does."""
        match self.rank:
            case Probabilistic(teacher=name) | Contextual(judge=name):
                return name
        return None


def check(settings: Settings, workshop: Workshop) -> None:
    """Sees that there are prompts, a response to each, and whoever puts responses in order."""
    check_prompts(workshop.prompts)
    _originals(settings.demonstrations, workshop)
    settings.rank.open(workshop)


def build(settings: Settings, workshop: Workshop) -> list[Example]:
    """The ranked responses to each prompt, and the original after them, in the prompts' order.

    A prompt is left out when a response to it did not come or is empty, when two are the same text,
    or when the judge's ranking cannot be read.

    Source: arXiv 2310.13385, sections 2.2, 2.3 and 3.1.

    Raises:
        DataError: Some prompts have no original response.
        ModelError: Not one ranking came about, or the teacher returns no log-probabilities.
    """
    originals = _originals(settings.demonstrations, workshop)
    way = settings.rank.open(workshop)
    decoding = Decoding(
        settings.max_tokens, settings.temperature, settings.top_p, top_logprobs=way.top_logprobs
    )
    groups = draw(way.model, workshop.prompts, decoding, n=settings.samples, limit=way.limit)
    close(way.model)  # a judge or ranker on the same device needs the room
    sound = [group for group in groups if fault(group) is None]
    orders = way.order(sound)
    examples = [
        _example(group, order, originals)
        for group, order in zip(sound, orders, strict=True)
        if not isinstance(order, Unread)
    ]
    said = f"{len(examples)} of {len(groups)} prompts have their responses ranked"
    told = f"prompts dropped: {_dropped(groups, orders)}"
    if not examples:
        raise ModelError(
            f"expected rankings to train on, but {said}; {told}; rank in another way, or sample at "
            f"a higher temperature"
        )
    workshop.say(f"{said}; {told}")
    return examples


def by_likelihood(groups: Sequence[Group], beta: float) -> list[Order]:
    """The order of the `likelihood` of the responses.

    Raises:
        ModelError: A response came without log-probabilities.
    """
    for group in groups:
        for one in group:
            if not one.responses[-1].tokens:
                raise ModelError(
                    f"expected '{one.model}' to return the log-probabilities of its own tokens, "
                    f"came none for {one.prompt.id}; name a teacher that does"
                )
    return [_descending([likelihood(one.responses[-1], beta) for one in group]) for group in groups]


def likelihood(response: Response, beta: float) -> float:
    """How likely a teacher finds its response: log p(y) / |y|^beta.

    A beta above 1 favours long responses: of two with the same mean over tokens the longer.

    Source: arXiv 2310.13385, equation 3.

    Args:
        response: With the log-probabilities of its tokens, at least one; the end token, which
            backends do not tell, is not among them.
        beta: 0 is the sum over tokens, 1 their mean, 1.3 the paper's.
    """
    logp = sum(token.logprob for token in response.tokens)
    return logp / math.pow(len(response.tokens), beta)


def by_judge(groups: Sequence[Group], judge: Model) -> list[Order]:
    """The order in which the judge ranks the responses."""
    answers = judge.generate([multi_aspect.ask(group) for group in groups])
    close(judge)
    return [
        multi_aspect.read(answer, len(group)) for answer, group in zip(answers, groups, strict=True)
    ]


def by_ranker(groups: Sequence[Group], folder: Path) -> list[Order]:
    """The order of the scores of the folder's ranker."""
    from train.ranker import scores  # imports torch

    pairs = [(one.prompt.turns[-1], one.text) for group in groups for one in group]
    scored = iter(scores(folder, pairs))
    return [_descending([next(scored) for _ in group]) for group in groups]


def _descending(values: Sequence[float]) -> Order:
    """Places of the values, the highest first; of equals the first."""
    return sorted(range(len(values)), key=lambda place: -values[place])


def _originals(source: str, workshop: Workshop) -> dict[str, str]:
    """Response by prompt; the first of several."""
    found: dict[str, str] = {}
    for number, row in enumerate(read_rows(source, workshop.folder), 1):
        prompt, response = (row.get(column) for column in ("prompt", "response"))
        if not (isinstance(prompt, str) and isinstance(response, str) and response.strip()):
            raise DataError(
                f"{source}, row {number}: expected text in 'prompt' and in 'response', came "
                f"{prompt!r:.40} and {response!r:.40}; correct the row or take it out"
            )
        found.setdefault(prompt, response)
    absent = [prompt for prompt in workshop.prompts if prompt not in found]
    if absent:
        raise DataError(
            f"expected a response in {source} to each of {len(workshop.prompts)} prompts, came "
            f"none to {len(absent)}, the first {absent[0]!r:.60}; take the prompts from this file"
        )
    return found


def _example(group: Group, order: list[int], originals: dict[str, str]) -> Example:
    said = group[0].prompt.turns
    ranked = (group[place].responses[-1] for place in order)
    answers = [Answer(one.text, one.finish_reason != "length") for one in ranked]
    return Example(said, (*answers, Answer(originals[said[0]])))


def _dropped(groups: Sequence[Group], orders: Sequence[Order]) -> str:
    """How many prompts were, by cause, and what is wrong with the first ranking not read."""
    faults = Counter(cause for group in groups if (cause := fault(group)))
    told = [f"{n} {cause}" for cause, n in sorted(faults.items())]
    unread = [order.cause for order in orders if isinstance(order, Unread)]
    told += [f"{len(unread)} unread, the first because: {unread[0]}"] if unread else []
    return ", ".join(told) or "none"
