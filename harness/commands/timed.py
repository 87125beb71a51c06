"""How long a model takes for an answer, as it is really asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from harness.types import UNWATCHED, Generation, Keeping, Model, Prompt, Watch


@dataclass(slots=True)
class Clock:
    """The time that models took, and for how many answers."""

    seconds: float = 0.0
    answers: int = 0


@dataclass(frozen=True, slots=True)
class Timed:
    """A model on a clock; what it need not be asked takes no part."""

    model: Model
    clock: Clock

    @property
    def name(self) -> str:
        """The model's own name."""
        return self.model.name

    @property
    def identity(self) -> Mapping[str, str]:
        """The model's own identity."""
        return self.model.identity

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        """The model's own answers."""
        asked = self.model.missing(prompts) if isinstance(self.model, Keeping) else []
        began = monotonic()
        answers = self.model.generate(prompts, watch)
        if asked:
            self.clock.seconds += monotonic() - began
            self.clock.answers += len(asked)
        return answers
