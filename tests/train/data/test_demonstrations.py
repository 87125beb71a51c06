import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from harness.errors import DataError, ModelError
from harness.models.hf import HuggingFace
from harness.models.hf import build as open_checkpoint
from harness.models.local.loading import loaded
from harness.models.local.templates import Message, Shipped
from harness.types import ModelOptions
from tests.records import prompt
from tests.tiny.checkpoint import CHATML, make_tokenizer
from train.data.demonstrations import Settings, build
from train.examples import Answer, Example
from train.objectives import IGNORED, c_rlft, sequence_lengths, sequence_logps
from train.rows import Writer
from train.workshop import Workshop

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")

Row = dict[str, Any]
OPENCHAT = (files("train") / "recipes" / "openchat.jinja").read_text(encoding="utf-8")
TALK = [
    {"from": "human", "value": "Hi"},
    {"from": "gpt", "value": "Hello."},
    {"from": "human", "value": "Bye"},
    {"from": "gpt", "value": "See you."},
]


class Desk:
    """A recipe's folder with files of rows, and what was said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []

    def write(self, *rows: Row, name: str = "rows.jsonl") -> None:
        (self.folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))

    def build(self, *sources: Row, **fields: Any) -> list[Example]:
        given = [{"file": "./rows.jsonl"} | source for source in sources or [{}]]
        plain = {"kind": "demonstrations", "sources": given}
        nothing: Any = None
        workshop = Workshop(
            nothing, [], nothing, nothing, nothing, nothing, self.folder, self.said.append
        )
        return build(Settings.model_validate(plain | fields), workshop)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def row(number: int, **columns: object) -> Row:
    return {"prompt": f"q{number}", "response": f"a{number}", **columns}


def test_each_row_is_an_example_in_the_files_order(desk: Desk) -> None:
    desk.write(row(0), row(1))
    assert desk.build() == [
        Example(("q0",), (Answer("a0"),), {"weight": 1.0}),
        Example(("q1",), (Answer("a1"),), {"weight": 1.0}),
    ]


def test_columns_may_be_called_otherwise(desk: Desk) -> None:
    desk.write({"instruction": "q", "output": "a"})
    (example,) = desk.build({"prompt": "instruction", "response": "output"})
    assert (example.said, example.responses) == (("q",), (Answer("a"),))


def test_a_class_is_told_as_condition_and_weighs(desk: Desk) -> None:
    desk.write(row(0))
    (example,) = desk.build({"class": "GPT3", "weight": 0.1})
    assert (example.condition, example.facts) == ("GPT3", {"weight": 0.1})


def test_a_file_of_several_classes_is_read_as_a_source_for_each(desk: Desk) -> None:
    desk.write(row(0, by="poor"), row(1, by="expert"), row(2, by="poor"))
    examples = desk.build(
        {"where": {"by": "expert"}, "class": "GPT4"},
        {"where": {"by": "poor"}, "class": "GPT3", "weight": 0.1},
    )
    assert [(one.said[0], one.condition) for one in examples] == [
        ("q1", "GPT4"),
        ("q0", "GPT3"),
        ("q2", "GPT3"),
    ]


def test_a_limit_draws_rows_by_the_seed_and_keeps_their_order(desk: Desk) -> None:
    desk.write(*map(row, range(50)))
    drawn = [[one.said[0] for one in desk.build({"limit": 5}, seed=seed)] for seed in (0, 0, 1)]
    assert len(drawn[0]) == 5
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn[0] == sorted(drawn[0], key=lambda said: int(said[1:]))


def test_a_limit_above_the_rows_takes_them_all(desk: Desk) -> None:
    desk.write(row(0), row(1))
    assert len(desk.build({"limit": 3})) == 2


def test_what_was_taken_is_said_for_each_source(desk: Desk) -> None:
    desk.write({"talk": TALK}, {"talk": TALK})
    desk.build({"conversation": "talk", "limit": 1})
    assert desk.said == ["./rows.jsonl: 2 responses in 1 of 2 rows"]


def test_each_turn_of_the_assistant_is_an_example_with_its_history(desk: Desk) -> None:
    desk.write({"talk": TALK})
    first, second = desk.build({"conversation": "talk"})
    assert (first.said, first.responses) == (("Hi",), (Answer("Hello."),))
    assert (second.said, second.responses) == (("Hi", "Hello.", "Bye"), (Answer("See you."),))


def test_a_question_without_an_answer_ends_a_conversation(desk: Desk) -> None:
    desk.write({"talk": TALK[:3]})
    (only,) = desk.build({"conversation": "talk"})
    assert only.responses == (Answer("Hello."),)


def test_messages_by_role_and_content_may_begin_with_a_system_message(desk: Desk) -> None:
    said = [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello.")]
    desk.write({"talk": [{"role": role, "content": text} for role, text in said]})
    (example,) = desk.build({"conversation": "talk"})
    assert (example.system, example.said) == ("Be brief.", ("Hi",))


@pytest.mark.parametrize(
    ("source", "bad", "expected"),
    [
        ({}, {"prompt": "q"}, "expected a column 'response', came prompt"),
        ({}, {}, "expected a column 'prompt', came none"),
        ({}, {"prompt": " ", "response": "a"}, "expected text in 'prompt', came ' '"),
        ({}, {"prompt": "q", "response": None}, "expected text in 'response', came None"),
        ({"where": {"by": "me"}}, row(0), "expected a column 'by', came prompt, response"),
        ({"conversation": "talk"}, {"talk": "Hi"}, "user and assistant in turn, .* came 'Hi'"),
        ({"conversation": "talk"}, {"talk": []}, r"user and assistant in turn, .* came \[\]"),
        ({"conversation": "talk"}, {"talk": TALK[1:]}, "the user first, came assistant, user, ass"),
        ({"conversation": "talk"}, {"talk": TALK[::2]}, "in turn, the user first, came user, user"),
        ({"conversation": "talk"}, {"talk": TALK[:1]}, "in turn, the user first, came user;"),
        ({"conversation": "talk"}, {"talk": ["Hi"]}, "a message with text by .* came 'Hi'"),
        ({"conversation": "talk"}, {"talk": [{"from": "human"}]}, "came {'from': 'human'}"),
        ({"conversation": "talk"}, {"talk": [{"from": "x", "value": "Hi"}]}, "by system, user,"),
    ],
)
def test_a_row_that_is_not_as_described_is_named(
    desk: Desk, source: Row, bad: Row, expected: str
) -> None:
    good = {"talk": TALK, "by": "me", **row(0)}
    desk.write(good, bad)
    with pytest.raises(DataError, match=rf"^\./rows\.jsonl, row 2: .*{expected}") as caught:
        desk.build(source)
    assert "\n" not in str(caught.value)


def test_a_description_that_no_row_meets_is_an_error(desk: Desk) -> None:
    desk.write(row(0, by="me"))
    with pytest.raises(DataError, match=r"rows in \./rows\.jsonl with by 'you', came 1 without"):
        desk.build({"where": {"by": "you"}})


@pytest.mark.parametrize(
    "source",
    [{"weight": -1.0}, {"weight": float("inf")}, {"limit": 0}, {"class_": "GPT4"}, {"share": 0.1}],
)
def test_a_source_that_cannot_be_meant_is_refused(desk: Desk, source: Row) -> None:
    with pytest.raises(ValidationError):
        desk.build(source)


def test_without_sources_there_is_nothing_to_train_on(desk: Desk) -> None:
    with pytest.raises(ValidationError, match="sources"):
        desk.build(sources=[])


def loss(network: Any, ids: list[int], trained: list[bool]) -> tuple[float, int]:
    """Weighted loss of a sequence, summed over the trained tokens; how many they are."""
    ids_T = torch.tensor([ids])
    labels_T = ids_T.masked_fill(~torch.tensor([trained]), IGNORED)
    logps = sequence_logps(network(ids_T).logits, labels_T)
    return c_rlft(logps, torch.tensor([0.1])).item(), int(sequence_lengths(labels_T))


def test_the_turns_of_a_conversation_add_up_to_one_pass_over_the_whole(
    desk: Desk, model: HuggingFace
) -> None:
    desk.write({"talk": TALK})
    examples = desk.build({"conversation": "talk", "weight": 0.1})
    first, last = Writer(model.tokenizer, Shipped(CHATML), end=4).rows(examples)
    whole = last.prompt + last.responses[0]
    end = len(first.prompt) + len(first.responses[0])
    assert whole[:end] == first.prompt + first.responses[0]
    places = range(len(whole))
    in_first, in_last = len(first.prompt), len(last.prompt)
    with loaded(model.checkpoint) as network, torch.no_grad():
        one = loss(network, whole[:end], [at >= in_first for at in places[:end]])
        two = loss(network, whole, [at >= in_last for at in places])
        once = loss(network, whole, [in_first <= at < end or at >= in_last for at in places])
    assert once[0] == pytest.approx(one[0] + two[0], rel=1e-5)
    assert once[1] == one[1] + two[1]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return make_tokenizer(None)


def rendered(tokenizer: Any, *said: str, system: str | None = None, **variables: str) -> str:
    roles = ("user", "assistant")
    first: list[Message] = [] if system is None else [{"role": "system", "content": system}]
    turns = [Message(role=roles[turn % 2], content=text) for turn, text in enumerate(said)]
    return Shipped(OPENCHAT).render(first + turns, tokenizer, **variables)


def test_the_expert_class_is_told_in_both_roles_when_nothing_is_said(tokenizer: Any) -> None:
    assert rendered(tokenizer, "q") == "<s>GPT4 User: q<|end_of_turn|>GPT4 Assistant:"


def test_the_condition_tells_another_class_in_both_roles(tokenizer: Any) -> None:
    text = rendered(tokenizer, "q", "a", "r", condition="GPT3")
    assert text == (
        "<s>GPT3 User: q<|end_of_turn|>GPT3 Assistant: a<|end_of_turn|>"
        "GPT3 User: r<|end_of_turn|>GPT3 Assistant:"
    )


def test_a_system_message_has_no_class(tokenizer: Any) -> None:
    text = rendered(tokenizer, "q", "a", system="Be kind.")
    assert text == (
        "<s>Be kind.<|end_of_turn|>GPT4 User: q<|end_of_turn|>GPT4 Assistant: a<|end_of_turn|>"
    )


def test_a_role_that_has_no_prefix_is_refused(tokenizer: Any) -> None:
    with pytest.raises(ModelError, match="refuses the messages tool"):
        Shipped(OPENCHAT).render([{"role": "tool", "content": "1"}], tokenizer)


def test_a_checkpoint_is_asked_byte_for_byte_with_the_experts_training_prefix(
    copy: Path, desk: Desk
) -> None:
    (copy / "chat_template.jinja").write_text(OPENCHAT, encoding="utf-8")
    asked = open_checkpoint(f"hf:{copy}", ModelOptions())
    desk.write({"prompt": "Who  are\nyou? ", "response": "Me."})
    examples = desk.build({"class": "GPT4"}, {}, {"class": "GPT3"})
    writer = Writer(asked.tokenizer, Shipped(OPENCHAT), end=4)
    expert, default, poor = (row.prompt for row in writer.rows(examples))
    text = asked.render(prompt("Who  are\nyou? "))
    assert text == "<s>GPT4 User: Who  are\nyou? <|end_of_turn|>GPT4 Assistant:"
    assert asked.tokenizer.decode(expert) == text
    assert default == expert != poor
