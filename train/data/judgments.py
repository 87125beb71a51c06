"""Judgments that agree with people, beside ordinary demonstrations: the data of EFT."""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from train import eft
from train.data import demonstrations
from train.data.demonstrations import Source
from train.examples import Example
from train.sampling import specimen
from train.workshop import Workshop


class Settings(BaseModel):
    """Who judges what, and what is trained on besides."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    makes: ClassVar = frozenset({"response"})
    kind: Literal["judgments"]
    ranked: str
    """Responses that people ranked, as `train.eft.read_ranked` takes them."""
    judge: str = "additive:self"
    """A judge that rates and gives its reasons; `self` in it stands for the checkpoint."""
    rubric: str = "alpaca_eval"
    """The benchmark whose rubric is handed to the judge; `additive` has its own."""
    sources: list[Source] = []
    """Demonstrations that are mixed in, so that answering is not forgotten."""
    seed: int = Field(default=0, ge=0)
    """Of the judgments that balancing keeps."""


def check(settings: Settings, workshop: Workshop) -> None:
    """Sees that there are files as they should be, and a judge that rates."""
    first, *_ = eft.read_ranked(settings.ranked, workshop.folder)
    if settings.sources:
        demonstrations.check(_mixed(settings), workshop)
    workshop.try_judge(settings.judge, settings.rubric, specimen(first.prompt, "one"))


def build(settings: Settings, workshop: Workshop) -> list[Example]:
    """The demonstrations, then the judgments that were kept.

    Source: arXiv 2401.10020, section 2.1: instruction and evaluation fine-tuning in one.

    Raises:
        DataError: A file is absent, or not as described.
        ModelError: The judge orders no prompt as people do.
    """
    ranked = eft.read_ranked(settings.ranked, workshop.folder)
    mixed = demonstrations.build(_mixed(settings), workshop) if settings.sources else []
    judge = workshop.open_judge(settings.judge, settings.rubric)
    return mixed + eft.demonstrations(ranked, judge, workshop.say, seed=settings.seed)


def _mixed(settings: Settings) -> demonstrations.Settings:
    return demonstrations.Settings(
        kind="demonstrations", sources=settings.sources, seed=settings.seed
    )
