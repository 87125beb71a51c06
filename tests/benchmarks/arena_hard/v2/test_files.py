"""v2.0's published files, read and written."""

import json
import math
from typing import Any

import pytest

from benchmarks.arena_hard.v2 import files
from benchmarks.arena_hard.v2.questions import load_questions
from benchmarks.arena_hard.v2.rubric import rubric
from harness.errors import DataError
from harness.judging import judge_prompt
from harness.types import Verdict
from tests.benchmarks.arena_hard.v2.made import answered, game, judged, small
from tests.records import comparison, generation, prompt

ASKED = prompt("C1", id="arena_hard/creative_writing/c1")


def test_answers_are_read_by_the_question_they_answer() -> None:
    rows = [answered("c1", {"answer": "hers", "thought": "…"}), answered("h1", {"answer": "his"})]
    assert files.read_outputs(rows, small()) == {("C1",): ("hers",), ("H1",): ("his",)}


def test_answers_that_are_written_are_read_again() -> None:
    mine = generation("mine", prompt=ASKED)
    failed = generation(prompt=prompt("H1", id="arena_hard/hard_prompt/h1"), failure="too long")
    written = files.write_outputs([mine, failed])
    assert files.read_outputs(written, small()) == {("C1",): ("mine",)}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([answered("x", {"answer": "y"})], "question of Arena-Hard v2.0 in row 0, came 'x'"),
        ([answered("h1", {"answer": "x"})] * 2, "row 1 repeats h1"),
        ([answered("h1", "plain text")], "expected a text under 'messages"),
        ([answered("h1", {"answer": None})], "expected a text under 'messages"),
        ([{"uid": "h1"}], "expected a text under 'messages"),
    ],
)
def test_answers_of_another_form_are_refused(rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        files.read_outputs(rows, small())


def test_labels_become_preferences_for_the_candidate_in_both_games() -> None:
    rows = [judged("h1", "A>>B", "A>B"), judged("c1", "B>A", "B=A")]
    read = files.read_games(rows, load_questions(small()))
    assert read.games.preference_N.tolist() == [0, 0.75, 0.75, 0.5]
    assert read.category_c == ["hard_prompt", "creative_writing"]
    assert [one.value for one in read.items] == [0.375, 0.625]
    assert (read.model, read.judge) == ("m", "openai:gpt-4.1")


def test_a_game_without_a_label_is_unread() -> None:
    rows = [judged("h1", None, "B>A"), judged("c1", games=[None, None])]
    read = files.read_games(rows, load_questions(small()))
    assert [math.isnan(v) for v in read.games.preference_N] == [True, False, True, True]
    assert [one.cause for one in read.items] == ["no label in the file"] * 2


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([judged("x", "A=B", "A=B")], "question of Arena-Hard v2.0"),
        ([judged("h1", "A=B", "A=B")] * 2, "row 1 repeats h1"),
        ([judged("h1", "A=B")], "expected two games"),
        ([judged("h1", "A", "A=B")], "expected a label"),
        ([judged("h1", "A=B", "A=B"), judged("h2", "A=B", "A=B", model="n")], "one 'model'"),
    ],
)
def test_judgments_of_another_form_are_refused(rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        files.read_games(rows, load_questions(small()))


def both_games(*values: float | None) -> list[Verdict]:
    """Verdicts on both orders of one pair, with what the judge was asked and said."""
    once = comparison("yes", "no", ASKED)
    ask = rubric(small())
    return [
        Verdict(
            order,
            "openai:gpt-4.1",
            value,
            raw=generation(f"game {number}", prompt=judge_prompt(ask, order)),
        )
        for number, (order, value) in enumerate(zip((once, once.swap()), values, strict=True), 1)
    ]


def test_judgments_that_are_written_hold_the_games_that_are_read_again() -> None:
    (row,) = json.loads(json.dumps(files.write_judgments(both_games(1.0, None))))
    assert (row["uid"], row["category"], row["judge"]) == ("c1", "creative_writing", "gpt-4.1")
    assert (row["model"], row["baseline"]) == ("candidate", "base")
    assert [one["score"] for one in row["games"]] == ["B>>A", None]
    recorded = files.read_judgments([row], small())
    assert [one.comparison.texts for one in recorded] == [("yes", "no"), ("no", "yes")]
    assert [one.raw.text for one in recorded] == ["game 1", "game 2"]


def test_what_was_judged_is_asked_again_word_for_word() -> None:
    verdicts = both_games(1.0, 0.0)
    recorded = files.read_judgments(files.write_judgments(verdicts), small())
    again = [judge_prompt(rubric(small()), one.comparison) for one in recorded]
    said = [verdict.raw for verdict in verdicts if verdict.raw is not None]
    assert [(p.id, p.system, p.turns) for p in again] == [
        (one.prompt.id, one.prompt.system, one.prompt.turns) for one in said
    ]


def test_games_without_words_are_no_recorded_judgments() -> None:
    assert files.read_judgments([judged("h1", "A=B", None)], small()) == []


@pytest.mark.parametrize("asked", ["plain", [], [{"content": "no marks"}]])
def test_words_about_something_else_are_refused(asked: object) -> None:
    row = judged("h1", games=[game("A=B", "so") | {"prompt": asked or [{}]}, None])
    with pytest.raises(DataError, match="expected a question and two answers under 'prompt"):
        files.read_judgments([row], small())
