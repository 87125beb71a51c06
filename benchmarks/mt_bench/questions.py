"""MT-Bench's questions, and the reference answers that some categories are judged by.

Source: lm-sys/FastChat@0e6d3e4, `fastchat/llm_judge/common.py`, for the temperatures and for which
categories need references.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from harness.errors import DataError
from harness.rows import parse_rows
from harness.types import Assets, Decoding, Prompt

QUESTIONS = "mt_bench/question.jsonl"
ORIGINAL_REFERENCES = "mt_bench/reference_answer_gpt-4.jsonl"
CORRECTED_REFERENCES = "mt_bench/reference_answer_gpt-4-0125-preview.jsonl"

TEMPERATURES = {
    "writing": 0.7,
    "roleplay": 0.7,
    "reasoning": 0.0,
    "math": 0.0,
    "coding": 0.0,
    "extraction": 0.0,
    "stem": 0.1,
    "humanities": 0.1,
}
"""The eight categories in the order of the questions, each with its sampling temperature."""

NEED_REFERENCES = frozenset({"math", "reasoning", "coding"})
"""Categories whose answers the judge compares with reference answers."""

MAX_TOKENS = 1024

Turns = tuple[str, ...]


class Question(NamedTuple):
    """One question of two turns."""

    id: int
    category: str
    turns: Turns

    @property
    def needs_references(self) -> bool:
        """Whether the judge is shown reference answers."""
        return self.category in NEED_REFERENCES

    @property
    def prompt(self) -> Prompt:
        """What a model is asked, sampled as its category is."""
        decoding = Decoding(MAX_TOKENS, temperature=TEMPERATURES[self.category])
        return Prompt(f"mt_bench/{self.id}", self.turns, decoding)


def question_id(prompt: Prompt) -> int:
    """The number of the question that a prompt asks."""
    return int(prompt.id.rsplit("/", 1)[1])


def load_questions(assets: Assets) -> list[Question]:
    """The 80 questions in official order."""
    return [
        Question(row["question_id"], row["category"], tuple(row["turns"]))
        for row in parse_rows(assets.read(QUESTIONS), QUESTIONS)
    ]


def load(assets: Assets) -> list[Prompt]:
    """The 80 prompts in official order."""
    return [question.prompt for question in load_questions(assets)]


class References(NamedTuple):
    """Reference answers, with what tells them from others."""

    answers: Mapping[Turns, Turns]
    """Both turns of the answer, by both turns of the question."""
    digest: str
    """SHA-256 of the official file."""


def load_references(name: str, assets: Assets) -> References:
    """The reference answers of an official file.

    Raises:
        DataError: A question whose category needs one has none for both of its turns.
    """
    content = assets.read(name)
    answers = {row["question_id"]: _turns(row) for row in parse_rows(content, name)}
    needing = [one for one in load_questions(assets) if one.needs_references]
    for question in needing:
        if len(answers.get(question.id, ())) < len(question.turns):
            raise DataError(
                f"expected a reference answer to both turns of question {question.id} "
                f"({question.category}) in {name}, came {len(answers.get(question.id, ()))}; "
                f"the judge cannot be asked about it without"
            )
    found = {question.turns: answers[question.id] for question in needing}
    return References(found, hashlib.sha256(content).hexdigest())


def _turns(row: Mapping[str, Any]) -> Turns:
    return tuple(row["choices"][0]["turns"])
