"""Vicuna-bench's published reviews, read anew.

Upstream's own parser reads the first line only, and people wrote in the scores of the three math
questions; those are the only ones that our reading may leave unread.
"""

import math
from collections.abc import Collection, Mapping
from typing import Any

from benchmarks.vicuna_bench.rubric import LOWEST, load_questions, read_scores
from harness.rows import parse_rows
from harness.types import Assets, Check, Unread

REVIEWS = "vicuna_bench/table/review/"


def verify(assets: Assets) -> list[Check]:
    """The scores in GPT-4's words against the published ones."""
    rows = [
        (f"{name}:{row['question_id']}", row)
        for name in filter(assets.has, assets.names(REVIEWS))
        for row in parse_rows(assets.read(name), name)
    ]
    maths = {one.id for one in load_questions(assets).values() if one.category == "math"}
    gaps = {place: _gap(row, maths) for place, row in rows}
    read = {place: gap for place, gap in gaps.items() if gap is not None}
    worst = max(read, key=read.__getitem__, default="")
    largest = read[worst] if worst else math.nan
    unread = len(gaps) - len(read)
    note = (
        f"unread by us: {unread} (math replies that people scored upstream, and scores of 0)"
        if gaps
        else "the published reviews are not on this machine; pull vicuna_bench/table/review"
    )
    claim = "scores read from the judge's words"
    shown = worst if largest else ""
    return [Check(claim, len(read), largest, 0, shown, (note,), provable=bool(gaps))]


def _gap(row: Mapping[str, Any], maths: Collection[int]) -> float | None:
    """Largest difference to the published scores; None where we rightly read none."""
    found = read_scores(row["text"])
    if not isinstance(found, Unread):
        theirs: list[float] = row["score"]
        return max(abs(our - their) for our, their in zip(found, theirs, strict=True))
    if row["question_id"] in maths or min(row["score"]) < LOWEST:
        return None
    return math.inf
