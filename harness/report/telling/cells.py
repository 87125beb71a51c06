"""What a story is told from: one checkpoint's scores on one benchmark under one judge."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.pipeline import Result
from harness.report.scores import SAMPLE_OF
from harness.report.story import Step
from harness.types import Item, Redrawn, Score, prompt_of

_OWN = "model"
_ASIDE = ("gold", "prompts")


@dataclass(frozen=True, slots=True)
class Cell:
    """One checkpoint on one benchmark under one judge."""

    checkpoint: str
    benchmark: str
    """Its label, `NAME@VERSION`."""
    judge: str
    identity: Mapping[str, str]
    scores: Sequence[Score]
    """The main one first."""
    items: Sequence[Item]
    length: float | None = None
    """Mean length of the answers in characters; None where they were not kept."""
    redrawn: Redrawn | None = None
    """The score that is no mean of items, where there is one."""

    @property
    def shared(self) -> dict[str, str]:
        """What decided the scores beside the checkpoint, and what else was asked about it."""
        return {
            key: value
            for key, value in self.identity.items()
            if not key.startswith(_OWN) and key.split()[0] not in _ASIDE
        }

    @property
    def key(self) -> tuple[object, ...]:
        """Of what it is comparable with."""
        return self.benchmark, self.judge, *sorted(self.shared.items())

    @property
    def sample_of(self) -> str | None:
        """The checkpoint that it is a further sample of; None for a checkpoint's own score."""
        return self.identity.get(SAMPLE_OF)


@dataclass(frozen=True, slots=True)
class Protocol:
    """What a story must know of a benchmark."""

    title: str
    cluster: Callable[[str], str] = prompt_of
    """What an item, by its id, stands or falls with."""
    categories: Mapping[str, str] = field(default_factory=dict)
    """The category of each prompt, by its id; empty where there are none."""
    averages: bool = True
    """Whether an item is the mean of its verdicts, and not what they decide together."""


def cell(name: str, result: Result, redrawn: Redrawn | None = None) -> Cell:
    """The cell of a result."""
    facts = result.card.label, result.judge, result.identity, result.scores, result.items
    return Cell(name, *facts, redrawn=redrawn)


def steps(cells: Sequence[Cell]) -> list[Step]:
    """The checkpoints of the cells, in the order in which they come."""
    found: dict[str, Step] = {}
    for one in cells:
        place = {key: one.identity.get(f"model {key}") for key in Step._fields[1:]}
        iteration = place.pop("iteration")
        number = None if iteration is None else int(iteration)
        found.setdefault(one.checkpoint, Step(one.checkpoint, number, **place))
    return [*found.values()]


def opponents(known: Sequence[Step], step: Step) -> list[str]:
    """Whom a checkpoint is measured by: the one before it, and the base that it comes from.

    The one before is its parent, else the one listed before it. A checkpoint of iteration 0 is a
    base, and so is the first.
    """
    before = {s.name: _before(known, place) for place, s in enumerate(known)}
    line: list[str] = []
    ancestor = before[step.name]
    while ancestor is not None and ancestor not in line:
        line.append(ancestor)
        ancestor = before[ancestor]
    return list(dict.fromkeys((line[0], line[-1]))) if line else []


def _before(known: Sequence[Step], place: int) -> str | None:
    step = known[place]
    if step.parent is not None and any(other.name == step.parent for other in known):
        return step.parent
    return known[place - 1].name if place and step.iteration != 0 else None
