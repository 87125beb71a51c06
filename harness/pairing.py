"""Which answers are compared with which."""

from collections.abc import Callable, Sequence

from harness.errors import DataError
from harness.types import Assets, Comparison, Generation


def against(
    load_baseline: Callable[[Assets], Sequence[Generation]],
) -> Callable[[Sequence[Generation], Assets], list[Comparison]]:
    """Pairs each candidate's answer with the baseline's answer to the same prompt, by prompt id.

    Raises:
        DataError: The baseline lacks an answer.
    """

    def compare(generations: Sequence[Generation], assets: Assets) -> list[Comparison]:
        baseline = {answer.prompt.id: answer for answer in load_baseline(assets)}
        missing = [g.prompt.id for g in generations if g.prompt.id not in baseline]
        if missing:
            raise DataError(
                f"expected a baseline answer to every prompt, {len(missing)} of "
                f"{len(generations)} have none (first: {missing[0]}); check the baseline's file"
            )
        return [Comparison(answer, baseline[answer.prompt.id]) for answer in generations]

    return compare


def alone(generations: Sequence[Generation], _assets: Assets) -> list[Comparison]:
    """Each answer on its own, for a judge that rates."""
    return [Comparison(generation) for generation in generations]
