"""MT-Bench in little: two questions, templates in our own words, and rows of files in one line."""

from typing import Any

from benchmarks.mt_bench.questions import ORIGINAL_REFERENCES, QUESTIONS, Question
from benchmarks.mt_bench.rubric import TEMPLATES
from harness.types import Generation
from tests.records import generation
from tests.shelf import Shelf

PLAIN = Question(81, "writing", ("Write.", "Shorter."))
MATHS = Question(111, "math", ("1 + 1?", "Plus 1?"))
QUESTIONS_BY_ID = {one.id: one for one in (PLAIN, MATHS)}

_SINGLE = "Q {question} A {answer}."
_SINGLE_2 = "Q {question_1} A {answer_1} Q {question_2} A {answer_2}."
_PAIR = "Q {question} A {answer_a} B {answer_b}."
_PAIR_2 = "Q {question_1} {question_2} A {answer_a_1} {answer_a_2} B {answer_b_1} {answer_b_2}."
_USER = {
    "single-v1": _SINGLE,
    "single-math-v1": f"R {{ref_answer_1}} {_SINGLE}",
    "single-v1-multi-turn": _SINGLE_2,
    "single-math-v1-multi-turn": f"R {{ref_answer_1}} {{ref_answer_2}} {_SINGLE_2}",
    "pair-v2": _PAIR,
    "pair-math-v1": f"R {{ref_answer_1}} {_PAIR}",
    "pair-v2-multi-turn": _PAIR_2,
    "pair-math-v1-multi-turn": f"R {{ref_answer_1}} {{ref_answer_2}} {_PAIR_2}",
}


def answer_row(question: int = 81, *turns: str, **changes: Any) -> dict[str, Any]:
    """A row of a file of answers."""
    said = list(turns or ("first", "second"))
    plain = {"question_id": question, "model_id": "mine", "choices": [{"index": 0, "turns": said}]}
    return {**plain, **changes}


SHELF = (
    Shelf()
    .put(
        QUESTIONS,
        [{"question_id": q.id, "category": q.category, "turns": q.turns} for q in (PLAIN, MATHS)],
    )
    .put(
        TEMPLATES,
        [
            {"name": name, "system_prompt": f"Judge by {name}.", "prompt_template": user}
            for name, user in _USER.items()
        ],
    )
    .put(ORIGINAL_REFERENCES, [answer_row(111, "2", "3")])
)
"""The official files, in little."""


def single(said: str | None = "[[7]]", turn: int = 1, **changes: Any) -> dict[str, Any]:
    """A row of single-answer judgments of question 81."""
    template = "single-v1" if turn == 1 else "single-v1-multi-turn"
    plain = {"question_id": 81, "model": "mine", "judge": ["gpt-4", template], "turn": turn}
    return {**plain, "judgment": said, "score": 7, **changes}


def pair(
    first: str | None = "[[A]]", second: str | None = "[[B]]", **changes: Any
) -> dict[str, Any]:
    """A row of pairwise judgments of question 81: two games, which the first model wins."""
    plain: dict[str, Any] = {"question_id": 81, "model_1": "mine", "model_2": "gpt-3.5-turbo"}
    said = {"g1_judgment": first, "g2_judgment": second}
    won = {"g1_winner": "model_1", "g2_winner": "model_1"}
    return {**plain, **won, "judge": ["gpt-4", "pair-v2"], **said, "turn": 1, **changes}


def answered(question: Question = PLAIN, *texts: str, **fields: Any) -> Generation:
    """An answer to a question; a failure without texts."""
    return generation(*texts, prompt=question.prompt, **fields)
