"""`jury:A,B,C`: several judges decide together, by mean, `jury:median:…` or `jury:majority:…`."""

from harness.chambers import Chambers
from harness.errors import SpecError
from harness.types import Judge
from harness.votes import RULES, Jury


def build(rest: str, chambers: Chambers) -> Judge:
    """The judges named, separated by commas, under a rule; the mean if none is named.

    Raises:
        SpecError: There are fewer than two, or one comes twice.
    """
    first, colon, others = rest.partition(":")
    rule, named = (first, others) if colon and first in RULES else ("mean", rest)
    names = [name.strip() for name in named.split(",")]
    if len(names) < 2 or len(set(names)) < len(names):
        raise SpecError(
            f"expected jury:A,B,C or jury:RULE:A,B,C of two different judges or more, RULE one of "
            f"{', '.join(RULES)}; came 'jury:{rest}'"
        )
    return Jury(f"jury:{rest}", [chambers.judge(name) for name in names], rule)
