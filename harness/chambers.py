"""What a judge is made in: the benchmark's grader, models and other judges by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.errors import SpecError
from harness.judging import asking
from harness.types import (
    UNWATCHED,
    Generation,
    Grader,
    Judge,
    Model,
    Prompt,
    Rubric,
    Watch,
)

OpenModel = Callable[[str, Rubric], Model]
"""The model of a name, and the rubric that it will be asked by; `self` is the checkpoint."""


@dataclass(frozen=True, slots=True)
class Chambers:
    """What `build(rest, chambers)` of a judge makes it from."""

    grader: Grader
    """How the benchmark decides."""
    open_model: OpenModel
    make_judge: "Callable[[str, Chambers], Judge]"

    @property
    def rubric(self) -> Rubric:
        """How the benchmark asks a judge.

        Raises:
            SpecError: It matches answers by itself.
        """
        return asking(self.grader)

    def model(self, name: str, rubric: Rubric) -> Model:
        """The model of that name, which will be asked by that rubric.

        Raises:
            SpecError: There is no name.
            UnknownNameError: No backend answers to it.
        """
        if not name:
            raise SpecError(
                f"expected a judge with the model that it asks by '{rubric.name}', came it alone; "
                f"name it JUDGE:MODEL, or JUDGE:self for the checkpoint itself"
            )
        return self.open_model(name, rubric)

    def judge(self, name: str) -> Judge:
        """The judge of that name, made in these chambers."""
        return self.make_judge(name, self)

    def resampled(self, sample: int) -> "Chambers":
        """The same, but that every model draws a further sample.

        Args:
            sample: How many samples of each prompt are passed over.
        """

        def open_model(name: str, rubric: Rubric) -> Model:
            return Resampled(self.open_model(name, rubric), sample)

        return replace(self, open_model=open_model)


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
