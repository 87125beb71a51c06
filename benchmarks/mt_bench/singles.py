"""FastChat's files of single-answer judgments (gpt-4_single.jsonl), summed up without a model."""

from collections import defaultdict

from benchmarks.mt_bench import rows as fields
from benchmarks.mt_bench.rubric import SINGLE, read_rating
from benchmarks.mt_bench.scores import Judged
from benchmarks.mt_bench.tally import Questions, Tally, check_template, tally
from harness.errors import DataError
from harness.types import Decoding, Generation, Prompt, Response, Rows, Unread

_UNKNOWN = Prompt("", (), Decoding(max_tokens=0))


def by_model(rows: Rows) -> dict[str, Rows]:
    """The rows of each model that a file is of, in order of appearance.

    Raises:
        DataError: A row does not say its model.
    """
    found: defaultdict[str, list[fields.Row]] = defaultdict(list)
    for number, row in enumerate(rows):
        found[fields.text(row, number, "model")].append(row)
    return dict(found)


def tally_singles(rows: Rows, questions: Questions) -> Tally:
    """The ratings of the one model that the rows are of, read anew from the judge's words.

    Raises:
        DataError: They are of several models or judges, of an unknown question, or were asked for
            by another template than the question's.
    """
    models = by_model(rows)
    if len(models) != 1:
        raise DataError(
            f"expected judgments of one model, came {', '.join(sorted(models)) or 'none'}; "
            f"keep one model's rows"
        )
    said = [judged(row, number, questions) for number, row in enumerate(rows)]
    return tally(next(iter(models)), rows, said, questions)


def judged(row: fields.Row, number: int, questions: Questions) -> Judged:
    """One row: whose turn was rated how."""
    question = questions[fields.question(row, number, questions)]
    turn = fields.turn(row, number)
    check_template(row, number, SINGLE, question, turn)
    value = rating(row, number)
    if isinstance(value, Unread):
        return Judged(question.id, turn, None, value.cause)
    return Judged(question.id, turn, value)


def rating(row: fields.Row, number: int) -> float | Unread:
    """The rating by the judge's words; by the file's number where it does not keep them."""
    if isinstance(row.get("judgment"), str):
        said = row["judgment"]
    else:
        said = f"[[{fields.score(row, number)}]]"
    return read_rating(Generation(_UNKNOWN, "", (Response(said),)))
