"""Arena-Hard v2.0's published files: model_answer and model_judgment, read and written.

A row of model_judgment holds both games of a prompt. In the first, assistant A is the baseline; in
the second, the candidate.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks.arena_hard import published
from benchmarks.arena_hard.published import Form, Row, question_of
from benchmarks.arena_hard.scores import Games
from benchmarks.arena_hard.v2.questions import (
    VERSION,
    Question,
    category_of,
    load_questions,
    prompt_id,
)
from benchmarks.arena_hard.v2.rubric import ALL_LABELS
from harness.errors import DataError
from harness.types import (
    Assets,
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

FORM = Form(VERSION, "uid", "gpt-4.1", ALL_LABELS)


def read_outputs(rows: Rows, assets: Assets) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Answers by the turns they answer, from model_answer.

    Raises:
        DataError: A row is of no known question or has no answer, or a question comes twice.
    """
    known = load_questions(assets)
    uids = FORM.ids(rows, known)
    return {
        (known[uid].text,): (answer(row, number),)
        for number, (uid, row) in enumerate(zip(uids, rows, strict=True))
    }


def answer(row: Row, number: int) -> str:
    """The answer of a row of model_answer.

    Raises:
        DataError: There is none.
    """
    try:
        content = row["messages"][-1]["content"]["answer"]
    except (KeyError, IndexError, TypeError):
        content = None
    if not isinstance(content, str):
        raise DataError(
            f"expected a text under 'messages[-1].content.answer' in row {number} (question "
            f"{row.get('uid')}), came {content!r:.40}; is this a model_answer file?"
        )
    return content


def write_outputs(generations: Sequence[Generation]) -> list[dict[str, Any]]:
    """Rows of model_answer; a prompt that was never answered has none."""
    return [
        {
            "uid": question_of(g.prompt),
            "model": g.model,
            "messages": [
                {"role": "user", "content": g.prompt.turns[0]},
                {"role": "assistant", "content": {"answer": g.text}},
            ],
        }
        for g in generations
        if g.failure is None
    ]


def read_judgments(rows: Rows, _assets: Assets) -> list[Recorded]:
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
        _row(first, second) for first, second in zip(verdicts[::2], verdicts[1::2], strict=True)
    ]


class Judged(NamedTuple):
    """A file of published judgments of one model."""

    model: str
    judge: str
    games: Games
    category_c: list[str]
    """Of every prompt."""
    items: list[Item]


def read_games(rows: Rows, known: Mapping[str, Question]) -> Judged:
    """One model's published judgments, by their labels; a missing one is unread.

    Args:
        rows: As published, with or without texts.
        known: The questions by uid.

    Raises:
        DataError: They are of several models or judges, of an unknown question or of one twice, or
            hold a label that is none.
    """
    questions = [known[uid] for uid in FORM.ids(rows, known)]
    values = [FORM.preferences(row, number) for number, row in enumerate(rows)]
    return Judged(
        published.same(rows, "model"),
        FORM.judge_name(published.same(rows, "judge")),
        Games(np.repeat(np.arange(len(rows)), 2), np.array(values, np.float64).reshape(-1)),
        [one.category for one in questions],
        [published.item(one.prompt.id, pair) for one, pair in zip(questions, values, strict=True)],
    )


def said(game: Row | None) -> str | None:
    """The judge's words in a game; None where they were not kept."""
    judgment = None if game is None else game.get("judgment")
    words = judgment.get("answer") if isinstance(judgment, Mapping) else None
    return words if isinstance(words, str) else None


def _recorded(row: Row, number: int) -> list[Recorded]:
    sides = str(row.get("baseline")), str(row.get("model"))
    found = zip(FORM.games(row, number), (sides, sides[::-1]), strict=True)
    return [
        Recorded(
            _comparison(row, number, game, names),
            Response(words),
            FORM.judge_name(str(row.get("judge"))),
        )
        for game, names in found
        if game is not None and game.get("prompt") and (words := said(game)) is not None
    ]


def _comparison(row: Row, number: int, game: Row, names: tuple[str, str]) -> Comparison:
    """Assistant A's answer as the baseline's, assistant B's as the candidate's."""
    try:
        asked = game["prompt"][-1]["content"]
    except (KeyError, IndexError, TypeError):
        asked = None
    question, *texts = FORM.shown(asked, "prompt[-1].content", number)
    name = prompt_id(row.get("category"), row.get("uid"))
    prompt = Prompt(name, (question,), Decoding(1))
    first, second = (
        Generation(prompt, who, (Response(text),)) for who, text in zip(names, texts, strict=True)
    )
    return Comparison(second, first)


def _row(first: Verdict, second: Verdict) -> dict[str, Any]:
    candidate, baseline = first.comparison.candidate, first.comparison.baseline
    return {
        "uid": question_of(candidate.prompt),
        "category": category_of(candidate.prompt),
        "judge": FORM.judge_written(first.judge),
        "model": candidate.model,
        "baseline": None if baseline is None else baseline.model,
        "games": [_game(first), _game(second)],
    }


def _game(verdict: Verdict) -> dict[str, Any]:
    raw = verdict.raw
    return {
        "score": FORM.label(verdict.value),
        "judgment": None if raw is None else {"answer": raw.text},
        "prompt": None if raw is None else _messages(raw.prompt),
    }


def _messages(prompt: Prompt) -> list[dict[str, str]]:
    system = [] if prompt.system is None else [{"role": "system", "content": prompt.system}]
    return [*system, {"role": "user", "content": prompt.turns[0]}]
