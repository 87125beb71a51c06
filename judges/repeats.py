"""`repeats:N:JUDGE`: a judge that is asked N times, so that its own noise can be told."""

from harness.chambers import Chambers
from harness.errors import SpecError
from harness.types import Judge
from harness.votes import Repeats


def build(rest: str, chambers: Chambers) -> Judge:
    """The mean of N samples of one judge.

    Raises:
        SpecError: The number is missing or below 2.
    """
    number, _, name = rest.partition(":")
    if not (number.isdecimal() and int(number) > 1 and name):
        raise SpecError(f"expected repeats:N:JUDGE with N of 2 or more, came 'repeats:{rest}'")
    return Repeats([chambers.resampled(sample).judge(name) for sample in range(int(number))])
