"""The four tasks that ask for any word with, or without, a letter: any such word is right.

A word is looked at once, so that an answer of any length is read in time linear in it.

Source: the scorers of https://github.com/aviaefrat/lmentry/tree/646ae9080dad00a194fa32cb0f330d7acf3ce60c
"""

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

from benchmarks.lmentry.answer import (
    LIKELY,
    QUOTES,
    RIGHT,
    UNLIKELY,
    WRONG,
    Mark,
    folded,
    only_letters,
    says_something,
    words,
)

_Q = rf"[{re.escape(QUOTES)}]"
_ALONE = {"a", "i"}
"""Letters that are words."""
_THAT, _CONTAINS = "(?:that|which)", "(?:contains|uses|has)"
_LACKS = "(?:does not|doesn't) (?:contain|use|have)"


class _Patterns(NamedTuple):
    """What is sought for one letter."""

    word: re.Pattern[str]
    """A word that is right, and nothing else."""
    inside: re.Pattern[str]
    """A form, anywhere."""
    whole: re.Pattern[str]
    """A form, and nothing else."""


def _patterns(letter: str, word: str, led: Sequence[str], forms: Sequence[str]) -> _Patterns:
    """Patterns of one letter.

    Args:
        letter: In lower case.
        word: A word that is right.
        led: What may follow it in a form that begins with it.
        forms: The others.
    """
    named = _named(word)
    tails = "|".join(led)
    others = "|".join(form.format(word=named, letter=_letter(letter)) for form in forms)
    # What may precede a word or letter that begins a form is left out where forms are sought.
    sought = "|".join(form.format(word=named, letter=_bare(letter)) for form in forms)
    return _Patterns(
        re.compile(rf"{named}\Z"),
        re.compile(rf"{_bare(word)}(?:{tails})|{sought}"),
        re.compile(rf"(?:{named}(?:{tails})|{others})\.?\Z"),
    )


def _named(word: str) -> str:
    return rf"(?:the word )?{_Q}*+{_bare(word)}"


def _letter(letter: str) -> str:
    return rf"(?:the letter )?{_Q}*+{_bare(letter)}"


def _bare(word: str) -> str:
    return rf"\b(?:{word})\b{_Q}*+"


_IS_THE_ANSWER = " is the answer"
_ANSWERS = ("the answer is {word}", "the correct answer is {word}", "answer: {word}")
_OFFERS = (
    "(?:a|one) possible(?: such)? (?:word|answer) is {word}",
    "how about {word}",
    "may i suggest {word}",
)
_IS_POSSIBLE = " is (?:a|one) possible(?: such)? (?:word|answer)"
_IS_A_WORD = " is (?:a|one) word"
_IS_A = " is a word"


@cache
def _starting(letter: str) -> _Patterns:
    some = "*" if letter in _ALONE else "+"
    named = _letter(letter)
    starts, starting = "(?:starts|begins)", "(?:starting|beginning)"
    led = (
        _IS_POSSIBLE,
        f" {starts} with {named}",
        f"{_IS_A_WORD} that {starts} with {named}",
        f"{_IS_A_WORD} {starting} with {named}",
        f"{_IS_A_WORD} whose first letter is {named}",
        _IS_THE_ANSWER,
    )
    forms = (f"a word starting with {named} is {{word}}", "{letter} is for {word}")
    # A hyphen after the letter: e-mail, x-ray.
    return _patterns(letter, rf"{letter}-?\w{some}", led, (*_OFFERS, *forms, *_ANSWERS))


