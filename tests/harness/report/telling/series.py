"""Cells of small series in one line, for tests that care about one or two of their fields."""

from collections.abc import Sequence
from typing import Any

from harness.report.story import Story
from harness.report.telling.cells import Cell, Protocol
from harness.report.telling.saved import Faced
from harness.report.telling.tell import tell
from harness.types import Item, Score

Value = float | None


def cell(step: str, values: Sequence[Value] = (1.0, 0.0), **fields: Any) -> Cell:
    """A checkpoint's items p/0, p/1 and so on, and their mean as its win rate.

    `parent` and other facts of the checkpoint are given as `place`, a mapping.
    """
    place = {f"model {key}": value for key, value in fields.pop("place", {}).items()}
    read = [value for value in values if value is not None]
    mean = sum(read) / len(read) if read else None
    score = Score("win_rate", mean, len(read), len(values) - len(read))
    plain: dict[str, Any] = {
        "benchmark": "tiny@1",
        "judge": "openai:gpt-4",
        "scores": [score],
        "items": [
            Item(f"p/{n:03}", v, None if v is not None else "lost") for n, v in enumerate(values)
        ],
    }
    given = plain | fields
    identity = {"benchmark": given["benchmark"], "judge": given["judge"], **place}
    return Cell(step, identity=identity | fields.get("identity", {}), **_without(given, "identity"))


def told(*cells: Cell, matches: Sequence[Faced] = (), **protocol: Any) -> Story:
    """Their story, with a few replicates."""
    protocols = {one.benchmark: Protocol("Tiny", **protocol) for one in cells}
    return tell("series", cells, protocols, matches, replicates=999)


def _without(given: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name != key}
