"""Vicuna-bench in little: two questions, templates in our own words, and rows in one line."""

from typing import Any

from benchmarks.vicuna_bench import BASELINE_ANSWERS
from benchmarks.vicuna_bench.files import prompt
from benchmarks.vicuna_bench.rubric import QUESTIONS, REVIEWERS, TEMPLATES, Question
from harness.types import Generation
from tests.records import generation
from tests.shelf import Shelf

PLAIN = Question(1, "generic", "How?")
CODE = Question(61, "coding", "Sort.")


def _template(number: int, wanted: str) -> dict[str, Any]:
    user = "Q {question} 1 {answer_1} 2 {answer_2} {prompt}"
    plain = {"prompt_id": number, "system_prompt": "Check.", "prompt_template": user}
    return {**plain, "defaults": {"prompt": wanted}}


def _reviewer(number: int, category: str) -> dict[str, Any]:
    said = {"temperature": 0.2, "max_tokens": 1024}
    name = f"reviewer-{category}"
    return {"reviewer_id": name, "prompt_id": number, "metadata": said, "category": category}


SHELF = (
    Shelf()
    .put(
        QUESTIONS,
        [{"question_id": q.id, "category": q.category, "turns": [q.text]} for q in (PLAIN, CODE)],
    )
    .put(TEMPLATES, [_template(1, "Score."), _template(2, "Score {code}.")])
    .put(REVIEWERS, [_reviewer(1, "general"), _reviewer(2, "coding")])
    .put(BASELINE_ANSWERS, [{"question_id": q.id, "text": "base"} for q in (PLAIN, CODE)])
)
"""The official files, in little."""


def review(said: str | None = "8 9", number: int = 1, **changes: Any) -> dict[str, Any]:
    """A row of a review, as published."""
    return {"question_id": number, "text": said, "score": [8.0, 9.0], **changes}


def named(said: str = "8 9", number: int = 1, *, turned: bool = False) -> dict[str, Any]:
    """A row of a review of ours: the baseline is shown first unless the pair is turned round."""
    first, second = ("mine", "gpt-3.5-turbo") if turned else ("gpt-3.5-turbo", "mine")
    return review(said, number, model_1=first, model_2=second, judge="openai:gpt-4")


def answered(question: Question = PLAIN, *texts: str, **fields: Any) -> Generation:
    """An answer to a question; a failure without a text."""
    return generation(*texts, prompt=prompt(question), **fields)
