import json
from functools import partial
from typing import Any

import pytest

from benchmarks.mt_bench.files import (
    read_outputs,
    read_pairs,
    read_singles,
    write_outputs,
    write_pairs,
    write_singles,
)
from benchmarks.mt_bench.pairs import tally_pairs
from benchmarks.mt_bench.questions import ORIGINAL_REFERENCES
from benchmarks.mt_bench.rubric import pair_rubric, rating_rubric
from benchmarks.mt_bench.singles import tally_singles
from harness.errors import DataError
from harness.judging import as_published
from harness.models.scripted import Scripted
from harness.pairing import alone, in_both_orders
from harness.types import Generation, Prompt, Verdict
from tests.benchmarks.mt_bench.records import (
    MATHS,
    PLAIN,
    QUESTIONS_BY_ID,
    SHELF,
    answer_row,
    answered,
    single,
)
from tests.records import comparison

singles = partial(read_singles, references=ORIGINAL_REFERENCES)
pairs = partial(read_pairs, references=ORIGINAL_REFERENCES)
MINE = [answered(PLAIN, "a1", "a2"), answered(MATHS, "b1", "b2")]
THEIRS = [answered(q, f"{q.id}", "other", model="gpt-3.5-turbo") for q in (PLAIN, MATHS)]


def as_json(rows: list[dict[str, Any]]) -> Any:
    return json.loads(json.dumps(rows))


def rated(*answers: Generation, said: str = "[[5]]") -> list[Verdict]:
    model = Scripted(lambda _: said, "openai:gpt-4")
    judge = as_published(rating_rubric(ORIGINAL_REFERENCES, SHELF), model)
    return judge(alone((0, 1))(answers, SHELF))


def compared(first: str = "[[A]]") -> list[Verdict]:
    """A judge that prefers what stands first, and of the sums the second."""

    def says(asked: Prompt) -> str:
        return "[[B]]" if asked.turns[0].startswith("R") else first

    model = Scripted(says, "openai:gpt-4")
    judge = as_published(pair_rubric(ORIGINAL_REFERENCES, SHELF), model)
    return judge(in_both_orders(THEIRS, (0, 1))(MINE, SHELF))


def test_answers_are_found_by_both_turns_of_their_question() -> None:
    rows = [answer_row(81), answer_row(111, "2", "3")]
    assert read_outputs(rows, SHELF) == {
        PLAIN.turns: ("first", "second"),
        MATHS.turns: ("2", "3"),
    }


def test_answers_that_were_written_are_read_back() -> None:
    rows = as_json(write_outputs([*MINE, answered(PLAIN, failure="too long")]))
    assert [row["question_id"] for row in rows] == [81, 111]
    assert {row["model_id"] for row in rows} == {"candidate"}
    assert read_outputs(rows, SHELF) == {PLAIN.turns: ("a1", "a2"), MATHS.turns: ("b1", "b2")}


def test_an_answer_keeps_its_id() -> None:
    ids = [row["answer_id"] for row in write_outputs([MINE[0], MINE[1], MINE[0]])]
    assert ids[0] == ids[2] != ids[1]


