"""A served model whose weights are known from their files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.types import UNWATCHED, Generation, Model, Prompt, Watch


@dataclass(frozen=True, slots=True)
class Fingerprinted:
    """Adds to a model's identity what its server does not tell.

    Without it, two checkpoints that are served one after the other under the same name and address
    would share their stored answers.
    """

    model: Model
    weights: str
    """Content hash of the checkpoint's files."""

    @property
    def name(self) -> str:
        """The model's own name."""
        return self.model.name

    @property
    def identity(self) -> Mapping[str, str]:
        """The model's own identity, and its weights."""
        return {**self.model.identity, "weights": self.weights}

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        """The model's own answers."""
        return self.model.generate(prompts, watch)
