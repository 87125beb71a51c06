"""`scripted:TEXT`: a model that always says TEXT; in code, one whose answers a function writes.

What a constant answer scores under a judge is worth knowing, and a function is enough for tests.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.types import UNWATCHED, Generation, ModelOptions, Prompt, Response, Watch


def build(name: str, _options: ModelOptions) -> "Scripted":
    """The model that always says what follows `scripted:`."""
    text = name.removeprefix("scripted:")
    return Scripted(lambda _: text, name)


@dataclass(frozen=True, slots=True)
class Scripted:
    """Answers whatever `answer` says, and remembers what it was asked."""

    answer: Callable[[Prompt], str | Response]
    """Called for each turn with the prompt up to that turn."""
    name: str = "scripted"
    asked: list[Prompt] = field(default_factory=list, init=False)
    """Every prompt so far, in the order asked."""

    @property
    def identity(self) -> Mapping[str, str]:
        """Its name, because a function has no weights."""
        return {"model": self.name}

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        """One generation per prompt, in the order of the prompts."""
        watch.started(prompts)
        self.asked.extend(prompts)
        generations = [Generation(prompt, self.name, self._responses(prompt)) for prompt in prompts]
        watch.finished(generations)
        return generations

    def _responses(self, prompt: Prompt) -> tuple[Response, ...]:
        said = (
            self.answer(replace(prompt, turns=prompt.turns[:turn]))
            for turn in range(1, len(prompt.turns) + 1)
        )
        return tuple(Response(one) if isinstance(one, str) else one for one in said)
