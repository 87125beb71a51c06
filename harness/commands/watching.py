"""Looks at each judge's canary before a run and after it, and marks the results in between."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from harness.commands.canary import Sighting, canary_table, look, suspicions
from harness.commands.sitting import Sitting
from harness.pipeline import Result
from harness.report.table import Table


@dataclass(frozen=True, slots=True)
class Watch:
    """Canaries, with what was seen of them before the run and after it."""

    canaries: Mapping[str, Sitting]
    """By the label of the benchmark whose judge it is."""
    before: dict[str, Sighting] = field(default_factory=dict)
    seen: dict[str, tuple[Sighting, Sighting]] = field(default_factory=dict)
    """Of those that were looked at twice."""

    def begin(self) -> None:
        """Looks at each canary for the first time."""
        self.before.update({label: look(sitting) for label, sitting in self.canaries.items()})

    def end(self, results: Sequence[tuple[str, Result]]) -> list[tuple[str, Result]]:
        """Looks again: the results, each with what its judge's canary gives reason to doubt."""
        for label, sitting in self.canaries.items():
            self.seen[label] = self.before[label], look(sitting)
        return [(name, self._marked(result)) for name, result in results]

    def tables(self) -> list[Table]:
        """What was seen, if anything."""
        return [canary_table(list(self.seen.values()))] if self.seen else []

    def doubts(self) -> dict[str, list[str]]:
        """What was seen that gives reason to doubt, by benchmark."""
        return {label: list(suspicions(*pair)) for label, pair in self.seen.items()}

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
    """A watch on the canaries that there are."""
    return Watch({label: sitting for label, sitting in asked.items() if sitting is not None})


def doubted(result: Result, doubts: Sequence[str]) -> Result:
    """The result with more doubts on its main score."""
    main, *others = result.scores
    return replace(result, scores=[replace(main, doubts=(*main.doubts, *doubts)), *others])
