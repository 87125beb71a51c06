"""Reads again what `judge-eval` found of a judge."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import FiniteFloat

from harness.names import takes_part
from harness.report.judge_eval import JUDGE_EVAL, Findings
from harness.report.runs import Document, Written, WrittenScore, read_document
from harness.stats.length_bias import Bin

FOLDERS = "judge-eval-*"
"""What the folders are called that `judge-eval` writes to."""


class Tried(NamedTuple):
    """A judge that was on trial."""

    judge: str
    found: Sequence[Findings]

    def concerns(self, judge: str) -> bool:
        """Whether it is that judge, or one that it is composed of."""
        return takes_part(self.judge, judge)


class _Bin(Written):
    lead: FiniteFloat
    win_rate: FiniteFloat
    n: int


class _Findings(Written):
    trial: str
    title: str
    gold: str
    cases: int
    scores: list[WrittenScore]
    gold_scores: list[WrittenScore]
    unread: Mapping[str, int]
    length_curve: Mapping[str, list[_Bin]]


class _Trials(Document):
    judge: str
    trials: list[_Findings]


def read_trial(file: Path) -> Tried:
    """What a file of `judge-eval` tells.

    Raises:
        DataError: It is of another form.
    """
    document = read_document(file, _Trials)
    return Tried(document.judge, [_findings(one) for one in document.trials])


def trials_beside(run: Path) -> list[Path]:
    """What `judge-eval` wrote into the folder that a run's folder is in."""
    return sorted(run.resolve().parent.glob(f"{FOLDERS}/{JUDGE_EVAL}"))


def _findings(one: _Findings) -> Findings:
    return Findings(
        one.trial,
        one.title,
        one.gold,
        one.cases,
        [score.read() for score in one.scores],
        [score.read() for score in one.gold_scores],
        one.unread,
        {who: [Bin(**b.model_dump()) for b in bins] for who, bins in one.length_curve.items()},
    )
