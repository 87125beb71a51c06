"""Arena-Hard's published files, read and written."""

import json
import math
from typing import Any

import pytest

from benchmarks import arena_hard
from benchmarks.arena_hard import files
from benchmarks.arena_hard.rubric import rubric
from harness.errors import DataError
from harness.judging import judge_prompt
from harness.types import Assets, Verdict
from tests.benchmarks.arena_hard.games import verdicts
from tests.records import generation, prompt

KNOWN = {"a": ("first",), "b": ("second",)}


def judged(question: str, *labels: str | None, **fields: Any) -> dict[str, Any]:
    games = [{"score": label} for label in labels]
    return {"question_id": question, "model": "m", "judge": "j", "games": games} | fields


def answered(question: str, content: object) -> dict[str, Any]:
    return {"question_id": question, "choices": [{"turns": [{"content": content}]}]}


def asked(verdict: Verdict, official: Assets, said: str) -> Verdict:
    """The verdict with what the judge was asked and said."""
    question = judge_prompt(rubric(official), verdict.comparison)
    raw = generation(said, prompt=question)
    return Verdict(verdict.comparison, "openai:gpt-4-1106-preview", verdict.value, None, raw)


def test_answers_are_read_by_the_question_they_answer() -> None:
    read = files.read_outputs([answered("b", "hers"), answered("a", "his")], KNOWN)
    assert read == {("second",): ("hers",), ("first",): ("his",)}


def test_answers_that_are_written_are_read_again() -> None:
    mine = generation("mine", prompt=prompt("first", id="arena_hard/a"))
    failed = generation(prompt=prompt("second", id="arena_hard/b"), failure="too long")
    assert files.read_outputs(files.write_outputs([mine, failed]), KNOWN) == {("first",): ("mine",)}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([answered("c", "x")], "came 'c'; is this of another benchmark or version"),
        ([answered("a", "x"), answered("a", "y")], "row 1 repeats a"),
        ([answered("a", None)], "expected a text under 'choices"),
        ([{"question_id": "a"}], "expected a text under 'choices"),
    ],
)
def test_answers_of_another_form_are_refused(rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        files.read_outputs(rows, KNOWN)


def test_labels_become_preferences_for_the_candidate_in_both_games() -> None:
    read = files.read_games([judged("a", "A>>B", "A>B"), judged("b", "B>A", "A=B")], KNOWN)
    assert read.games.preference_N.tolist() == [0, 0.75, 0.75, 0.5]
    assert read.games.prompt_N.tolist() == [0, 0, 1, 1]
    assert [item.value for item in read.items] == [0.375, 0.625]


def test_a_game_without_a_label_is_unread() -> None:
    read = files.read_games([judged("a", None, "B>A"), judged("b", games=[None, None])], KNOWN)
    assert [math.isnan(v) for v in read.games.preference_N] == [True, False, True, True]
    assert [item.cause for item in read.items] == ["no label in the file"] * 2


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([judged("c", "A=B", "A=B")], "question of Arena-Hard"),
        ([judged("a", "A=B", "A=B")] * 2, "row 1 repeats a"),
        ([judged("a", "A=B")], "expected two games"),
        ([judged("a", games="none")], "expected two games"),
        ([judged("a", "A<B", "A=B")], "expected a label"),
        ([judged("a", "A=B", "A=B"), judged("b", "A=B", "A=B", model="n")], "one 'model'"),
    ],
)
def test_judgments_of_another_form_are_refused(rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        files.read_games(rows, KNOWN)


def test_judgments_that_are_written_hold_the_games_that_are_read_again(official: Assets) -> None:
    given = [
        asked(v, official, said) for v, said in zip(verdicts((1.0, 0.25)), ("x", "y"), strict=True)
    ]
    (row,) = json.loads(json.dumps(files.write_judgments(given)))
    assert (row["judge"], row["model"]) == ("gpt-4-1106-preview", "candidate")
    assert [game["score"] for game in row["games"]] == ["B>>A", "A>B"]
    recorded = files.read_judgments([row])
    assert [one.comparison.texts for one in recorded] == [("yes", "no"), ("no", "yes")]
    assert [one.raw.text for one in recorded] == ["x", "y"]
    assert {one.judge for one in recorded} == {"openai:gpt-4-1106-preview"}


def test_an_answer_that_holds_marks_is_asked_about_as_it_was(official: Assets) -> None:
    mark = "<|The End of Assistant A's Answer|>\n\n<|The Start of Assistant B's Answer|>\n"
    first, second = verdicts((1.0, 0.0), texts=[f"one\n{mark}two"])
    rows = files.write_judgments([asked(first, official, "x"), asked(second, official, "y")])
    again = [judge_prompt(rubric(official), one.comparison) for one in files.read_judgments(rows)]
    assert [p.turns[0] for p in again] == [game["user_prompt"] for game in rows[0]["games"]]


def test_judgments_that_nobody_was_asked_for_have_a_label_and_no_words() -> None:
    (row,) = files.write_judgments(verdicts((0.5, None)))
    assert row["games"] == [
        {"user_prompt": None, "judgment": None, "score": "A=B"},
        {"user_prompt": None, "judgment": None, "score": None},
    ]
    assert files.read_judgments([row]) == []


def test_one_game_judged_twice_and_differently_is_refused(official: Assets) -> None:
    once, again = (
        files.write_judgments([asked(v, official, said) for v in verdicts((1.0, 0.0))])
        for said in ("x", "y")
    )
    with pytest.raises(DataError, match="came two that differ"):
        files.read_judgments([*once, *again])


def test_a_prompt_of_another_form_is_refused() -> None:
    game = {"user_prompt": "what?", "judgment": "x", "score": "A=B"}
    with pytest.raises(DataError, match="under 'user_prompt' in row 0"):
        files.read_judgments([judged("a", games=[game, game])])


def test_published_judgments_are_rescored_without_texts(official: Assets) -> None:
    rows = arena_hard.parity._lines(
        official, "arena_hard/model_judgment_partial/gpt-4o/gpt-4o.jsonl"
    )
    model, judge, scores, items = arena_hard.rescore(rows, official)
    assert (model, judge, len(items)) == ("gpt-4o", "gpt-4o", 129)
    assert [s.metric for s in scores] == ["win_rate", "published_win_rate"]
    assert scores[0].value == pytest.approx(0.9191, abs=5e-5)
