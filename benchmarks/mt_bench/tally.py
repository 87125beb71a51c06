"""Every turn of every question with what was said of it, from rows in whatever order.

A file may have been appended to, run after run. Judgments are never blended: a turn that was judged
twice and differently is unread, and so is one without a judgment.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from benchmarks.mt_bench import rows as fields
from benchmarks.mt_bench.questions import Question
from benchmarks.mt_bench.rubric import template_name
from benchmarks.mt_bench.scores import Judged
from harness.errors import DataError
from harness.types import Item, Rows, Score

UNNAMED = "a judge that the file does not name"
NO_JUDGMENT = "no judgment"
DIFFERENTLY = "judged more than once, differently"

Questions = Mapping[int, Question]


class Tally(NamedTuple):
    """One model's judged turns."""

    model: str
    judge: str
    judged: list[Judged]
    """Both turns of every question, in official order."""
    doubts: tuple[str, ...]
    """What a reader must know of the file beside its unread verdicts."""

    def doubted(self, score: Score) -> Score:
        """The score with the doubts."""
        return replace(score, doubts=(*score.doubts, *self.doubts))

    @property
    def items(self) -> list[Item]:
        """Every turn as data."""
        return [Item(one.id, one.value, one.cause) for one in self.judged]


def tally(model: str, rows: Rows, said: Iterable[Judged], questions: Questions) -> Tally:
    """One model's turns, each with the one thing that was said of it."""
    found: defaultdict[tuple[int, int], list[Judged]] = defaultdict(list)
    for one in said:
        found[one.question, one.turn].append(one)
    places = [(one.id, turn) for one in questions.values() for turn in range(len(one.turns))]
    judged = [_settled(place, found.get(place, [])) for place in places]
    doubled = sum(len(some) > 1 for some in found.values())
    return Tally(model, _judge(rows), judged, tuple(_doubts(judged, doubled)))


def check_template(row: fields.Row, number: int, kind: str, question: Question, turn: int) -> None:
    """Refuses a judgment that was asked for by another template, where the file says so.

    Raises:
        DataError: It was.
    """
    expected = template_name(kind, turn, with_references=question.needs_references)
    judge = fields.judge(row)
    if judge is not None and judge[1] != expected:
        raise DataError(
            f"expected turn {turn + 1} of question {question.id} to be judged by the template "
            f"'{expected}', came '{judge[1]}' in row {number}; are these judgments of this "
            f"benchmark and mode?"
        )


def _settled(place: tuple[int, int], said: Sequence[Judged]) -> Judged:
    """What is said of one turn: nothing, one thing, or several that agree or do not."""
    if not said:
        return Judged(*place, None, NO_JUDGMENT)
    if len({one.value for one in said}) > 1:
        return Judged(*place, None, DIFFERENTLY)
    return said[0]


def _judge(rows: Rows) -> str:
    named = [fields.judge(row) for row in rows]
    judges = sorted({UNNAMED if judge is None else judge[0] for judge in named})
    if len(judges) > 1:
        raise DataError(
            f"expected judgments by one judge, came some by {', '.join(judges)}; keep one judge's"
        )
    return judges[0]


def _doubts(judged: Sequence[Judged], doubled: int) -> Iterable[str]:
    causes = [one.cause for one in judged]
    if doubled:
        apart = causes.count(DIFFERENTLY)
        yield f"{doubled} of {len(judged)} turns judged more than once, {apart} of them differently"
    if missing := causes.count(NO_JUDGMENT):
        yield f"{missing} of {len(judged)} turns without a judgment"
