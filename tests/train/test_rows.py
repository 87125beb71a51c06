"""Examples become the token ids that the checkpoint is later asked with."""

from pathlib import Path
from typing import Any

import pytest

from harness.errors import DataError, ModelError
from harness.models.hf import HuggingFace
from harness.models.local.templates import Shipped
from harness.types import Decoding, Prompt
from tests.tiny.checkpoint import CHATML, make_tokenizer
from train.examples import Answer, Example
from train.rows import Row, Writer, end_token

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")
END = 4
CONDITIONED = (
    "{{ condition or 'best' }} user: {{ messages[0]['content'] }} {{ condition or 'best' }}:"
)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return make_tokenizer()


@pytest.fixture
def writer(tokenizer: Any) -> Writer:
    return Writer(tokenizer, Shipped(CHATML), END)


def one(writer: Writer, *responses: Answer, said: tuple[str, ...] = ("Hi",), **fields: Any) -> Row:
    [row] = writer.rows([Example(said, responses, **fields)])
    return row


def test_the_prompt_is_the_one_that_the_checkpoint_is_asked_with(
    writer: Writer, model: HuggingFace, tokenizer: Any
) -> None:
    asked = model.render(Prompt("a", ("Hi",), Decoding(1)))
    assert tokenizer.decode(one(writer, Answer("yes")).prompt) == asked


def test_a_response_ends_in_the_end_token_once(writer: Writer, tokenizer: Any) -> None:
    [response] = one(writer, Answer("yes")).responses
    assert (tokenizer.decode(response[:-1]), response[-1], response.count(END)) == ("yes", END, 1)


def test_a_response_that_was_cut_has_no_end(writer: Writer) -> None:
    [response] = one(writer, Answer("yes", ended=False)).responses
    assert (len(response), END in response) == (3, False)


def test_an_empty_response_is_its_end(writer: Writer) -> None:
    assert one(writer, Answer(""), Answer("", ended=False)).responses == [[END], [END]]


def test_a_conversation_is_told_up_to_the_response(writer: Writer, tokenizer: Any) -> None:
    row = one(writer, Answer("c"), said=("a", "b", "d"), system="s")
    text = tokenizer.decode(row.prompt)
    places = [text.index(part) for part in ("system\ns", "user\na", "assistant\nb", "user\nd")]
    assert places == sorted(places)
    assert text.endswith("assistant\n")


@pytest.mark.parametrize("said", [(), ("a", "b")])
def test_a_conversation_must_end_with_the_user(writer: Writer, said: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="came"):
        one(writer, Answer("c"), said=said)


def test_a_prompt_without_a_token_is_refused(tokenizer: Any) -> None:
    plain = Writer(tokenizer, Shipped("{{ messages[0]['content'] }}"), END)
    with pytest.raises(DataError, match="at least one token, came none for ''"):
        one(plain, Answer("c"), said=("",))


def test_the_condition_is_told_by_the_template(tokenizer: Any) -> None:
    writer = Writer(tokenizer, Shipped(CONDITIONED), END)
    texts = [
        tokenizer.decode(one(writer, Answer("c"), condition=condition).prompt)
        for condition in (None, "best", "poor")
    ]
    assert texts == ["best user: Hi best:", "best user: Hi best:", "poor user: Hi poor:"]


def test_a_long_prompt_loses_its_beginning(tokenizer: Any) -> None:
    whole = Writer(tokenizer, Shipped(CHATML), END)
    short = Writer(tokenizer, Shipped(CHATML), END, max_prompt_length=5)
    assert one(short, Answer("yes")).prompt == one(whole, Answer("yes")).prompt[-5:]


def test_a_long_response_loses_its_end_and_never_all_of_it(tokenizer: Any) -> None:
    whole = one(Writer(tokenizer, Shipped(CHATML), END), Answer("yes"))
    known = len(whole.prompt)
    kept = [
        one(Writer(tokenizer, Shipped(CHATML), END, known + room), Answer("yes")).responses[0]
        for room in (4, 3, 1, 0, -2)
    ]
    assert kept == [whole.responses[0][:n] for n in (4, 3, 1, 1, 1)]


@pytest.mark.parametrize("most", [2, 9, 40])
def test_no_row_is_longer_than_it_may_be_however_long_the_conversation(
    tokenizer: Any, most: int
) -> None:
    said = ("a long question", "a long answer", "another question")
    row = one(Writer(tokenizer, Shipped(CHATML), END, most), Answer("yes"), said=said)
    whole = one(Writer(tokenizer, Shipped(CHATML), END), Answer("yes"), said=said)
    assert len(whole.prompt) > 40
    assert (row.prompt, len(row.responses[0])) == (whole.prompt[-(most - 1) :], 1)


def test_rows_keep_order_and_facts(writer: Writer) -> None:
    said = [Example((text,), (Answer(text), Answer("")), {"p": 0.5}) for text in ("a", "bb")]
    rows = writer.rows(said)
    assert [(len(r.responses[0]), len(r.responses[1]), r.facts["p"]) for r in rows] == [
        (2, 1, 0.5),
        (3, 1, 0.5),
    ]
    assert rows[0].size == len(rows[0].prompt) + 3


def test_no_examples_are_no_rows(writer: Writer) -> None:
    assert writer.rows([]) == []


def test_the_end_is_what_the_template_writes_and_generation_stops_at(
    checkpoint: Path, tokenizer: Any
) -> None:
    assert checkpoint.is_dir()
    assert end_token(Shipped(CHATML), tokenizer, frozenset({2, 4})) == 4
    assert end_token(Shipped(CHATML.replace("<|im_end|>", "</s>")), tokenizer, frozenset({2})) == 2


def test_a_template_without_an_end_takes_the_tokenizers(tokenizer: Any) -> None:
    plain = Shipped("{% for m in messages %}{{ m['content'] }}{% endfor %}")
    assert end_token(plain, tokenizer, frozenset({2, 4})) == 4


def test_a_checkpoint_that_could_never_learn_to_stop_is_refused() -> None:
    endless = make_tokenizer()
    endless.eos_token = None
    with pytest.raises(ModelError, match="expected a token that ends an answer"):
        end_token(Shipped("{{ messages[-1]['content'] }}"), endless, frozenset())
