"""FastChat's files of answers and judgments, as records of ours and back.

A file of judgments can be matched with answers only where it keeps what the judge was asked
(`user_prompt`); the answers are found again in there by the official templates.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.mt_bench import rows as fields
from benchmarks.mt_bench.questions import Question, load_questions, question_id
from benchmarks.mt_bench.rubric import PAIR, SINGLE, Questioning, judged_turn
from benchmarks.mt_bench.tally import UNNAMED, check_template
from harness.errors import DataError
from harness.types import (
    Assets,
    Comparison,
    Generation,
    Recorded,
    Response,
    Rows,
    Verdict,
)

Turns = tuple[str, ...]


def read_outputs(rows: Rows, assets: Assets) -> dict[Turns, Turns]:
    """One model's answers by both turns of their question; a failed call is no answer.

    Raises:
        DataError: A row is of an unknown question, lacks a turn, repeats a question, or the rows
            are of several models.
    """
    questions = {one.id: one for one in load_questions(assets)}
    models = {fields.text(row, number, "model_id") for number, row in enumerate(rows)}
    if len(models) > 1:
        raise DataError(
            f"expected answers of one model, came {', '.join(sorted(models))}; keep one model's"
        )
    answers: dict[Turns, Turns] = {}
    for number, row in enumerate(rows):
        question = questions[fields.question(row, number, questions)]
        if question.turns in answers:
            raise DataError(
                f"expected each question once, row {number} repeats question {question.id}; was "
                f"the file appended to by a second run? keep one answer for each"
            )
        answers[question.turns] = fields.turns(row, number, len(question.turns))
    return {asked: said for asked, said in answers.items() if not fields.FAILED & set(said)}


def write_outputs(generations: Sequence[Generation]) -> list[dict[str, Any]]:
    """Rows of a model_answer file; a prompt that was never answered has none."""
    return [
        {
            "question_id": question_id(one.prompt),
            "answer_id": _digest(one),
            "model_id": one.model,
            "choices": [{"index": 0, "turns": [response.text for response in one.responses]}],
        }
        for one in generations
        if one.failure is None
    ]


def read_singles(rows: Rows, assets: Assets, references: str) -> list[Recorded]:
    """The rows of a file of single-answer judgments that say what the judge was asked.

    Raises:
        DataError: A row was asked otherwise than by these templates and reference answers, or a
            question was answered twice and differently.
    """
    asked = _Asked(SINGLE, references, assets)
    return _one_answer_each(
        asked.recorded(row, number, "user_prompt", "judgment", ("model",))
        for number, row in enumerate(rows)
        if _says(row, "user_prompt", "judgment")
    )


def read_pairs(rows: Rows, assets: Assets, references: str) -> list[Recorded]:
    """The games of a file of pairwise judgments that say what the judge was asked.

    Raises:
        DataError: As `read_singles`.
    """
    asked = _Asked(PAIR, references, assets)
    games = {"g1_": ("model_2", "model_1"), "g2_": ("model_1", "model_2")}
    return _one_answer_each(
        asked.recorded(row, number, f"{game}user_prompt", f"{game}judgment", sides)
        for number, row in enumerate(rows)
        for game, sides in games.items()
        if _says(row, f"{game}user_prompt", f"{game}judgment")
    )


class _Asked:
    """Finds the answers again in what a judge was asked."""

    def __init__(self, kind: str, references: str, assets: Assets) -> None:
        self._kind = kind
        self._questioning = Questioning.load(kind, references, assets)
        self._questions = {one.id: one for one in load_questions(assets)}
        self._references = references

    def recorded(
        self, row: fields.Row, number: int, asked: str, said: str, sides: tuple[str, ...]
    ) -> Recorded:
        """A judgment with the comparison that it is about.

        Args:
            row: Of a file of judgments.
            number: Of the row, for errors.
            asked: The key of what the judge was asked.
            said: The key of what it said.
            sides: The keys of the candidate's name and of the baseline's, if there is one.
        """
        question = self._questions[fields.question(row, number, self._questions)]
        turn = fields.turn(row, number)
        check_template(row, number, self._kind, question, turn)
        answers = self._questioning.answers_in(row[asked], question.turns, turn)
        if answers is None:
            raise DataError(
                f"expected '{asked}' in row {number} to ask about question {question.id} by the "
                f"official template with the answers of {self._references}, it does not; was it "
                f"judged with other references or templates?"
            )
        marks = ("_b", "_a") if len(sides) == 2 else ("",)
        candidate, *baseline = (
            _generation(question, fields.text(row, number, side), answers, mark)
            for side, mark in zip(sides, marks, strict=True)
        )
        shown = Comparison(candidate, baseline[0] if baseline else None, turn)
        judge = fields.judge(row)
        return Recorded(shown, Response(row[said]), UNNAMED if judge is None else judge[0])


def _generation(
    question: Question, model: str, answers: Mapping[str, str], mark: str
) -> Generation:
    """A side's responses as far as the judge saw them."""
    slots = [slot for slot in answers if re.fullmatch(f"answer{mark}(_[12])?", slot)]
    texts = [answers[slot] for slot in sorted(slots)]
    return Generation(question.prompt, model, tuple(map(Response, texts)))


