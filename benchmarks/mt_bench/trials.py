"""Published ratings of gpt-4, for another judge to be tried on.

Of 69 models gpt-4's ratings are published; of the four here the answers are, too.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from benchmarks.mt_bench import files, singles
from benchmarks.mt_bench.questions import QUESTIONS, load_questions
from harness.rows import parse_rows
from harness.trials.cases import Case, Trial
from harness.types import Assets, Generation, Response

MODELS = ("mistral-orpo-capybara", "mistral-orpo-mix", "mistral-orpo-trl", "mistral-orpo")
TURNS = (0, 1)

Place = tuple[int, int]
"""A question's number and a turn of it, from 0."""


class _Published(NamedTuple):
    """One model's answers and what they were rated."""

    model: str
    answers: Mapping[tuple[str, ...], tuple[str, ...]]
    ratings: Mapping[Place, float]


def cases(assets: Assets) -> list[Case]:
    """A case for each turn of each question: four models' answers with gpt-4's ratings.

    An answer whose rating is unread is left out, and of several ratings the first counts.

    Raises:
        DataError: A file is not of the published form.
    """
    published = [_published(model, assets) for model in MODELS]
    found = []
    for question in load_questions(assets):
        for turn in TURNS:
            rated = [one for one in published if (question.id, turn) in one.ratings]
            answers = [
                Generation(
                    question.prompt, one.model, tuple(map(Response, one.answers[question.turns]))
                )
                for one in rated
            ]
            ratings = tuple(one.ratings[question.id, turn] for one in rated)
            found.append(Case(tuple(answers), ratings=ratings, turn=turn))
    return [case for case in found if len(case.answers) > 1]


def _published(model: str, assets: Assets) -> _Published:
    rows = parse_rows(assets.read(_answers(model)), _answers(model))
    return _Published(model, files.read_outputs(rows, assets), dict(_ratings(model, assets)))


def _ratings(model: str, assets: Assets) -> Iterator[tuple[Place, float]]:
    """The last is the one that counts in a mapping, so they come backwards."""
    questions = {one.id: one for one in load_questions(assets)}
    rows = parse_rows(assets.read(_judgments(model)), _judgments(model))
    for number, row in reversed(list(enumerate(rows))):
        said = singles.judged(row, number, questions)
        if said.value is not None:
            yield (said.question, said.turn), said.value


def _answers(model: str) -> str:
    return f"mt_bench/model_answer_forks/{model}.jsonl"


def _judgments(model: str) -> str:
    return f"mt_bench/model_judgment/gpt-4_single/{model}.jsonl"


TRIALS = (
    Trial(
        name="mt_bench@original",
        title="MT-Bench, both turns of four models",
        gold="openai:gpt-4",
        load=cases,
        rubric="mt_bench@original",
        assets=(QUESTIONS, *map(_answers, MODELS), *map(_judgments, MODELS)),
        top=10,
    ),
)
"""What `run_eval.py judge-eval` finds here."""
