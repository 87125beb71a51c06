"""Arena-Hard's published files: model_answer and model_judgment, read and written.

A row of model_judgment holds both games of a prompt. In the first, assistant A is the baseline; in
the second, the candidate. `user_prompt` holds both answers; files without it can be rescored, but
say nothing of texts.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks.arena_hard import published
from benchmarks.arena_hard.published import Form, Row, question_of
from benchmarks.arena_hard.rubric import LABELS
from benchmarks.arena_hard.scores import Games
from harness.errors import DataError
from harness.types import (
    Comparison,
    Decoding,
    Generation,
    Item,
    Prompt,
    Recorded,
    Response,
    Rows,
    Verdict,
)

BASELINE = "gpt-4-0314"
FORM = Form("v0.1", "question_id", "gpt-4-1106-preview", LABELS)


def read_outputs(
    rows: Rows, asked: Mapping[str, tuple[str, ...]]
) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Answers by the turns they answer, from model_answer.

    Args:
        rows: As published.
        asked: The turns of every prompt, by question id.

    Raises:
        DataError: A row is of no known question or has no answer, or a question comes twice.
    """
    ids = FORM.ids(rows, asked)
    return {
        asked[one]: (_answer(row, number),)
        for number, (one, row) in enumerate(zip(ids, rows, strict=True))
    }


def write_outputs(generations: Sequence[Generation]) -> list[dict[str, Any]]:
    """Rows of model_answer; a prompt that was never answered has none."""
    return [
        {
            "question_id": question_of(g.prompt),
            "model_id": g.model,
            "choices": [{"index": 0, "turns": [{"content": g.text}]}],
        }
        for g in generations
        if g.failure is None
    ]


def read_judgments(rows: Rows) -> list[Recorded]:
    """The games of model_judgment that hold both the judge's prompt and its answer.

    Raises:
        DataError: A row is not of the published form, or a prompt was answered twice, differently.
    """
    return published.agreed(
        [one for number, row in enumerate(rows) for one in _recorded(row, number)]
    )


def write_judgments(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Rows of model_judgment, from verdicts on both orders; a label for each that was read."""
    return [
        {
            "question_id": question_of(first.comparison.candidate.prompt),
            "model": first.comparison.candidate.model,
            "judge": FORM.judge_written(first.judge),
            "games": [_game(first), _game(second)],
        }
        for first, second in zip(verdicts[::2], verdicts[1::2], strict=True)
    ]


class Judged(NamedTuple):
    """A file of published judgments of one model."""

    model: str
    judge: str
    games: Games
    items: list[Item]


def read_games(rows: Rows, known: Mapping[str, object]) -> Judged:
    """One model's published judgments, by their labels; a missing one is unread.

    Args:
        rows: As published, with or without texts.
        known: The ids of the questions.

    Raises:
        DataError: They are of several models or judges, of an unknown question or of one twice, or
            hold a label that is none.
    """
    ids = FORM.ids(rows, known)
    values = [FORM.preferences(row, number) for number, row in enumerate(rows)]
    return Judged(
        published.same(rows, "model"),
        FORM.judge_name(published.same(rows, "judge")),
        Games(np.repeat(np.arange(len(rows)), 2), np.array(values, np.float64).reshape(-1)),
        [published.item(f"arena_hard/{one}", pair) for one, pair in zip(ids, values, strict=True)],
    )


def _recorded(row: Row, number: int) -> list[Recorded]:
    games = [
        (game["user_prompt"], game["judgment"], swapped)
        for game, swapped in zip(FORM.games(row, number), (False, True), strict=True)
        if game is not None and game.get("user_prompt") and isinstance(game.get("judgment"), str)
    ]
    judge, model = FORM.judge_name(str(row.get("judge"))), str(row.get("model"))
    return [
        Recorded(_comparison(row, number, asked, model, swapped=swapped), Response(said), judge)
        for asked, said, swapped in games
    ]


def _comparison(row: Row, number: int, asked: Any, model: str, *, swapped: bool) -> Comparison:
    """Assistant A's answer as the baseline's, assistant B's as the candidate's."""
    question, *texts = FORM.shown(asked, "user_prompt", number)
    prompt = Prompt(f"arena_hard/{row.get('question_id')}", (question,), Decoding(1))
    sides = [
        Generation(prompt, name, (Response(text),))
        for name, text in zip(
            (model, BASELINE) if swapped else (BASELINE, model), texts, strict=True
        )
    ]
    return Comparison(sides[1], sides[0])


def _game(verdict: Verdict) -> dict[str, Any]:
    raw = verdict.raw
    return {
        "user_prompt": None if raw is None else raw.prompt.turns[0],
        "judgment": None if raw is None else raw.text,
        "score": FORM.label(verdict.value),
    }


def _answer(row: Row, number: int) -> str:
    try:
        content = row["choices"][0]["turns"][0]["content"]
    except (KeyError, IndexError, TypeError):
        content = None
    if not isinstance(content, str):
        raise DataError(
            f"expected a text under 'choices[0].turns[0].content' in row {number} (question "
            f"{row.get('question_id')}), came {content!r:.40}; is this a model_answer file?"
        )
    return content
