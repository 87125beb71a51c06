"""Looks at each judge's canary before a run and after it, and marks the results in between."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from harness.commands.canary import Sighting, canary_table, look, suspicions
from harness.commands.sitting import Sitting
from harness.pipeline import Result
from harness.report.table import Table


@dataclass(frozen=True, slots=True)
class Watch:
    """Canaries with what was seen before the run, and, once it is over, after it."""

    canaries: Mapping[str, Sitting]
    """By the label of the benchmark whose judge it is."""
    before: Mapping[str, Sighting]
    seen: dict[str, tuple[Sighting, Sighting]]

    def mark(self, results: Sequence[tuple[str, Result]]) -> list[tuple[str, Result]]:
        """The results, each with what its judge's canary gives reason to doubt; looks again."""
        for key, sitting in self.canaries.items():
            self.seen[key] = self.before[key], look(sitting)
        return [(name, self._marked(result)) for name, result in results]

    def tables(self) -> list[Table]:
        """What was seen, if anything."""
        return [canary_table(list(self.seen.values()))] if self.seen else []

    def data(self) -> dict[str, Any]:
        """What was seen, for programs."""
        seen = [
            {"benchmark": label, "before": asdict(before), "after": asdict(after)}
            for label, (before, after) in self.seen.items()
        ]
        return {"canary": seen} if seen else {}

    def _marked(self, result: Result) -> Result:
        pair = self.seen.get(result.card.label)
        return doubted(result, list(suspicions(*pair))) if pair else result


def watching(asked: Mapping[str, Sitting | None]) -> Watch:
    """Looks at each canary that there is, for the first time."""
    canaries = {key: sitting for key, sitting in asked.items() if sitting is not None}
    return Watch(canaries, {key: look(sitting) for key, sitting in canaries.items()}, {})


def doubted(result: Result, doubts: Sequence[str]) -> Result:
    """The result with more doubts on its main score."""
    main, *others = result.scores
    return replace(result, scores=[replace(main, doubts=(*main.doubts, *doubts)), *others])
