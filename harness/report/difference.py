"""Two runs side by side: what decided them, their scores, and the prompts that changed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from harness.report.scores import cell
from harness.report.table import Table
from harness.stats.paired import Difference, paired_difference
from harness.types import Item, Score

FORMAT = "iterbench.difference/1"
_ABSENT = "–"
_SHOWN = 10
"""Prompts that changed most, in the printed table."""


Versions = tuple[Mapping[str, str], Mapping[str, str]]
"""What each of the two runs was computed with; empty where it does not say."""


class Side(NamedTuple):
    """One checkpoint's result in one of the runs."""

    checkpoint: str
    identity: Mapping[str, str]
    scores: Sequence[Score]
    items: Sequence[Item]


class Pair(NamedTuple):
    """The same benchmark in both runs."""

    benchmark: str
    ours: Side
    theirs: Side

    @property
    def name(self) -> str:
        """What is compared with what."""
        names = dict.fromkeys((self.ours.checkpoint, self.theirs.checkpoint))
        return " and ".join(names)


class Moved(NamedTuple):
    """A prompt, or a turn of one, that came out otherwise."""

    id: str
    ours: float | None
    theirs: float | None

    @property
    def by(self) -> float:
        """How far it moved; one that was read in one run only moved farthest."""
        if self.ours is None or self.theirs is None:
            return float("inf")
        return abs(self.theirs - self.ours)


def unlike(ours: Mapping[str, str], theirs: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Entries that are not the same in both, with what each says."""
    for key in dict.fromkeys((*ours, *theirs)):
        mine, other = ours.get(key, _ABSENT), theirs.get(key, _ABSENT)
        if mine != other:
            yield key, mine, other


def moved(pair: Pair) -> list[Moved]:
    """The items of both whose value is not the same, those that moved farthest first."""
    theirs = {item.id: item.value for item in pair.theirs.items}
    changed = [
        Moved(item.id, item.value, theirs[item.id])
        for item in pair.ours.items
        if item.id in theirs and item.value != theirs[item.id]
    ]
    return sorted(changed, key=lambda one: (-one.by, one.id))


def in_common(pair: Pair) -> int:
    """How many items are in both."""
    return len({item.id for item in pair.ours.items} & {item.id for item in pair.theirs.items})


def difference(pair: Pair) -> Difference | None:
    """The mean change by item, second less first; None where no item was read in both."""
    values = {item.id: item.value for item in pair.ours.items}
    both = [
        (item.id, values[item.id], item.value)
        for item in pair.theirs.items
        if item.value is not None and values.get(item.id) is not None
    ]
    if not both:
        return None
    ids, ours, theirs = zip(*both, strict=True)
    clusters = [str(one).partition("/turn-")[0] for one in ids]
    return paired_difference(np.array(theirs, np.float64), np.array(ours, np.float64), clusters)


def identity_table(pairs: Sequence[Pair], versions: Versions) -> Table:
    """What differs in what decided the scores, and in the versions of what computed them."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for pair in pairs:
        for entry in unlike(pair.ours.identity, pair.theirs.identity):
            found.setdefault(entry, []).append(f"{pair.name}, {pair.benchmark}")
    rows = [[key, mine, other, "; ".join(where)] for (key, mine, other), where in found.items()]
    if all(versions):
        rows += [[f"version of {name}", *sides, "the runs"] for name, *sides in unlike(*versions)]
    notes = [] if rows else ["nothing that decides the scores differs"]
    if not all(versions):
        notes.append("a run does not say which versions it was made with")
    return Table("What differs in how they were made", ["what", "A", "B", "of"], rows, notes, 4)


def scores_table(pairs: Sequence[Pair]) -> Table:
    """Each score in both runs."""
    rows = [
        [pair.benchmark, pair.name, one.metric, cell(one), cell(other), _change(one, other)]
        for pair in pairs
        for one in pair.ours.scores
        for other in pair.theirs.scores
        if other.metric == one.metric
    ]
    columns = ["benchmark", "checkpoint", "metric", "A", "B", "B - A"]
    return Table("What they scored, 95 % intervals", columns, rows, words=3)


def items_table(pairs: Sequence[Pair]) -> Table:
    """How far the same prompts came out otherwise."""
    rows = [_items_row(pair) for pair in pairs]
    columns = ["benchmark", "checkpoint", "in both", "changed", "mean change", "p"]
    notes = [
        "mean change: B less A, in the items' own values, with a 95 % interval; p: sign-flip test",
        *(
            f"{pair.name}, {pair.benchmark}: {one.id} from {_value(one.ours)} to "
            f"{_value(one.theirs)}"
            for pair in pairs
            for one in moved(pair)[:_SHOWN]
        ),
    ]
    return Table("The same prompts in both", columns, rows, notes, words=2)


def difference_data(pairs: Sequence[Pair], versions: Versions) -> dict[str, Any]:
    """The same as data, with every item that changed."""
    return {
        "format": FORMAT,
        "versions": [dict(zip(("what", "a", "b"), one, strict=True)) for one in unlike(*versions)],
        "pairs": [_data(pair) for pair in pairs],
    }


def _data(pair: Pair) -> dict[str, Any]:
    found = difference(pair)
    return {
        "benchmark": pair.benchmark,
        "checkpoints": [pair.ours.checkpoint, pair.theirs.checkpoint],
        "identity": [
            dict(zip(("what", "a", "b"), one, strict=True))
            for one in unlike(pair.ours.identity, pair.theirs.identity)
        ],
        "scores": [
            {"metric": one.metric, "unit": one.unit, "a": one.value, "b": other.value}
            for one in pair.ours.scores
            for other in pair.theirs.scores
            if other.metric == one.metric
        ],
        "items_in_both": in_common(pair),
        "difference": found and found._asdict(),
        "changed": [{"id": one.id, "a": one.ours, "b": one.theirs} for one in moved(pair)],
    }


def _items_row(pair: Pair) -> list[str]:
    both, found = in_common(pair), difference(pair)
    changed = str(len(moved(pair))) if both else _ABSENT
    if found is None:
        return [pair.benchmark, pair.name, str(both), changed, _ABSENT, _ABSENT]
    low, high = found.interval or (found.value, found.value)
    mean = f"{found.value:+.4f} [{low:+.4f}, {high:+.4f}]"
    return [pair.benchmark, pair.name, str(both), changed, mean, f"{found.p_value:.4f}"]


def _change(one: Score, other: Score) -> str:
    if one.value is None or other.value is None:
        return _ABSENT
    scale, digits = (100, 2) if one.unit == "fraction" else (1, 2)
    return f"{scale * (other.value - one.value):+.{digits}f}"


def _value(value: float | None) -> str:
    return "unread" if value is None else f"{value:.4g}"
