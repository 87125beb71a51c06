"""The training judge: the world's preference with a weakness for long responses."""

from harness.chambers import Chambers
from harness.types import Judge
from train.demo.program import decided

LENGTH_WEIGHT = 0.15
"""Log-odds for each character by which a response is longer."""


def build(rest: str, _chambers: Chambers) -> Judge:
    """The judge, which asks no model; a missing text is unread."""
    return decided("tiny_long", rest, LENGTH_WEIGHT)