def _says(row: fields.Row, *keys: str) -> bool:
    """Whether the row keeps these texts, and none is a failed call's."""
    return all(isinstance(row.get(key), str) and row[key] not in fields.FAILED for key in keys)


def _one_answer_each(recorded: Iterable[Recorded]) -> list[Recorded]:
    kept = list(recorded)
    said: dict[Comparison, str] = {}
    for one in kept:
        if said.setdefault(one.comparison, one.raw.text) != one.raw.text:
            raise DataError(
                f"expected one judgment of each answer, turn {one.comparison.turn + 1} of "
                f"{one.comparison.candidate.prompt.id} by {one.comparison.candidate.model} has "
                f"two that differ; keep one"
            )
    return kept


def write_singles(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Rows of a file of single-answer judgments; an unread verdict has the score -1, as upstream's.

    Of a judge that asks several times or several others, each vote that was given is a row.
    """
    return [
        {
            "question_id": question_id(one.comparison.candidate.prompt),
            "model": one.comparison.candidate.model,
            **_judged_by(one),
            "user_prompt": _asked(one),
            "judgment": _said(one),
            "score": -1 if one.value is None else one.value,
            "turn": judged_turn(one.comparison) + 1,
        }
        for verdict in verdicts
        for one in verdict.votes or (verdict,)
    ]


def write_pairs(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Rows of a file of pairwise judgments: two games each, as candidate and as baseline."""
    return [
        _pair_row(there, back) for there, back in zip(verdicts[::2], verdicts[1::2], strict=True)
    ]


def _pair_row(there: Verdict, back: Verdict) -> dict[str, Any]:
    """The second game first: there the candidate is assistant A."""
    candidate, baseline = there.comparison.candidate, there.comparison.baseline
    return {
        "question_id": question_id(candidate.prompt),
        "model_1": candidate.model,
        "model_2": baseline.model if baseline else None,
        "g1_winner": _winner(back.value, first="model_2", second="model_1"),
        "g2_winner": _winner(there.value, first="model_1", second="model_2"),
        **_judged_by(there),
        "g1_user_prompt": _asked(back),
        "g1_judgment": _said(back),
        "g2_user_prompt": _asked(there),
        "g2_judgment": _said(there),
        "turn": judged_turn(there.comparison) + 1,
    }


def _winner(value: float | None, first: str, second: str) -> str:
    """Who is preferred, where `first` is the side whose preference the value is."""
    if value is None:
        return "error"
    return "tie" if value == 0.5 else first if value > 0.5 else second


def _judged_by(verdict: Verdict) -> dict[str, list[str]]:
    """The judge with the template that it was asked by, where it was asked."""
    template = verdict.raw.prompt.id.rsplit("/", 1)[1] if verdict.raw else ""
    return {"judge": [fields.written_judge(verdict.judge), template]} if template else {}


def _asked(verdict: Verdict) -> str | None:
    return verdict.raw.prompt.turns[0] if verdict.raw else None


def _said(verdict: Verdict) -> str | None:
    return verdict.raw.text if verdict.raw and verdict.raw.responses else None


def _digest(generation: Generation) -> str:
    """An id that the same answer always has."""
    said = repr([generation.model, generation.prompt.id, *(r.text for r in generation.responses)])
    return hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest()[:22]
