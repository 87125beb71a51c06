"""`exact`: a benchmark that knows what is right matches answers by itself."""

from harness.chambers import Chambers
from harness.errors import SpecError
from harness.judging import Matched, Settled
from harness.types import Judge, Matcher


def build(_rest: str, chambers: Chambers) -> Judge:
    """The benchmark's own matcher; a missing answer is unread.

    Raises:
        SpecError: The benchmark's answers must be judged.
    """
    if not isinstance(chambers.grader, Matcher):
        raise SpecError(
            f"expected a judge for answers that '{chambers.grader.name}' must ask about, came "
            f"'exact', which asks nobody; name a model with -j"
        )
    return Settled(Matched(chambers.grader))
