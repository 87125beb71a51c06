"""Results broken down by classes of prompts, and how many prompts are of each class."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import inf
from typing import Any, Protocol

from harness.classes import KINDS, PUBLISHED, Classes
from harness.pipeline import Result
from harness.report.scores import cell
from harness.report.table import Table
from harness.stats.clustered import clustered_mean
from harness.types import Item, Score, prompt_of

_UNREAD = "(unread)"


class Scored(Protocol):
    """What has scores and the items that they are of."""

    @property
    def scores(self) -> Sequence[Score]:
        """The main one first."""

    @property
    def items(self) -> Sequence[Item]:
        """One for each verdict, or for each meeting."""


def by_class(
    results: Sequence[tuple[str, Scored]], classes: Mapping[str, Classes]
) -> list[tuple[str, str, list[Score]]]:
    """For each kind and class with prompts, the mean of every result's items of that class.

    A mean is of what was read, with its 95 % interval over prompts. Items whose class is unread, or
    which the file does not name, are a class of their own.
    """
    items = [_with_classes(result.items, classes) for _, result in results]
    units = [result.scores[0].unit for _, result in results]
    found = []
    for place, kind in enumerate(KINDS):
        present = {one[place] for some in items for _, one in some}
        for name in (*PUBLISHED[kind], None):
            if name in present:
                scores = [
                    _mean([item for item, one in some if one[place] == name], unit)
                    for some, unit in zip(items, units, strict=True)
                ]
                found.append((kind, name or _UNREAD, scores))
    return found


def breakdown_table(results: Sequence[tuple[str, Result]], classes: Mapping[str, Classes]) -> Table:
    """A row for each class, a column for each result."""
    card, judge = results[0][1].card, results[0][1].judge
    return Table(
        title=f"{card.title} by class, {judge} judging, 95 % intervals",
        columns=["by", "class", "n", *(name for name, _ in results)],
        rows=[
            [kind.replace("_", " "), name, str(max(s.n + s.n_unread for s in scores))]
            + [cell(score) for score in scores]
            for kind, name, scores in by_class(results, classes)
        ],
        notes=["means of the verdicts of each class, not controlled for length"],
        words=2,
    )


def breakdown_data(
    results: Sequence[tuple[str, Result]], classes: Mapping[str, Classes]
) -> list[dict[str, Any]]:
    """The same as data, fractions in [0, 1]: `by`, `class`, `checkpoint`, value, interval, n."""
    return [
        {
            "by": kind,
            "class": name,
            "checkpoint": checkpoint,
            "value": score.value,
            "interval": score.interval,
            "n": score.n,
            "n_unread": score.n_unread,
        }
        for kind, name, scores in by_class(results, classes)
        for (checkpoint, _), score in zip(results, scores, strict=True)
    ]


def distribution_table(title: str, classes: Sequence[Classes]) -> Table:
    """How many prompts are of each class, beside what was published of AlpacaEval's 805."""
    rows = []
    for place, kind in enumerate(KINDS):
        counts = Counter(one[place] for one in classes)
        total = sum(PUBLISHED[kind].values())
        for name, published in PUBLISHED[kind].items():
            shares = [_share(counts[name], len(classes)), str(published), _share(published, total)]
            rows.append([kind.replace("_", " "), name, str(counts[name]), *shares])
        if counts[None]:
            unread = [str(counts[None]), _share(counts[None], len(classes))]
            rows.append([kind.replace("_", " "), _UNREAD, *unread, "", ""])
    return Table(
        title,
        ["by", "class", "n", "%", "published n", "published %"],
        rows,
        ["published: AlpacaEval's 805 prompts by GPT-4, arXiv 2401.10020, tables 6 to 8"],
        words=2,
    )


def _with_classes(
    items: Sequence[Item], classes: Mapping[str, Classes]
) -> list[tuple[Item, Classes]]:
    nothing = Classes(None, None, None)
    return [(item, classes.get(prompt_of(item.id), nothing)) for item in items]


def _mean(items: Sequence[Item], unit: str) -> Score:
    values = [item.value for item in items if item.value is not None]
    lost = len(items) - len(values)
    if not values:
        return Score("mean", None, 0, lost, unit=unit)
    prompts = [prompt_of(item.id) for item in items if item.value is not None]
    limits = (0.0, 1.0) if unit == "fraction" else (-inf, inf)
    mean, error, interval = clustered_mean(values, prompts, limits)
    return Score("mean", mean, len(values), lost, interval, error, unit=unit)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f}" if whole else ""
