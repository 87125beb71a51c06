"""A judge made of any model and a rubric: the rubric asks and reads, the model answers."""

from harness.chambers import Chambers
from harness.judging import as_published
from harness.types import Judge


def build(rest: str, chambers: Chambers) -> Judge:
    """The judge as published: equal answers are a tie, the order of the sides is the rubric's."""
    rubric = chambers.rubric
    return as_published(rubric, chambers.model(rest, rubric))
