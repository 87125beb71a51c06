"""Arena-Hard's published files: model_answer and model_judgment, read and written.

A row of model_judgment holds both games of a prompt. In the first, assistant A is the baseline; in
the second, the candidate. `user_prompt` holds both answers; files without it can be rescored, but
say nothing of texts.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

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
JUDGE = "gpt-4-1106-preview"

Row = Mapping[str, Any]

_SHOWN = re.compile(
    r"<\|User Prompt\|>\n(.*?)\n\n"
    r"<\|The Start of Assistant A's Answer\|>\n(.*)\n<\|The End of Assistant A's Answer\|>\n\n"
    r"<\|The Start of Assistant B's Answer\|>\n(.*)\n<\|The End of Assistant B's Answer\|>",
    re.DOTALL,
)
"""Where `user_prompt` holds the question and both answers. Where an answer holds such marks itself
the parts may be others, but put together again they are the same."""


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
    answers: dict[tuple[str, ...], tuple[str, ...]] = {}
    for number, row in enumerate(rows):
        turns = asked[_question(row, number, asked)]
        if turns in answers:
            raise DataError(
                f"expected each question once, row {number} repeats {row['question_id']}; "
                f"keep one answer for each"
            )
        answers[turns] = (_answer(row, number),)
    return answers


def write_outputs(generations: Sequence[Generation]) -> list[dict[str, Any]]:
    """Rows of model_answer; a prompt that was never answered has none."""
    return [
        {
            "question_id": _id(g.prompt),
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
    found = [one for number, row in enumerate(rows) for one in _recorded(row, number)]
    answers: dict[tuple[object, ...], str] = {}
    for comparison, raw, judge in found:
        question = judge, comparison.candidate.prompt.turns, comparison.texts
        if answers.setdefault(question, raw.text) != raw.text:
            raise DataError(
                f"expected one judgment of each game, came two that differ of question "
                f"{_id(comparison.candidate.prompt)}; keep one"
            )
    return found


def write_judgments(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Rows of model_judgment, from verdicts on both orders; a label for each that was read."""
    return [
        {
            "question_id": _id(first.comparison.candidate.prompt),
            "model": first.comparison.candidate.model,
            "judge": JUDGE if first.judge == f"openai:{JUDGE}" else first.judge,
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
    ids = [_question(row, number, known) for number, row in enumerate(rows)]
    repeated = [number for number, one in enumerate(ids) if one in ids[:number]]
    if repeated:
        raise DataError(
            f"expected each question once, row {repeated[0]} repeats {ids[repeated[0]]}; "
            f"keep one judgment for each"
        )
    values = [_preferences(row, number) for number, row in enumerate(rows)]
    return Judged(
        _same(rows, "model"),
        judge_name(_same(rows, "judge")),
        Games(np.repeat(np.arange(len(rows)), 2), np.array(values, np.float64).reshape(-1)),
        [_item(one, pair) for one, pair in zip(ids, values, strict=True)],
    )


def judge_name(written: str) -> str:
    """A judge as we name it: the official one is written without its provider."""
    return f"openai:{written}" if written == JUDGE else written


def _item(question_id: str, values: Sequence[float]) -> Item:
    if any(map(np.isnan, values)):
        return Item(f"arena_hard/{question_id}", None, "no label in the file")
    return Item(f"arena_hard/{question_id}", sum(values) / 2, None)


def _preferences(row: Row, number: int) -> tuple[float, float]:
    """For the candidate, in both games; NaN where there is no label."""
    first, second = (_label(game, number) for game in _games(row, number))
    return first, 1 - second


def _label(game: Row | None, number: int) -> float:
    label = None if game is None else game.get("score")
    if label is None:
        return np.nan
    if label not in LABELS:
        raise DataError(
            f"expected a label, one of {', '.join(LABELS)}, or null under 'score' in row {number}, "
            f"came {label!r:.40}; are these judgments of Arena-Hard v0.1?"
        )
    return LABELS[label]


def _games(row: Row, number: int) -> Sequence[Row | None]:
    games = row.get("games")
    if (
        not isinstance(games, list)
        or len(games) != 2
        or not all(game is None or isinstance(game, Mapping) for game in games)
    ):
        raise DataError(
            f"expected two games under 'games' in row {number}, came {games!r:.40}; are these "
            f"judgments of Arena-Hard v0.1, in both orders?"
        )
    return games


def _recorded(row: Row, number: int) -> list[Recorded]:
    games = [
        (game["user_prompt"], game["judgment"], swapped)
        for game, swapped in zip(_games(row, number), (False, True), strict=True)
        if game is not None and game.get("user_prompt") and isinstance(game.get("judgment"), str)
    ]
    judge, model = judge_name(str(row.get("judge"))), str(row.get("model"))
    return [
        Recorded(_comparison(row, number, asked, model, swapped=swapped), Response(said), judge)
        for asked, said, swapped in games
    ]


def _comparison(row: Row, number: int, asked: Any, model: str, *, swapped: bool) -> Comparison:
    """Assistant A's answer as the baseline's, assistant B's as the candidate's."""
    shown = _SHOWN.fullmatch(asked) if isinstance(asked, str) else None
    if shown is None:
        raise DataError(
            f"expected a question and two answers under 'user_prompt' in row {number}, came "
            f"{asked!r:.40}; are these judgments of Arena-Hard v0.1?"
        )
    prompt = Prompt(f"arena_hard/{row.get('question_id')}", (shown[1],), Decoding(1))
    sides = [
        Generation(prompt, name, (Response(text),))
        for name, text in zip(
            (model, BASELINE) if swapped else (BASELINE, model), shown.groups()[1:], strict=True
        )
    ]
    return Comparison(sides[1], sides[0])


def _game(verdict: Verdict) -> dict[str, Any]:
    raw = verdict.raw
    return {
        "user_prompt": None if raw is None else raw.prompt.turns[0],
        "judgment": None if raw is None else raw.text,
        "score": None if verdict.value is None else _nearest(verdict.value),
    }


def _nearest(value: float) -> str:
    return min(LABELS, key=lambda label: abs(LABELS[label] - value))


def _question(row: Row, number: int, known: Mapping[str, object]) -> str:
    value = row.get("question_id")
    if not isinstance(value, str) or value not in known:
        raise DataError(
            f"expected a question of Arena-Hard v0.1 in row {number}, came {value!r:.40}; "
            f"is this of another benchmark or version?"
        )
    return value


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


def _same(rows: Rows, key: str) -> str:
    names = list(dict.fromkeys(str(row.get(key)) for row in rows))
    if len(names) != 1:
        raise DataError(
            f"expected judgments of one '{key}', came {', '.join(names[:3])}; "
            f"give each a file of its own"
        )
    return names[0]


def _id(prompt: Prompt) -> str:
    return prompt.id.rsplit("/", 1)[-1]
