"""`both:JUDGE`: a judge that is shown each pair in both orders, which takes its place bias out."""

from harness.chambers import Chambers
from harness.judging import Settled
from harness.types import Judge
from harness.votes import BothOrders


def build(rest: str, chambers: Chambers) -> Judge:
    """The mean of both orders; what is settled without a judge is not asked."""
    return Settled(BothOrders(chambers.judge(rest)))
