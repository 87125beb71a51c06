"""The world's own preference, which no judge in training or evaluation has whole."""

from harness.types import Judge, Model, Rubric
from train.demo.program import decided

LENGTH_WEIGHT = 0.0
"""Log-odds for each character by which a response is longer."""


def build(_rubric: Rubric, model: Model) -> Judge:
    """The judge, which asks neither the model nor by the rubric; a missing text is unread."""
    return decided(model, LENGTH_WEIGHT)