@cache
def _ending(letter: str) -> _Patterns:
    some = "*" if letter in _ALONE else "+"
    named = _letter(letter)
    word = rf"(?=\w{some}{letter}\b)\w++"
    led = (
        _IS_POSSIBLE,
        f" ends with {named}",
        f"{_IS_A_WORD} that ends with {named}",
        f"{_IS_A_WORD} ending with {named}",
        # Upstream lacks a comma here, and so makes one form of two.
        f"{_IS_A_WORD} whose last letter is {named}how about {_named(word)}",
        _IS_THE_ANSWER,
    )
    offers = [form for form in _OFFERS if not form.startswith("how")]
    forms = (f"a word ending with {named} is {{word}}",)
    return _patterns(letter, word, led, (*offers, *forms, *_ANSWERS))


@cache
def _containing(letter: str) -> _Patterns:
    holds = rf"(?=[^\W{letter}]*{letter})\w"
    word = rf"{holds}++" if letter in _ALONE else rf"{holds}\w++|{letter}-\w++"
    led = (f"(?:{_IS_A} {_THAT})? {_CONTAINS} {_letter(letter)}", _IS_THE_ANSWER)
    return _patterns(letter, word, led, _ANSWERS)


@cache
def _without(letter: str) -> _Patterns:
    letters = "abcdefghijklmnopqrstuvwxyz".replace(letter, "")
    word = "|".join([rf"[{letters}][{letters}]++\b", *sorted(_ALONE - {letter})])
    named = _letter(letter)
    led = (f"(?:{_IS_A} {_THAT})? {_LACKS} {named}", f"{_IS_A} without {named}")
    forms = (
        f"a word {_THAT} {_LACKS} {named} is {{word}}",
        f"a word not (?:containing|using|having) {named} is {{word}}",
    )
    return _patterns(letter, word, led, forms)


def _mark(text: str, patterns: _Patterns, is_right: Callable[[str], bool] | None) -> Mark:
    """What the published order of rules gives.

    Args:
        text: Normal.
        patterns: Of the letter.
        is_right: Which plain words are right where an answer may be a row of them.
    """
    if says_something(text):
        if patterns.word.match(folded(text)):
            return RIGHT
        if is_right and all(map(is_right, words(text))):
            return RIGHT
    if not patterns.inside.search(text):
        return UNLIKELY
    return RIGHT if patterns.whole.match(text) else LIKELY


def starts_with_letter(text: str, letter: str) -> Mark:
    """Of an answer that should be a word beginning so."""
    if not any(word[0] == letter for word in only_letters(text)):
        return WRONG
    least = 1 if letter in _ALONE else 2
    return _mark(text, _starting(letter), lambda w: w[0] == letter and len(w) >= least)


def ends_with_letter(text: str, letter: str) -> Mark:
    """Of an answer that should be a word ending so."""
    if not any(word[-1] == letter for word in only_letters(text)):
        return WRONG
    least = 1 if letter in _ALONE else 2
    return _mark(text, _ending(letter), lambda w: w[-1] == letter and len(w) >= least)


def word_containing(text: str, letter: str) -> Mark:
    """Of an answer that should be a word with the letter in it."""
    least = 1 if letter in _ALONE else 2
    return _mark(text, _containing(letter), lambda w: letter in w and len(w) >= least)


def word_not_containing(text: str, letter: str, question: str) -> Mark:
    """Of an answer that should be a word without the letter.

    Args:
        text: Normal.
        letter: In lower case.
        question: What was asked; an answer that repeats it, for any letter, is wrong.
    """
    if _repeats(text, normal_question(question), letter):
        return WRONG
    if letter in text and not re.search(r"\W", text):
        return WRONG
    return _mark(text, _without(letter), None)


def _repeats(text: str, question: str, letter: str) -> bool:
    """Whether an answer is the question, be it of another letter."""
    before, named, after = question.partition(f'"{letter}"')
    if not named:
        return text == question
    between = text[len(before) + 1 : len(text) - len(after) - 1]
    whole = text == f'{before}"{between}"{after}'
    return whole and len(between) == 1 and between.isalnum()


def normal_question(question: str) -> str:
    """The question as upstream makes a pattern of it: in lower case, with single spaces."""
    return re.sub(" +", " ", question.strip().lower())
