"""The 25 scorers: what each says of an answer to one of its task's examples."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from benchmarks.lmentry import letters, sentences, table
from benchmarks.lmentry.answer import (
    LIKELY,
    QUOTES,
    RIGHT,
    UNLIKELY,
    WRONG,
    Mark,
    folded,
    has_word,
    is_only,
    normal,
    only_letters,
    says_something,
    words,
)
from benchmarks.lmentry.forms import Forms
from benchmarks.lmentry.numbers import spellings

Example = Mapping[str, Any]
"""One example of a task's file: its `input` and its `metadata`."""

_Facts = Mapping[str, Any]
_Scorer = Callable[[str, _Facts], Mark]


def mark(task: str, answer: str, example: Example) -> Mark:
    """What the published scorer of a core task says of an answer to an example.

    Args:
        task: A core task, or one that varies it.
        answer: As it came.
        example: As in the task's file.

    Raises:
        KeyError: No scorer, or a fact that it needs is missing.
    """
    text = normal(answer)
    if task == "word_not_containing":
        letter = example["metadata"]["letter"]
        return letters.word_not_containing(text, letter, example["input"])
    return _SCORERS[task](text, example["metadata"])


def _named_letter(forms: Forms) -> _Scorer:
    def scorer(text: str, facts: _Facts) -> Mark:
        answer, word = facts["answer"], facts["word"]
        if not has_word(text, answer):
            return WRONG
        if is_only(text, "letter", (answer,)):
            return RIGHT
        return forms.mark(text, {"answer": (answer,), "word": (word,)})

    return scorer


def _in_sentence(forms: Forms) -> _Scorer:
    def scorer(text: str, facts: _Facts) -> Mark:
        spelt = {role: (facts[role].lower(),) for role in forms.roles}
        (answer,), (sentence,) = spelt["answer"], spelt["sentence"]
        if not has_word(text, answer):
            return WRONG
        # Only of the word before or after is it wrong to repeat the sentence.
        if "query" in spelt and re.sub(r"[^\w ]+", "", text) == sentence:
            return WRONG
        return RIGHT if is_only(text, "word", (answer,)) else forms.mark(text, spelt)

    return scorer


def _of_numbers(forms: Forms) -> _Scorer:
    def scorer(text: str, facts: _Facts) -> Mark:
        answer, distractor = spellings(facts["answer"]), spellings(facts["distractor"])
        said = set(words(text))
        if len(said) == 1 and answer[0] not in said:
            return WRONG
        if is_only(text, "number", answer):
            return RIGHT
        n1, n2 = str(facts["n1"]), str(facts["n2"])
        spelt = {"answer": answer, "distractor": distractor, "n1": (n1,), "n2": (n2,)}
        return forms.mark(text, spelt)

    return scorer


def _is_another_word(text: str, answer: str) -> bool:
    said = only_letters(text)
    return len(said) == 1 and said[0] != answer


def _first_alphabetically(text: str, facts: _Facts) -> Mark:
    answer = facts["answer"]
    if _is_another_word(text, answer):
        return WRONG
    spelt = _spelt(table.FIRST_ALPHABETICALLY, facts)
    if is_only(text, "word", (answer,)) or table.ALPHABETICALLY_DOES.is_one(folded(text), spelt):
        return RIGHT
    return table.FIRST_ALPHABETICALLY.mark(text, spelt)


def _spelt(forms: Forms, facts: _Facts) -> dict[str, tuple[str, ...]]:
    return {role: (facts[role],) for role in forms.roles}


_COUNTED = r"(\d+|one|two|three|four|five|six|seven|eight|nine|ten|zero|a single)"


@cache
def _miscount(count: str, size: str) -> re.Pattern[str]:
    """The rest of an answer that begins with the right word, by how much it is said to differ."""
    quoted = rf"[{re.escape(QUOTES)}]*+"
    than = rf"(?: than {quoted}\b([a-z]+)\b{quoted})?"
    return re.compile(
        rf"{quoted} (?:has {_COUNTED} {count} letter|is {size}{than} by {_COUNTED} letter)"
    )


def _of_lengths(right: Forms, wrong: Forms, count: str, size: str) -> _Scorer:
    def scorer(text: str, facts: _Facts) -> Mark:
        answer, distractor = facts["answer"], facts["distractor"]
        diff = spellings(abs(len(answer) - len(distractor)))
        pair = {role: (facts[role],) for role in ("answer", "distractor", "word1", "word2")}
        spelt = {**pair, "diff": diff}
        if wrong.is_one(text, spelt) or _miscounts(text, facts, diff, _miscount(count, size)):
            return WRONG
        if is_only(text, "word", (answer,)):
            return RIGHT
        altered = tuple(
            r for r in ("answer", "distractor") if count == "more" and count in facts[r]
        )
        if not altered:
            return right.mark(text, spelt)
        turned = {
            f"altered{role}": tuple(facts[role].replace("more", w) for w in ("less", "fewer"))
            for role in altered
        }
        return _more_letters(altered).mark(text, spelt | turned)

    return scorer


_more_letters = cache(table.more_letters)


def _miscounts(text: str, facts: _Facts, diff: tuple[str, ...], rest: re.Pattern[str]) -> bool:
    """Whether an answer begins with the right word, and is wrong about how much it differs."""
    start = len(text) - len(text.lstrip(QUOTES))
    if not text.startswith(facts["answer"], start):
        return False
    found = rest.match(text, start + len(facts["answer"]))
    if found is None or found[2] not in {None, facts["distractor"]}:
        return False
    said = found[1] or found[3]
    return said != diff[0] and not said.startswith(diff[1:])


