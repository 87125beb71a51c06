"""Reviews of two models' answers, summed up without a model.

A row holds two scores: of assistant 1, who is the baseline where a baseline is shown first, and of
assistant 2. A question that was judged twice and differently, or not in every order that the others
were, is unread.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from benchmarks.vicuna_bench import rows as fields
from benchmarks.vicuna_bench.files import BASELINE, prompt
from benchmarks.vicuna_bench.rows import Row
from benchmarks.vicuna_bench.rubric import Question, load_questions, preference, read_scores
from benchmarks.vicuna_bench.scores import Reviewed, outcome, scores
from harness.errors import DataError
from harness.types import Assets, Item, Rescored, Rows, Unread


def rescore(rows: Rows, assets: Assets) -> Rescored:
    """Reviews of one pair of models, in one order or in both, read anew from the judge's words.

    Raises:
        DataError: The rows are of several pairs or judges, or of an unknown question.
    """
    questions = load_questions(assets)
    candidate = str(rows[0].get("model_2", fields.UNNAMED))
    _check_one(rows, "models", lambda row: {row.get("model_1"), row.get("model_2")})
    _check_one(rows, "judge", fields.judge)
    found: defaultdict[int, dict[bool, set[_Game]]] = defaultdict(dict)
    for number, row in enumerate(rows):
        first = row.get("model_1") == candidate
        games = found[fields.question(row, number, questions).id]
        games.setdefault(first, set()).add(_game(row, number, candidate_first=first))
    orders = {first for games in found.values() for first in games}
    reviews = [_reviewed(one, found.get(one.id, {}), orders) for one in questions.values()]
    main, *others = scores(reviews)
    doubts = tuple(_doubts(rows[0], candidate, orders))
    items = [Item(one.question, one.value, one.cause) for one in reviews]
    return Rescored(
        candidate, fields.judge(rows[0]), [replace(main, doubts=doubts), *others], items
    )


def _doubts(row: Row, candidate: str, orders: set[bool]) -> Iterator[str]:
    """What a reader must know of the file beside its unread verdicts."""
    sides = {row.get("model_1"), row.get("model_2")} - {candidate, None}
    if not sides:
        yield "the file does not name the models"
    elif sides != {BASELINE}:
        yield f"judged against {sides.pop()}, not against {BASELINE}"
    if len(orders) == 1:
        yield "judged in one order only"


_Game = tuple[float, float] | Unread
"""The candidate's and the opponent's score."""


def _game(row: Row, number: int, *, candidate_first: bool) -> _Game:
    said = row.get("text")
    found = read_scores(said) if isinstance(said, str) else _numbers(row, number)
    if isinstance(found, Unread):
        return found
    return found if candidate_first else (found[1], found[0])


def _numbers(row: Row, number: int) -> tuple[float, float] | Unread:
    """The file's own scores, where it does not keep the judge's words."""
    value = row.get("score")
    if not isinstance(value, list) or len(value) != 2:
        raise DataError(
            f"expected two numbers under 'score' in row {number}, came {value!r:.40}; is this a "
            f"review of Vicuna-bench?"
        )
    return read_scores(f"{value[0]} {value[1]}")


def _reviewed(question: Question, games: Mapping[bool, set[_Game]], orders: set[bool]) -> Reviewed:
    """One question from its games in every order that the file has."""
    asked = prompt(question).id
    cause = _cause(games, orders)
    if cause is not None:
        return Reviewed(asked, None, cause, ())
    given = tuple(one for some in games.values() for one in some if not isinstance(one, Unread))
    return Reviewed(asked, outcome([preference((b, a)) for a, b in given]), None, given)


def _cause(games: Mapping[bool, set[_Game]], orders: set[bool]) -> str | None:
    """Why a question is unread, if it is."""
    if games.keys() != orders:
        return "judged in one order only" if games else "no judgment"
    if any(len(some) > 1 for some in games.values()):
        return "judged more than once, differently"
    return next((o.cause for some in games.values() for o in some if isinstance(o, Unread)), None)


def _check_one(rows: Rows, what: str, of: Callable[[Row], Any]) -> None:
    """One pair of models, one judge."""
    first = of(rows[0])
    for number, row in enumerate(rows):
        if of(row) != first:
            raise DataError(
                f"expected reviews of one pair of models by one judge, row {number} has other "
                f"{what} than row 0; keep one pair's"
            )