@pytest.mark.parametrize("failed", ["$ERROR$", "ERROR"])
def test_a_failed_call_is_no_answer(failed: str) -> None:
    assert read_outputs([answer_row(81, "fine", failed)], SHELF) == {}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([answer_row(), answer_row()], "each question once, row 1 repeats question 81"),
        ([answer_row(), answer_row(111, model_id="b")], "answers of one model, came b, mine"),
        ([answer_row(5)], "expected a question of MT-Bench"),
        ([answer_row(81, "only one")], r"expected 2 texts under 'choices\[0\].turns' in row 0"),
        ([answer_row(choices=[])], "every turn needs its response"),
        ([answer_row(choices=[{"turns": ["a", None]}])], r"\(question 81\), came \['a', None\]"),
        ([answer_row(choices=["a", "b"])], "expected 2 texts"),
        ([answer_row(model_id=None)], "expected a text under 'model_id' in row 0"),
    ],
)
def test_answers_off_the_form_are_one_clear_line(rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_outputs(rows, SHELF)


def test_ratings_that_were_written_are_read_back_with_what_was_asked() -> None:
    verdicts = rated(*MINE)
    recorded = singles(as_json(write_singles(verdicts)), SHELF)
    ask = rating_rubric(ORIGINAL_REFERENCES, SHELF).ask
    assert [ask(one.comparison).turns for one in recorded] == [
        ask(verdict.comparison).turns for verdict in verdicts
    ]
    assert {(one.raw.text, one.judge) for one in recorded} == {("[[5]]", "openai:gpt-4")}


def test_ratings_that_were_written_give_the_same_tally() -> None:
    verdicts = [*rated(MINE[0]), *rated(MINE[1], said="well")]
    rows = as_json(write_singles(verdicts))
    assert [row["score"] for row in rows] == [5, 5, -1, -1]
    found = tally_singles(rows, QUESTIONS_BY_ID).judged
    assert [(one.value, one.cause) for one in found] == [(v.value, v.cause) for v in verdicts]


def test_each_of_several_votes_is_a_row() -> None:
    (vote, _), (other, _) = rated(MINE[0]), rated(MINE[0], said="[[7]]")
    together = Verdict(vote.comparison, "repeats:2:openai:gpt-4", 6.0, votes=(vote, other))
    assert [row["score"] for row in write_singles([together])] == [5, 7]


def test_games_that_were_written_are_read_back_with_what_was_asked() -> None:
    verdicts = compared()
    recorded = pairs(as_json(write_pairs(verdicts)), SHELF)
    ask = pair_rubric(ORIGINAL_REFERENCES, SHELF).ask
    asked = {ask(verdict.comparison).turns for verdict in verdicts}
    assert {ask(one.comparison).turns for one in recorded} == asked
    assert len(recorded) == len(verdicts) == 8


def test_games_that_were_written_say_who_won_and_give_the_same_tally() -> None:
    rows = as_json(write_pairs(compared("[[C]]")))
    assert [(row["g1_winner"], row["g2_winner"]) for row in rows] == [
        ("tie", "tie"),
        ("tie", "tie"),
        ("model_2", "model_1"),
        ("model_2", "model_1"),
    ]
    found = tally_pairs(rows, QUESTIONS_BY_ID, "gpt-3.5-turbo").judged
    assert [one.value for one in found] == [0.5] * 4


def test_an_unread_game_is_written_as_an_error() -> None:
    rows = write_pairs(compared("well"))
    assert [(row["g1_winner"], row["g2_winner"]) for row in rows[:2]] == [("error", "error")] * 2


def test_an_answer_that_never_came_is_written_as_an_unread_verdict() -> None:
    lost = Verdict(comparison("", None, PLAIN.prompt), "openai:gpt-4", None, "no response")
    (row,) = write_singles([lost])
    assert (row["score"], row["judgment"], row["user_prompt"]) == (-1, None, None)


@pytest.mark.parametrize("missing", ["user_prompt", "judgment"])
def test_a_row_without_what_was_asked_or_said_is_not_recorded(missing: str) -> None:
    rows = as_json(write_singles(rated(MINE[0])))
    del rows[0][missing]
    assert len(singles(rows, SHELF)) == 1


def test_a_failed_call_of_the_judge_is_asked_again() -> None:
    rows = as_json(write_singles(rated(MINE[0], said="$ERROR$")))
    assert singles(rows, SHELF) == []


def test_what_was_asked_with_other_references_is_refused() -> None:
    rows = as_json(write_singles(rated(MINE[1])))
    other = SHELF.put(ORIGINAL_REFERENCES, [answer_row(111, "II", "III")])
    with pytest.raises(DataError, match="was it judged with other references or templates"):
        singles(rows, other)


def test_two_answers_of_the_judge_to_one_question_are_refused() -> None:
    rows = as_json(write_singles([*rated(MINE[0]), *rated(MINE[0], said="[[6]]")]))
    with pytest.raises(DataError, match="turn 1 of mt_bench/81 by candidate has two that differ"):
        singles(rows, SHELF)


def test_a_file_that_names_no_judge_is_recorded_as_by_nobody() -> None:
    row = {**single(user_prompt="Q Write. A a."), "judge": None}
    (one,) = singles([row], SHELF)
    assert one.judge == "a judge that the file does not name"


def test_another_provider_keeps_its_name() -> None:
    verdicts = rated(MINE[0])
    named = [Verdict(v.comparison, "anthropic:c", v.value, raw=v.raw) for v in verdicts]
    rows = as_json(write_singles(named))
    assert rows[0]["judge"] == ["anthropic:c", "single-v1"]
    assert singles(rows, SHELF)[0].judge == "anthropic:c"
