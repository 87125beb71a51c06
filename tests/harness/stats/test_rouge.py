from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from harness.stats import rouge
from harness.stats.rouge import _STEMS, best_rouge_l, longest_common, rouge_l, stems, tokens

ORACLE = RougeScorer(["rougeL"], use_stemmer=True)
WORDS = "Skies skies dying flies FLY Happily generalization radically 3rd x-ray naïve K \u017fea ''"
english = st.lists(st.sampled_from([*WORDS.split(), "\n", "the"]), max_size=12).map(" ".join)
sentences = st.lists(st.sampled_from("abc"), max_size=9)


def brute_force(a: Sequence[str], b: Sequence[str]) -> int:
    if not a or not b:
        return 0
    if a[0] == b[0]:
        return 1 + brute_force(a[1:], b[1:])
    return max(brute_force(a[1:], b), brute_force(a, b[1:]))


@given(sentences, sentences)
def test_the_common_subsequence_is_as_long_as_brute_force_finds(a: list[str], b: list[str]) -> None:
    assert longest_common(a, b) == brute_force(a, b)


@given(sentences, sentences)
def test_the_order_of_the_texts_is_no_matter(a: list[str], b: list[str]) -> None:
    assert rouge_l(a, b) == rouge_l(b, a)


@given(st.lists(st.text(), min_size=1))
def test_a_text_and_itself_have_everything_in_common(a: list[str]) -> None:
    assert rouge_l(a, a) == 1


@pytest.mark.parametrize(
    ("a", "b", "value"),
    [
        # Lin's example: 3 of 4 words in order, 2 of 4 words in order.
        ("police killed the gunman", "police kill the gunman", 2 * 3 / 8),
        ("police killed the gunman", "the gunman kill police", 2 * 2 / 8),
        ("a b", "a b c d", 2 * 2 / 6),
        ("x", "", 0),
        ("", "", 0),
        ("a", "b", 0),
    ],
)
def test_worked_values(a: str, b: str, value: float) -> None:
    assert rouge_l(tokens(a), tokens(b)) == pytest.approx(value)


def test_texts_longer_than_a_machine_word_are_counted() -> None:
    words = [str(number) for number in range(500)]
    assert longest_common(words, words[::2]) == 250


def test_words_are_lower_case_letters_and_digits() -> None:
    assert tokens("Don't STOP-me: 3.5 naïve ٣") == ["don", "t", "stop", "me", "3", "5", "na", "ve"]


def test_only_words_of_four_letters_and_more_are_stemmed() -> None:
    assert tokens("was Sown", stem=lambda word: word[:-1]) == ["was", "sow"]


@given(st.text() | english, st.text() | english)
def test_stemmed_rouge_l_is_that_of_rouge_score(text: str, gold: str) -> None:
    upstream = ORACLE.score(gold, text)["rougeL"].fmeasure
    assert best_rouge_l(text, [gold]) == pytest.approx(upstream, abs=1e-12)


@given(st.text(alphabet="aeiouybcdlsztrnmg", min_size=1, max_size=12))
def test_stems_are_those_of_rouge_score(word: str) -> None:
    assert stems(word) == ORACLE._tokenizer.tokenize(word)


def test_the_best_gold_counts() -> None:
    assert best_rouge_l("he runs", ["nothing", "he was running"]) == 2 * 2 / 5


def test_without_a_gold_there_is_no_value() -> None:
    with pytest.raises(ValueError, match="empty"):
        best_rouge_l("text", [])


def test_the_stem_of_a_word_longer_than_any_word_is_not_kept() -> None:
    assert stems("a" * 1000 + "ing") == ["a" * 1000]
    assert "a" * 1000 + "ing" not in _STEMS


def test_stems_are_forgotten_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rouge, "_MOST_STEMS", 3)
    kept = rouge._Stems()
    assert [kept[word] for word in ("cats", "dogs", "runs", "walks")] == [
        "cat",
        "dog",
        "run",
        "walk",
    ]
    assert [*kept] == ["walks"]
