"""What the makers of training data work with: a checkpoint, judges, prompts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.types import Assets, Comparison, Judge, Model


class OpenJudge(Protocol):
    """Opens a judge by name, in which `self` is the checkpoint."""

    def __call__(self, name: str, rubric: str, sample: int = 0) -> Judge:
        """The judge, asking by the rubric of a benchmark; each sample is drawn anew."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """One iteration's tools. Whatever its models answer is kept in the store, and shown."""

    model: Model
    """The checkpoint that this iteration begins with."""
    prompts: Sequence[str]
    """The prompts of this iteration, each once."""
    open_model: Callable[[str], Model]
    """Another model by name; `self` is the checkpoint."""
    open_judge: OpenJudge
    try_judge: Callable[[str, str, Comparison], None]
    """Sees that the judge of a name, by the rubric of a benchmark, takes such a comparison, be it
    of two responses or of one alone; nobody is asked."""
    assets: Assets
    folder: Path
    """Of the recipe: paths that begin with a dot are relative to it."""
    say: Callable[[str], None]
    """Tells the user a line: what was dropped, and why."""
    held_out: Sequence[str] = ()
    """What benchmarks ask that may not be trained on: prompts that are made here avoid it."""
