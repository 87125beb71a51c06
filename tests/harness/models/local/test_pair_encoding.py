from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ModelError
from harness.models.local.pair_encoding import MARKS, PUBLISHED, Budgets, Encoder, Pair, batches
from tests.tiny.pair_ranker import make_tokenizer


def ranking_tokenizer() -> Any:
    tokenizer = make_tokenizer()
    tokenizer.add_tokens(list(MARKS))
    return tokenizer


TOKENIZER = ranking_tokenizer()
TIGHT = Budgets(10, 7)


def written(pair: Pair, budgets: Budgets = PUBLISHED) -> str:
    """A row as text."""
    row = Encoder(TOKENIZER, budgets).encode([pair]).row(0)
    text: str = TOKENIZER.decode(row.ids)
    return text


def test_a_row_is_three_texts_each_with_its_ends_and_mark() -> None:
    assert written(Pair("ask", "one", "two")) == (
        "[CLS]<|source|>ask[SEP][CLS]<|candidate1|>one[SEP][CLS]<|candidate2|>two[SEP]"
    )


def test_marks_are_where_the_parts_begin() -> None:
    row = Encoder(TOKENIZER).encode([Pair("ask", "one or more", "")]).row(0)
    found = [TOKENIZER.convert_ids_to_tokens(row.ids[place]) for place in row.marks]
    assert found == ["<|source|>", "<|candidate1|>", "<|candidate2|>"]


def test_what_is_too_long_loses_its_last_tokens() -> None:
    """A source of 10 tokens has 7 letters; candidates of 7 have 4."""
    assert written(Pair("0123456789", "abcdefgh", "ijklmnop"), TIGHT) == (
        "[CLS]<|source|>0123456[SEP][CLS]<|candidate1|>abcd[SEP][CLS]<|candidate2|>ijkl[SEP]"
    )


def test_what_the_source_leaves_is_shared_by_the_candidates() -> None:
    """A source of 4 + 3 tokens leaves 3 of its 10: one for each candidate, and one is lost."""
    assert written(Pair("0123", "abcdefgh", "ijklmnop"), TIGHT) == (
        "[CLS]<|source|>0123[SEP][CLS]<|candidate1|>abcde[SEP][CLS]<|candidate2|>ijklm[SEP]"
    )


def test_no_candidate_takes_what_the_other_leaves() -> None:
    assert written(Pair("0123456789", "a", "ijklmnop"), TIGHT).endswith("ijkl[SEP]")


def test_the_published_budgets_make_2048_tokens() -> None:
    long = "x" * 3000
    encoded = Encoder(TOKENIZER).encode([Pair(long, long, long), Pair("", long, long)])
    assert [len(encoded.row(0).ids), len(encoded.row(1).ids)] == [2048, 3 + 2 * 1022]


@pytest.mark.parametrize("token", ["[SEP]", "[CLS]", "[PAD]", *MARKS])
def test_no_text_smuggles_a_token_in(token: str) -> None:
    row = Encoder(TOKENIZER).encode([Pair(f"a{token}b", f"c{token}d", token)]).row(0)
    assert TOKENIZER.decode(row.ids) == (
        "[CLS]<|source|>a b[SEP][CLS]<|candidate1|>c d[SEP][CLS]<|candidate2|> [SEP]"
    )


def test_half_a_character_is_read_as_an_unknown_one() -> None:
    assert written(Pair("a\ud800b", "", "")).startswith("[CLS]<|source|>a?b[SEP]")


texts = st.text(st.characters(max_codepoint=127), max_size=25)


@given(st.lists(st.builds(Pair, texts, texts, texts), max_size=4), st.integers(4, 30))
def test_sizes_are_those_of_the_rows(pairs: list[Pair], budget: int) -> None:
    encoded = Encoder(TOKENIZER, Budgets(budget, 5)).encode(pairs)
    rows = [encoded.row(place) for place in range(len(pairs))]
    assert [encoded.size(place) for place in range(len(pairs))] == [len(r.ids) for r in rows]
    assert all(len(row.ids) <= budget + 10 for row in rows)


def test_each_text_is_tokenised_once() -> None:
    counts: Counter[str] = Counter()

    class Counting:
        def __getattr__(self, name: str) -> Any:
            return getattr(TOKENIZER, name)

        def __call__(self, written: list[str], **options: Any) -> Any:
            counts.update(written)
            return TOKENIZER(written, **options)

    responses = ["one", "two", "three"]
    pairs = [Pair("ask", a, b) for a in responses for b in responses if a != b]
    Encoder(Counting()).encode(pairs)
    assert counts == Counter(["<|source|>ask", *(f"<|candidate1|>{text}" for text in responses)])


def test_a_tokenizer_without_marks_is_refused() -> None:
    with pytest.raises(ModelError, match=r"lacks some of them; save the pair ranker's own"):
        Encoder(make_tokenizer()).encode([Pair("a", "b", "c")])


def test_a_tokenizer_that_splits_marks_is_refused() -> None:
    class Splitting:
        def __getattr__(self, name: str) -> Any:
            return getattr(TOKENIZER, name)

        def __call__(self, written: list[str], **options: Any) -> Any:
            return make_tokenizer()(written, **options)

    with pytest.raises(ModelError, match=r"keeps <\|source\|> whole, came one that splits it"):
        Encoder(Splitting()).encode([Pair("a", "b", "c")])


@pytest.mark.parametrize("absent", ["cls_token", "sep_token"])
def test_a_tokenizer_without_ends_is_refused(absent: str) -> None:
    tokenizer = ranking_tokenizer()
    setattr(tokenizer, absent, None)
    with pytest.raises(ModelError, match="expected a tokenizer with a CLS and a SEP token"):
        Encoder(tokenizer).encode([Pair("a", "b", "c")]).row(0)


def test_rows_of_like_size_are_read_together() -> None:
    assert batches([5, 90, 6, 100, 4], rows=2, tokens=1000) == [[3, 1], [2, 0], [4]]


def test_long_rows_share_a_batch_with_fewer() -> None:
    assert batches([50, 50, 50, 10, 10, 10], rows=8, tokens=100) == [[0, 1], [2, 3], [4, 5]]


def test_a_row_beyond_all_limits_is_read_alone() -> None:
    assert batches([500, 3, 3], rows=8, tokens=100) == [[0], [1, 2]]


@given(st.lists(st.integers(1, 60), max_size=30), st.integers(1, 5), st.integers(1, 100))
def test_every_row_is_in_one_batch_within_the_limits(
    sizes: list[int], rows: int, tokens: int
) -> None:
    found = batches(sizes, rows, tokens)
    assert sorted(place for batch in found for place in batch) == list(range(len(sizes)))
    for batch in found:
        assert 1 <= len(batch) <= rows
        assert len(batch) == 1 or len(batch) * max(sizes[place] for place in batch) <= tokens
