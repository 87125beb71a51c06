"""Where a checkpoint got worse: by category, and prompt by prompt."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from harness.report.story import Fallen, Part
from harness.report.telling.changes import Duel, ruling
from harness.report.telling.tracks import Array
from harness.stats.paired import Difference, Pair, holm, paired_differences
from harness.types import prompt_of

MOST_FALLEN = 20
"""Prompts that are listed of one checkpoint and track."""


_SEEN = 0.005
"""A smaller loss is none that is shown: half a percent, or less than a hundredth of a rating."""


class _Piece(NamedTuple):
    """One category of two checkpoints' items."""

    category: str
    pair: Pair


def parts(found: Sequence[Duel], replicates: int) -> list[Part]:
    """Every category with a pair that was read, Holm over those of one checkpoint and track."""
    pieces = [_pieces(duel) for duel in found]
    pairs = [piece.pair for own in pieces for piece in own]
    differences = iter(paired_differences(pairs, replicates=replicates))
    return [
        part
        for duel, own in zip(found, pieces, strict=True)
        for part in _ruled(duel, [(piece.category, next(differences)) for piece in own])
    ]


def fallen(found: Sequence[Duel]) -> list[Fallen]:
    """The items that fell most, of each checkpoint and track, the worst first."""
    return [one for duel in found for one in _fallen(duel)]


def _pieces(duel: Duel) -> list[_Piece]:
    categories = duel.row.protocol.categories
    if not categories:
        return []
    of_N = np.array([categories.get(prompt_of(id_), "") for id_ in duel.row.ids])
    names = [name for name in dict.fromkeys(categories.values()) if name]
    pieces = [_Piece(name, _masked(duel, of_N == name)) for name in names]
    return [
        piece for piece in pieces if not np.isnan(piece.pair.ours_N - piece.pair.theirs_N).all()
    ]


def _masked(duel: Duel, inside_N: Array) -> Pair:
    whole = duel.pair
    kept = [c for c, inside in zip(duel.row.clusters_N, inside_N, strict=True) if inside]
    return Pair(whole.ours_N[inside_N], whole.theirs_N[inside_N], kept, whole.limits)


def _ruled(duel: Duel, own: Sequence[tuple[str, Difference]]) -> list[Part]:
    adjusted = holm([difference.p_value for _, difference in own])
    return [
        Part(duel.step, duel.against, duel.place, name, difference, ruling(difference, p))
        for (name, difference), p in zip(own, adjusted, strict=True)
    ]


def _fallen(duel: Duel) -> list[Fallen]:
    ours_N, theirs_N = duel.pair[:2]
    lost_N = np.nan_to_num(theirs_N - ours_N)
    worst = np.argsort(-lost_N, kind="stable")[:MOST_FALLEN]
    return [
        Fallen(
            duel.step,
            duel.against,
            duel.place,
            duel.row.ids[place],
            float(theirs_N[place]),
            float(ours_N[place]),
        )
        for place in worst
        if lost_N[place] > _SEEN
    ]
