from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.models.local.pairs import Pairs, Row, window_of
from harness.types import Decoding
from tests.tiny.checkpoint import make_tokenizer

PAIRS = Pairs(make_tokenizer(), 8)
BOS = 1
texts = st.text("ab \n", max_size=20)


def ids(text: str) -> list[int]:
    found: list[int] = PAIRS.tokenizer(text)["input_ids"]
    return found


def only(context: str, choice: str) -> Row:
    [row] = PAIRS.rows([context], [choice])
    assert isinstance(row, Row)
    return row


def test_the_last_token_is_scored_and_not_read() -> None:
    assert only("ab", "cd") == Row(ids("abc"), ids("cd"))
    assert only("ab", "cd").first == 1


def test_white_space_at_the_end_of_a_context_belongs_to_the_choice() -> None:
    assert only("ab \n", "c") == Row(ids("ab \n"), ids(" \nc"))


def test_a_text_without_context_follows_the_token_that_begins_texts() -> None:
    assert only("", "ab") == Row([BOS, *ids("a")], ids("ab"))


def test_a_text_that_begins_with_that_token_is_its_own_context() -> None:
    assert only("", "<s>ab") == Row([BOS, *ids("a")], ids("ab"))


def test_a_token_that_the_text_writes_is_not_added_again() -> None:
    class Adding:
        """A tokenizer that begins every text with BOS."""

        bos_token_id, eos_token_id, bos_token = 1, 4, "<s>"
        decode = staticmethod(PAIRS.tokenizer.decode)

        def __call__(self, texts: list[str], *, add_special_tokens: bool, **_: Any) -> Any:
            begin = [BOS] if add_special_tokens else []
            return {"input_ids": [begin + ids(text) for text in texts]}

    pairs = Pairs(Adding(), 8)
    assert pairs.rows(["<s>a", "a"], ["b"]) == [Row([BOS, *ids("a")], ids("b"))] * 2
    assert pairs.prompt("<s>a", Decoding(2)) == pairs.prompt("a", Decoding(2))


def test_what_does_not_fit_the_window_is_cut_off_on_the_left() -> None:
    row = only("abcdefgh", "xyz")
    assert row == Row(ids("cdefghxy"), ids("xyz"), cut=2)
    assert len(row.ids) == PAIRS.window


@pytest.mark.parametrize(
    ("context", "choice", "cause"),
    [
        ("ab", "", "no tokens"),
        ("  ", "ab", "no tokens"),
        ("", "", "no tokens"),
        ("a", "x" * 9, "a choice is 9 tokens, the window is 8"),
    ],
)
def test_what_cannot_be_scored_says_why(context: str, choice: str, cause: str) -> None:
    [row] = PAIRS.rows([context], [choice])
    assert isinstance(row, str)
    assert cause in row


def test_rows_are_in_the_order_of_contexts_then_choices() -> None:
    rows = PAIRS.rows(["a", "", "b"], ["x", "y"])
    assert rows == [PAIRS.rows([c], [x])[0] for c in ("a", "", "b") for x in ("x", "y")]


@given(st.lists(texts.map("a".__add__), min_size=1, max_size=3), st.lists(texts, min_size=1))
def test_a_row_never_exceeds_the_window(contexts: list[str], choices: list[str]) -> None:
    for row in PAIRS.rows(contexts, choices):
        if isinstance(row, Row):
            assert len(row.ids) <= PAIRS.window
            assert row.ids[row.first + 1 :] == row.targets[:-1]


@given(texts.filter(bool))
def test_windows_score_each_token_once_with_as_much_before_it_as_fits(text: str) -> None:
    rows = [row for row in PAIRS.windows(text) if isinstance(row, Row)]
    assert [target for row in rows for target in row.targets] == ids(text)
    assert rows[0].ids[0] == BOS
    assert all(len(row.ids) == PAIRS.window for row in rows[1:])
    assert all(row.ids[row.first + 1 :] == row.targets[:-1] for row in rows)


def test_an_empty_text_has_no_windows() -> None:
    assert PAIRS.windows("") == ["context or choice has no tokens"]


def test_room_is_kept_for_what_is_written() -> None:
    assert PAIRS.prompt("abcdefgh", Decoding(3)) == (ids("defgh"), 3)
    assert PAIRS.prompt("ab", Decoding(3)) == (ids("ab"), 0)
    assert PAIRS.prompt("ab", Decoding(9)) == ([], 2)


class Config:
    def __init__(self, **entries: int) -> None:
        self.__dict__.update(entries)

    def get_text_config(self) -> "Config":
        return self


class Tokenizer:
    def __init__(self, longest: int) -> None:
        self.model_max_length = longest


@pytest.mark.parametrize(
    ("config", "longest", "window"),
    [
        (Config(n_positions=10, max_position_embeddings=20), 5, 10),
        (Config(n_ctx=30), 5, 30),
        (Config(), 5, 5),
        (Config(), int(1e30), 2048),
    ],
)
def test_the_window_is_looked_for_where_lm_eval_does(
    config: Config, longest: int, window: int
) -> None:
    assert window_of(config, Tokenizer(longest)) == window
