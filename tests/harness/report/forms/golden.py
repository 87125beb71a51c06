"""A small series with one of everything, and names that are hostile."""

from dataclasses import replace
from typing import Any

from harness.report.judge_eval import Findings
from harness.report.story import Story
from harness.report.telling.saved import Faced
from harness.report.trials import Tried
from harness.types import Item, Score
from tests.harness.report.telling.series import cell, told

HOSTILE = "i1_<script>|&$%[x](y)"
LOW, HIGH = [0.0] * 20 + [1.0] * 4, [1.0] * 24
CATEGORIES = {f"p/{n:03}": "writing" if n < 12 else "math" for n in range(24)}


def golden() -> Story:
    """Two checkpoints on three benchmarks, two judges on one of them, and a match."""
    place = {"iteration": "1", "parent": "base", "method": "sppo", "trained_by_judge": "pairrm"}
    base: dict[str, Any] = {"place": {"iteration": "0"}}
    rating = [Score("score", 7.5, 24, 0, (7.0, 8.0), unit="rating")]
    rated = [Item(f"p/{n:03}", 7.5, None) for n in range(24)]
    cells = [
        cell("base", LOW, judge="pairrm", length=100, **base),
        cell("base", LOW, **base),
        cell("base", HIGH, benchmark="gsm8k@1", judge="exact", **base),
        cell("base", benchmark="mt@1", scores=rating, items=rated, **base),
        cell(HOSTILE, HIGH, judge="pairrm", length=150.5, place=place),
        cell(HOSTILE, [None, *LOW[1:]], place=place),
        cell(HOSTILE, LOW, benchmark="gsm8k@1", judge="exact", place=place),
        cell(HOSTILE, benchmark="mt@1", scores=rating, items=rated, place=place),
    ]
    match = Faced("tiny@1", "pairrm", "base", HOSTILE, 0.25)
    accuracy = Score("accuracy", 0.625, 40, 2, (0.4, 0.8))
    tried = Tried("pairrm", [Findings(HOSTILE, HOSTILE, HOSTILE, 42, [accuracy], [])])
    return replace(told(*cells, matches=[match], categories=CATEGORIES), trials=[tried])
