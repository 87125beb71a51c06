"""The world's own preference, which no judge in training or evaluation has whole."""

from harness.chambers import Chambers
from harness.types import Judge
from train.demo.program import decided

LENGTH_WEIGHT = 0.0
"""Log-odds for each character by which a response is longer."""


def build(rest: str, _chambers: Chambers) -> Judge:
    """The judge, which asks no model; a missing text is unread."""
    return decided("tiny_gold", rest, LENGTH_WEIGHT)
