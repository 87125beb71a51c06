"""FastChat's files of pairwise judgments (gpt-4_pair.jsonl), summed up without a model.

A row is of two games: in the first `model_1` is assistant A, in the second `model_2` is. In the
pairwise-baseline mode `model_2` is the baseline.
"""

from collections import defaultdict

from benchmarks.mt_bench import rows as fields
from benchmarks.mt_bench.rubric import PAIR, read_preference
from benchmarks.mt_bench.scores import Judged, outcome
from benchmarks.mt_bench.tally import Questions, Tally, check_template, tally
from harness.errors import DataError
from harness.types import Decoding, Generation, Prompt, Response, Rows, Unread

_UNKNOWN = Prompt("", (), Decoding(max_tokens=0))
_WINNERS = {"model_1": 1.0, "model_2": 0.0, "tie": 0.5}


def sides(row: fields.Row, number: int, baseline: str) -> tuple[str, str]:
    """Candidate and opponent: the baseline is the opponent wherever the row names it."""
    first, second = fields.text(row, number, "model_1"), fields.text(row, number, "model_2")
    return (second, first) if first == baseline else (first, second)


def by_sides(rows: Rows, baseline: str) -> dict[str, Rows]:
    """The rows of each candidate against the baseline, and of any other two models."""
    found: defaultdict[str, list[fields.Row]] = defaultdict(list)
    for number, row in enumerate(rows):
        candidate, opponent = sides(row, number, baseline)
        name = candidate if opponent == baseline else f"{candidate} vs {opponent}"
        found[name].append(row)
    return dict(found)


def tally_pairs(rows: Rows, questions: Questions, baseline: str) -> Tally:
    """The turns that one candidate won (1.0), lost (0.0) or tied (0.5) against one opponent.

    Raises:
        DataError: The rows are of other pairs too, of several judges, of an unknown question, or
            were asked for by another template than the question's.
    """
    met = {sides(row, number, baseline) for number, row in enumerate(rows)}
    if len(met) != 1:
        came = ", ".join(sorted(" vs ".join(pair) for pair in met)) or "none"
        raise DataError(f"expected judgments of one pair of models, came {came}; keep one pair's")
    ((candidate, opponent),) = met
    said = [judged(row, number, questions, candidate) for number, row in enumerate(rows)]
    found = tally(candidate, rows, said, questions)
    if opponent == baseline:
        return found
    other = f"judged against {opponent}, not against {baseline}"
    return found._replace(doubts=(other, *found.doubts))


def judged(row: fields.Row, number: int, questions: Questions, candidate: str) -> Judged:
    """One row: whether the candidate won, lost or tied a turn."""
    question = questions[fields.question(row, number, questions)]
    turn = fields.turn(row, number)
    check_template(row, number, PAIR, question, turn)
    value = _outcome(game(row, number, 1), game(row, number, 2))
    if isinstance(value, Unread):
        return Judged(question.id, turn, None, value.cause)
    return Judged(question.id, turn, value if row["model_1"] == candidate else 1 - value)


def _outcome(first: float | Unread, second: float | Unread) -> float | Unread:
    """What both games say together; unread when either is."""
    if isinstance(first, Unread):
        return first
    return second if isinstance(second, Unread) else outcome(first, second)


def game(row: fields.Row, number: int, place: int) -> float | Unread:
    """Preference for `model_1` in a game, by the judge's words or else by the file's winner."""
    said = row.get(f"g{place}_judgment")
    if isinstance(said, str):
        second = read_preference(Generation(_UNKNOWN, "", (Response(said),)))
        return second if isinstance(second, Unread) or place == 2 else 1 - second
    winner = fields.text(row, number, f"g{place}_winner")
    return _WINNERS.get(winner, Unread(f"{winner!r:.40} in the file"))