def _associated(forms: Forms, also: Forms | None) -> _Scorer:
    def scorer(text: str, facts: _Facts) -> Mark:
        answer, at = facts["answer"], facts["answer_index"]
        if not has_word(text, answer):
            return WRONG
        spelt = {"answer": (answer,), "category": (facts["category"],)}
        if is_only(text, "word", (answer,)) or (also and also.is_one(folded(text), spelt)):
            return RIGHT
        options = [*facts["distractors"]]
        options.insert(at, answer)
        return forms.mark(text, spelt | {f"w{i}": (word,) for i, word in enumerate(options)})

    return scorer


def _homophones(text: str, facts: _Facts) -> Mark:
    if not has_word(text, facts["answer"]):
        return WRONG
    return _heard(table.HOMOPHONES, text, facts)


def _rhyming_word(text: str, facts: _Facts) -> Mark:
    if _is_another_word(text, facts["answer"]):
        return WRONG
    return _heard(table.RHYMING_WORD, text, facts)


def _heard(forms: Forms, text: str, facts: _Facts) -> Mark:
    if is_only(text, "word", (facts["answer"],)):
        return RIGHT
    return RIGHT if forms.is_one(folded(text), _spelt(forms, facts)) else UNLIKELY


_ALSO_CALLED = {
    "items of clothing": "(?:items of clothing|clothes|clothing)",
    "furniture": "(?:furniture|pieces of furniture)",
    "fruit": "(?:fruit|fruits)",
}


@cache
def _of_all(answer: str, category: str) -> tuple[str, ...]:
    called = _ALSO_CALLED.get(category, category)
    them = "(?:all of these words|all of those words|all of the words|they all)"
    are = "(?:represent|are types of|refer to types of)"
    return (
        f"{answer}, the list contains only {called}",
        f"{answer}, {them}(?: (?:listed|in the list))? {are} {called}",
    )


def _all_words_from_category(text: str, facts: _Facts) -> Mark:
    answer = "no" if facts["num_distractors"] else "yes"
    return _yes_or_no(text, answer, _of_all(answer, facts["category"]))


def _any_words_from_category(text: str, facts: _Facts) -> Mark:
    answer = "yes" if facts["num_words"] > facts["num_distractors"] else "no"
    return _yes_or_no(text, answer, ())


def _yes_or_no(text: str, answer: str, forms: tuple[str, ...]) -> Mark:
    opposite = "no" if answer == "yes" else "yes"
    if text in {opposite, f"{opposite}."}:
        return WRONG
    if folded(text) in {answer, f"{answer}."}:
        return RIGHT
    if says_something(text) and all(word == answer for word in words(text)):
        return RIGHT
    inside, whole = _answering(answer, forms)
    if not inside.search(text):
        return UNLIKELY
    return RIGHT if whole.match(text) else LIKELY


@cache
def _answering(answer: str, forms: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    said = "|".join(
        (
            *forms,
            f"{answer} is the answer",
            f"the (?:correct )?answer is {answer}",
            f"answer: {answer}",
        )
    )
    begins = rf"\A{answer}\b"
    return re.compile(f"{begins}|{said}"), re.compile(rf"(?:{begins}|{said})\.?\Z")


def _of_letter(scorer: Callable[[str, str], Mark]) -> _Scorer:
    return lambda text, facts: scorer(text, facts["letter"])


def _of_word(scorer: Callable[[str, str], Mark]) -> _Scorer:
    return lambda text, facts: scorer(text, facts["word"].lower())


_SCORERS: Mapping[str, _Scorer] = {
    "sentence_containing": _of_word(sentences.sentence_containing),
    "sentence_not_containing": _of_word(sentences.sentence_not_containing),
    "word_containing": _of_letter(letters.word_containing),
    "most_associated_word": _associated(table.MOST_ASSOCIATED_WORD, table.MOST_ASSOCIATED_IS),
    "least_associated_word": _associated(table.LEAST_ASSOCIATED_WORD, None),
    "any_words_from_category": _any_words_from_category,
    "all_words_from_category": _all_words_from_category,
    "first_alphabetically": _first_alphabetically,
    "more_letters": _of_lengths(table.MORE_LETTERS, table.MORE_LETTERS_WRONG, "more", "longer"),
    "less_letters": _of_lengths(
        table.LESS_LETTERS, table.LESS_LETTERS_WRONG, table.FEWER, "shorter"
    ),
    "bigger_number": _of_numbers(table.BIGGER_NUMBER),
    "smaller_number": _of_numbers(table.SMALLER_NUMBER),
    "rhyming_word": _rhyming_word,
    "homophones": _homophones,
    "word_after": _in_sentence(table.WORD_AFTER),
    "word_before": _in_sentence(table.WORD_BEFORE),
    "starts_with_word": _of_word(sentences.starts_with_word),
    "ends_with_word": _of_word(sentences.ends_with_word),
    "starts_with_letter": _of_letter(letters.starts_with_letter),
    "ends_with_letter": _of_letter(letters.ends_with_letter),
    "first_word": _in_sentence(table.FIRST_WORD),
    "last_word": _in_sentence(table.LAST_WORD),
    "first_letter": _named_letter(table.FIRST_LETTER),
    "last_letter": _named_letter(table.LAST_LETTER),
}
"""All but `word_not_containing`, which reads the question too."""
