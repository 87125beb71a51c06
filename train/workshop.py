"""What the makers of training data work with: a checkpoint, judges, prompts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from harness.types import UNWATCHED, Assets, Generation, Judge, Model, Prompt, Watch


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
    assets: Assets
    folder: Path
    """Of the recipe: paths that begin with a dot are relative to it."""
    say: Callable[[str], None]
    """Tells the user a line: what was dropped, and why."""
    held_out: Sequence[str] = ()
    """What benchmarks ask that may not be trained on: prompts that are made here avoid it."""


@dataclass(frozen=True, slots=True)
class Resampled:
    """A model whose every answer is another sample: a further one of each prompt."""

    model: Model
    sample: int
    """How many samples of each prompt are passed over."""

    @property
    def name(self) -> str:
        """The model's own name."""
        return self.model.name

    @property
    def identity(self) -> Mapping[str, str]:
        """The model's own identity: which sample it is belongs to the prompt."""
        return self.model.identity

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        """The model's answers to the prompts, drawn with another seed each."""
        return self.model.generate([self._moved(prompt) for prompt in prompts], watch)

    def _moved(self, prompt: Prompt) -> Prompt:
        decoding = replace(prompt.decoding, sample=prompt.decoding.sample + self.sample)
        return replace(prompt, decoding=decoding)
