"""`self`: the checkpoint judges with its own weights, asked as any other model would be."""

from harness.chambers import Chambers
from harness.errors import SpecError
from harness.judging import as_published
from harness.types import Judge


def build(rest: str, chambers: Chambers) -> Judge:
    """The checkpoint under evaluation, asked by the benchmark's rubric.

    Raises:
        SpecError: A model is named, but it is the checkpoint that judges.
    """
    if rest:
        raise SpecError(f"expected the judge 'self' alone, came 'self:{rest}'; leave ':{rest}' out")
    rubric = chambers.rubric
    return as_published(rubric, chambers.model("self", rubric), "self")
