"""Rows laid out so that what several begin with alike is read once.

Rows in order form a tree of tokens; each token is a node and sees the nodes on the way to it. The
nodes are numbered as a walk along the rows meets them, so the nodes below one are those from it to
its `end`. A pack is as much of the tree as one pass reads; it goes on from the last row before it,
whose tokens are still in the cache.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.models.local.pairs import Row


class Pack(NamedTuple):
    """What one pass reads. Shapes: N new nodes, M all nodes: carried ones and then the new."""

    carried: list[int]
    """Nodes of the pack before that come first here, in order."""
    ids_N: list[int]
    depth_N: list[int]
    end_M: NDArray[np.int64]
    """Node i is seen by the nodes from i to before `end_M[i]`."""
    reads: list[list[int]]
    """Of each row: new nodes, counted from 0, after which its targets are predicted."""

    @property
    def branches(self) -> bool:
        """Whether some node does not see all that come before it."""
        return bool((self.end_M < len(self.end_M)).any())


def packs(rows: Sequence[Row], most: int, *, carry: bool) -> Iterator[Pack]:
    """Packs of all rows, in their order.

    Args:
        rows: In the order of their tokens.
        most: New nodes of one pack, unless a single row needs more.
        carry: Whether a pack may go on from the one before.
    """
    start, path = 0, list[int]()
    while start < len(rows):
        kept = _carried(rows[start - 1], rows[start]) if carry and start else 0
        draft = _Draft(path[:kept], rows[start])
        for row in rows[start + 1 :]:
            if not draft.add(row, most):
                break
        yield draft.pack()
        start, path = start + len(draft.reads), draft.path


def shared(one: list[int], other: list[int]) -> int:
    """How many tokens two rows begin with alike."""
    low, high = 0, min(len(one), len(other))
    while low < high:  # lists compare faster than a loop over them
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _carried(last: Row, row: Row) -> int:
    # What is read must be new: the logits of earlier nodes were not kept.
    return min(shared(last.ids, row.ids), row.first)


class _Draft:
    """A pack to which rows are added."""

    def __init__(self, carried: list[int], row: Row) -> None:
        self._carried = carried
        self._ids: list[int] = []
        self._depths: list[int] = []
        self._left: list[tuple[list[int], int]] = []
        self._last = row.ids[: len(carried)]
        self.path = list(range(len(carried)))
        """Nodes of the last row."""
        self.reads: list[list[int]] = []
        self.add(row, len(row.ids))

    def add(self, row: Row, most: int) -> bool:
        """Adds a row, unless it would make the pack too large or read a node that is not new."""
        same, n = shared(self._last, row.ids), len(self._carried)
        if len(self._ids) + len(row.ids) - same > most or row.first < min(same, n):
            return False
        end = n + len(self._ids)
        self._left.append((self.path[same:], end))
        self._ids += row.ids[same:]
        self._depths += range(same, len(row.ids))
        self.path[same:] = range(end, n + len(self._ids))
        self._last = row.ids
        self.reads.append([node - n for node in self.path[row.first :]])
        return True

    def pack(self) -> Pack:
        m = len(self._carried) + len(self._ids)
        end_M = np.full(m, m)
        for nodes, end in self._left:
            end_M[nodes] = end
        return Pack(self._carried, self._ids, self._depths, end_M, self.reads)
