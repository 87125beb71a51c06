"""Recorded answers as a model."""

from collections.abc import Mapping, Sequence

import pytest

from harness.errors import DataError
from harness.models.replay import Replay, judgments, outputs
from harness.types import Generation, Prompt, Response, Rows
from tests.records import prompt


class Diary:
    """A watch that keeps what it is shown."""

    def __init__(self) -> None:
        self.bought: list[Prompt] = []
        self.shown: list[Generation] = []

    def started(self, prompts: Sequence[Prompt], /) -> None:
        self.bought += prompts

    def finished(self, generations: Sequence[Generation], /) -> None:
        self.shown += generations


def read_outputs(rows: Rows) -> dict[tuple[str, ...], tuple[str, ...]]:
    return {tuple(row["turns"]): tuple(row["texts"]) for row in rows}


def recorded(rows: Rows) -> list[tuple[Prompt, Response]]:
    return [(prompt(row["asked"], system=row.get("system")), Response(row["said"])) for row in rows]


def answering(*asked: str, partial: bool = False) -> Replay:
    """Published outputs that say "a0" to "q0"."""
    rows = [{"turns": [one], "texts": [one.replace("q", "a")]} for one in asked]
    return outputs("replay:x.json", {"x.json": rows}, read_outputs, partial=partial)


def judging(files: Mapping[str, Rows]) -> Replay:
    return judgments("replay:judge", files, recorded)


def test_answers_come_in_the_order_of_the_prompts_not_of_the_file() -> None:
    generations = answering("q0", "q1", "q2").generate([prompt("q2"), prompt("q0")])
    assert [one.text for one in generations] == ["a2", "a0"]


def test_an_answer_names_its_prompt_and_its_model() -> None:
    (answer,) = answering("q0").generate([prompt("q0")])
    assert answer == Generation(prompt("q0"), "replay:x.json", (Response("a0"),))


def test_an_answer_is_found_whatever_the_decoding_and_the_id() -> None:
    asked = prompt("q0", id="other")
    assert answering("q0").generate([asked])[0].text == "a0"


def test_every_turn_has_its_response() -> None:
    rows = [{"turns": ["q", "and?"], "texts": ["first", "second"]}]
    replay = outputs("r", {"f": rows}, read_outputs)
    (answer,) = replay.generate([prompt("q", "and?")])
    assert [response.text for response in answer.responses] == ["first", "second"]


def test_the_watch_sees_every_answer_and_no_call() -> None:
    diary = Diary()
    generations = answering("q0", "q1").generate([prompt("q1"), prompt("q0")], diary)
    assert (diary.bought, diary.shown) == ([], generations)


def test_a_missing_answer_is_an_error_with_the_remedy() -> None:
    with pytest.raises(DataError, match=r"1 of 2 are missing \(first q1: 'q1'\).*--partial"):
        answering("q0").generate([prompt("q0"), prompt("q1")])


def test_a_partial_recording_gives_failures_for_what_it_lacks() -> None:
    _, absent = answering("q0", partial=True).generate([prompt("q0"), prompt("q1")])
    assert absent.failure == "replay:x.json has no answer to it"
    assert absent.responses == ()


@pytest.mark.parametrize("partial", [True, False])
def test_a_recording_that_answers_nothing_is_of_another_benchmark(partial: bool) -> None:
    with pytest.raises(DataError, match=r"answers none .* is it of another benchmark"):
        answering("q0", partial=partial).generate([prompt("q7"), prompt("q8")])


def test_nothing_asked_is_nothing_answered() -> None:
    assert answering("q0").generate([]) == []


def test_outputs_of_two_models_are_not_one_model() -> None:
    with pytest.raises(DataError, match="expected one file of outputs for 'r', came 2; name one"):
        outputs("r", {"a": [], "b": []}, read_outputs)


def test_judgments_may_come_from_several_files() -> None:
    judge = judging(
        {"a": [{"asked": "1", "said": "m"}], "b": [{"asked": "2", "said": "M"}]},
    )
    assert [one.text for one in judge.generate([prompt("2"), prompt("1")])] == ["M", "m"]


def test_the_system_message_is_part_of_what_was_asked() -> None:
    fair, harsh = ({"asked": "1", "system": be, "said": be} for be in ("fair", "harsh"))
    judge = judging({"a": [fair, harsh]})
    answers = judge.generate([prompt("1", system="fair"), prompt("1", system="harsh")])
    assert [one.text for one in answers] == ["fair", "harsh"]


def test_another_system_message_is_another_question() -> None:
    judge = judging({"a": [{"asked": "1", "system": "fair", "said": "m"}]})
    with pytest.raises(DataError, match="answers none"):
        judge.generate([prompt("1")])


def test_the_identity_depends_on_the_content() -> None:
    assert answering("q0").identity != answering("q1").identity


def test_the_identity_does_not_depend_on_names_or_their_order() -> None:
    one, two = [{"asked": "1", "said": "m"}], [{"asked": "2", "said": "M"}]
    renamed = judgments("elsewhere", {"a": two, "b": one}, recorded)
    assert judging({"x": one, "y": two}).identity == renamed.identity


def test_half_a_character_is_an_answer_like_any_other() -> None:
    replay = outputs("r", {"f": [{"turns": ["q0"], "texts": ["\ud83d"]}]}, read_outputs)
    assert replay.generate([prompt("q0")])[0].text == "\ud83d"
