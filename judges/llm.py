"""A judge made of any model and a rubric: the rubric asks and reads, the model answers."""

from harness.judging import LLMJudge, Ordered, Settled
from harness.types import Judge, Model, Rubric


def build(rubric: Rubric, model: Model) -> Judge:
    """The judge as published: equal answers are a tie, the order of the sides is the rubric's."""
    return Settled(Ordered(LLMJudge(rubric, model), rubric.shows_candidate_first))
