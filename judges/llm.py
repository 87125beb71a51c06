"""A judge made of any model and a rubric: the rubric asks and reads, the model answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.judging import Ordered, Settled
from harness.types import Comparison, Generation, Judge, Model, Rubric, Unread, Verdict


@dataclass(frozen=True, slots=True)
class LLMJudge:
    """Asks a model about each comparison, in the order in which its sides are given."""

    rubric: Rubric
    model: Model

    @property
    def name(self) -> str:
        """The model's name."""
        return self.model.name

    @property
    def identity(self) -> Mapping[str, str]:
        """The model's identity, and the rubric by name and template."""
        rubric = {"rubric": self.rubric.name, "rubric sha256": self.rubric.digest}
        return {**self.model.identity, **rubric}

    def __call__(self, comparisons: Sequence[Comparison], /) -> list[Verdict]:
        """One verdict per comparison; an answer off the form asked is unread, with its cause."""
        answers = self.model.generate([self.rubric.ask(c) for c in comparisons])
        return [self._read(c, answer) for c, answer in zip(comparisons, answers, strict=True)]

    def _read(self, comparison: Comparison, answer: Generation) -> Verdict:
        if answer.failure is not None:
            return Verdict(comparison, self.name, None, f"judge refused: {answer.failure}", answer)
        value = self.rubric.read(answer)
        if isinstance(value, Unread):
            return Verdict(comparison, self.name, None, value.cause, answer)
        return Verdict(comparison, self.name, value, None, answer)


def build(rubric: Rubric, model: Model) -> Judge:
    """The judge as published: equal answers are a tie, the order of the sides is the rubric's."""
    return Settled(Ordered(LLMJudge(rubric, model), rubric.shows_candidate_first))
