from typing import Any

import pytest

from harness import outputs
from harness.errors import DataError, SpecError
from harness.types import Matcher, Score
from tests.records import generation, prompt

PROMPTS = [prompt("one?", id="x/t/1"), prompt("two?", id="x/t/2"), prompt("one?", id="x/u/1")]
MATCHER = Matcher("equal", "0" * 64, lambda c: float(c.texts[0] == "yes"))


def row(task: Any = "t", id: Any = "1", response: Any = "yes") -> dict[str, Any]:  # noqa: A002
    return {"task": task, "id": id, "response": response}


def test_an_id_may_be_a_number() -> None:
    assert outputs.responses([row(id=1)], "x", {"x/t/1"}) == {"x/t/1": "yes"}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"id": "1", "response": "yes"}], "under 'task' in row 0, came None"),
        ([{"task": "t", "response": "yes"}], "under 'id' in row 0, came None"),
        ([row(), {"task": "t", "id": "2"}], "under 'response' in row 1, came None"),
        ([row(response=3)], "under 'response' in row 0, came 3"),
        ([row(id=True)], "under 'id' in row 0, came True"),
        ([row(id=1.0)], "under 'id' in row 0, came 1.0"),
        ([row(id="9")], "row 0 has 'x/t/9'"),
        ([row(task="v")], "row 0 has 'x/v/1'"),
        ([row(), row(id=1)], "row 1 repeats x/t/1"),
    ],
)
def test_a_row_that_cannot_be_placed_is_told(rows: list[dict[str, Any]], told: str) -> None:
    with pytest.raises(DataError, match=told):
        outputs.responses(rows, "x", {one.id for one in PROMPTS})


def test_prompts_that_ask_the_same_share_an_answer() -> None:
    assert outputs.by_turns([row(), row("u")], "x", PROMPTS) == {("one?",): ("yes",)}


def test_two_answers_to_one_question_are_refused() -> None:
    with pytest.raises(DataError, match="x/u/1 asks what another prompt asks"):
        outputs.by_turns([row(), row("u", response="no")], "x", PROMPTS)


def test_answers_are_written_as_they_are_read() -> None:
    answers = [generation("yes", prompt=PROMPTS[0]), generation(failure="no", prompt=PROMPTS[1])]
    rows = outputs.write(answers)
    assert outputs.responses(rows, "x", {"x/t/1"}) == {"x/t/1": "yes"}


def test_a_prompt_without_an_answer_is_unread_and_no_item() -> None:
    def aggregate(verdicts: Any, _assets: Any) -> list[Score]:
        values = [verdict.value for verdict in verdicts]
        return [Score("share", values[0], len(values), values.count(None))]

    found = outputs.rescored([row()], None, PROMPTS, MATCHER, aggregate)  # type: ignore[arg-type]
    assert [(item.id, item.value) for item in found.items] == [("x/t/1", 1)]
    assert (found.judge, found.scores[0].n_unread) == ("exact", 2)


def test_there_are_no_judgments() -> None:
    with pytest.raises(SpecError, match="--outputs FILE"):
        outputs.no_judgments([], None)
