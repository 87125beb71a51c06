"""The forms that the published scorers accept, task by task: `<role>` is a place for a word.

Where upstream's patterns do not mean what they seem to, they are kept, with a word on it.

Source: https://github.com/aviaefrat/lmentry/tree/646ae9080dad00a194fa32cb0f330d7acf3ce60c/lmentry/scorers
"""

from collections.abc import Iterator, Sequence

from benchmarks.lmentry.forms import (
    LETTER,
    NUMBER,
    PLAIN,
    PLAIN_NUMBER,
    SENTENCE,
    TWO_WORDS,
    WORD,
    Forms,
    swapped,
)

_ANSWERS = (
    "<answer> is the answer",
    "the answer is <answer>",
    "the correct answer is <answer>",
    "answer: <answer>",
)
"""Forms of most tasks."""


def _exchanged(forms: Sequence[str], old: str, new: str, one: str, other: str) -> Iterator[str]:
    """The forms that hold some words, with their opposite, and said of the other thing."""
    return (swapped(form, one, other).replace(old, new) for form in forms if old in form)


def _letter(*forms: str) -> Forms:
    return Forms({"answer": LETTER, "word": WORD}, (*forms, *_ANSWERS))


FIRST_LETTER = _letter(
    "the first letter is <answer>",
    "the first letter (?:of|in) <word> is <answer>",
    "<answer> is the first letter (?:of|in) <word>",
    "<word> (?:starts|begins) with <answer>",
    "the letter that <word> (?:starts|begins) with is <answer>",
    "<answer> is the starting letter (?:of|in) <word>",
    "<word>: <answer>",
    "first letter: <answer>",
)
LAST_LETTER = _letter(
    "the last letter is <answer>",
    "the last letter (?:of|in) <word> is <answer>",
    "<answer> is the last letter (?:of|in) <word>",
    "<word> ends with <answer>",
    "the letter that <word> ends with is <answer>",
    "<answer> is the final letter (?:of|in) <word>",
    "<word>: <answer>",
    "last letter: <answer>",
)


def _of_sentence(forms: Sequence[str], *roles: str) -> Forms:
    kinds = {**dict.fromkeys(("answer", *roles), WORD), "sentence": SENTENCE}
    before, after = ("in <sentence> ",), (" (?:of|in) <sentence>",)
    return Forms(kinds, (*forms, *_ANSWERS), before, after)


# Upstream lowers `\W+` to `\w+`: "first word: cat" is no form, "first words, cat" is none either.
FIRST_WORD = _of_sentence(
    (
        "the first word is <answer>",
        "the first word (?:of|in) <sentence> is <answer>",
        "<answer> is the first word",
        "<sentence> begins with <answer>",
        r"first word\w+<answer>",
    )
)
LAST_WORD = _of_sentence(
    (
        "the last word is <answer>",
        "the last word (?:of|in) <sentence> is <answer>",
        "<answer> is the last word",
        "<sentence> ends with <answer>",
        r"first word\w+<answer>",  # "first" upstream too
    )
)

_AFTER = "(?:immediately |right )?after"
_BEFORE = "(?:immediately |right )?before"
_SUCCEEDS = "(?:immediately )?succeeds"
_PRECEDES = "(?:immediately )?precedes"
_FOLLOWS = "(?:immediately )?follows"
_WORD_AFTER = (
    f"<answer> comes {_AFTER} <query>",
    f"<answer> is the word that comes {_AFTER} <query>",
    f"<answer> {_SUCCEEDS} <query>",
    f"<answer> is the word that {_SUCCEEDS} <query>",
    f"<answer> {_FOLLOWS} <query>",
    f"the word that comes {_AFTER} <query> is <answer>",
    f"the word that comes {_AFTER} <query> in <sentence> is <answer>",
    f"the word that {_SUCCEEDS} <query> is <answer>",
    f"the word that {_FOLLOWS} <query> is <answer>",
    "<query> is succeeded by <answer>",
    "<query> is followed by <answer>",
)
_WORD_BEFORE = (
    f"<answer> comes {_BEFORE} <query>",
    f"<answer> is the word that comes {_BEFORE} <query>",
    f"<answer> {_PRECEDES} <query>",
    f"<answer> is the word that {_PRECEDES} <query>",
    "<answer> is followed by <query>",
    f"the word that comes {_BEFORE} <query> is <answer>",
    f"the word that comes {_BEFORE} <query> in <sentence> is <answer>",
    f"the word that {_PRECEDES} <query> is <answer>",
    f"the word that {_FOLLOWS} <answer> is <query>",
    "<answer> is succeeded by <query>",
    f"<query> {_FOLLOWS} <answer>",
)
# Upstream means "precedes" and "succeeds" to be exchanged too, but looks for the wrong one of them.
WORD_AFTER = _of_sentence(
    (*_WORD_AFTER, *_exchanged(_WORD_AFTER, _AFTER, _BEFORE, "answer", "query")), "query"
)
WORD_BEFORE = _of_sentence(
    (
        *_WORD_BEFORE,
        *_exchanged(_WORD_BEFORE, _BEFORE, _AFTER, "answer", "query"),
    ),
    "query",
)


def _number(adjective: str, opposite: str) -> Forms:
    forms = (
        f"<answer> is {adjective}",
        f"<answer> is {adjective} than <distractor>",
        f"<answer> is the {adjective} number",
        f"the {adjective} number is <answer>",
    )
    others = _exchanged(forms, adjective, opposite, "answer", "distractor")
    kinds = {"answer": NUMBER, "distractor": NUMBER, "n1": PLAIN, "n2": PLAIN}
    before = ("(?:of|from|between) the numbers <n1> and <n2>, ",)
    return Forms(kinds, (*forms, *others, *_ANSWERS), before)


BIGGER_NUMBER = _number("(?:bigger|larger)", "smaller")
SMALLER_NUMBER = _number("smaller", "(?:bigger|larger)")

_PAIR = {"answer": WORD, "distractor": WORD, "word1": WORD, "word2": WORD}
FIRST_ALPHABETICALLY = Forms(
    _PAIR,
    (
        "<answer> (?:comes|is) first",
        "<distractor> (?:comes|is) second",
        "<distractor> (?:comes|is) after",
        "<answer> (?:comes|is) before <distractor>",
        "<distractor> (?:comes|is) after <answer>",
        *_ANSWERS,
    ),
    before=(
        "alphabetically, ",
        "in an alphabetical order, ",
        "in alphabetical order, ",
        "of the words <word1> and <word2>, ",
    ),
    after=(
        " alphabetically",
        " in an alphabetical order",
        " in alphabetical order",
        " in the dictionary",
    ),
)
ALPHABETICALLY_DOES = Forms({"answer": WORD}, ("<answer>", "<answer> does"))

FEWER = "(?:less|fewer)"
_LENGTHS = {**_PAIR, "diff": PLAIN_NUMBER}


def _of_lengths(count: str, size: str, one: str, other: str) -> list[str]:
    """Forms that say `one` has more (or fewer) letters, is longer (or shorter)."""
    return [
        f"<{one}> has {count} letters",
        f"<{one}> has {count} letters than <{other}>",
        f"<{one}> has <diff> {count} letter(?:s)?",
        f"<{one}> has <diff> {count} letter(?:s)? than <{other}>",
        f"the word that has {count} letters is <{one}>",
        f"<{one}> is the word that has {count} letters",
        f"<{one}> is {size}",
        f"<{one}> is {size} than <{other}>",
        f"<{one}> is {size} than <{other}> by <diff> letter(?:s)?",
        f"the {size} word is <{one}>",
        f"the word that is {size} is <{one}>",
        f"<{one}> is the word that is {size}",
    ]


def _lengths(forms: list[str], *altered: str) -> Forms:
    kinds = {**_LENGTHS, **dict.fromkeys(altered, TWO_WORDS)}
    before = ("(?:of|from) the words <word1> and <word2>, ",)
    return Forms(kinds, (*dict.fromkeys(forms), *_ANSWERS), before)


def _opposed(forms: list[str], old: str, new: str) -> list[str]:
    return [*forms, *_exchanged(forms, old, new, "answer", "distractor")]


def more_letters(altered: Sequence[str]) -> Forms:
    """The forms of `more_letters`.

    Upstream finds and replaces "more" in whole patterns, an example's words included. Where a word
    itself holds "more", every form is turned round, and says of the word what nobody would say.

    Args:
        altered: Roles whose word holds "more"; what becomes of it is spelt under `altered` + role.
    """
    forms = _of_lengths("more", "longer", "answer", "distractor")
    turned = [
        swapped(form, "answer", "distractor").replace("more", FEWER)
        for form in forms
        if "more" in form or any(f"<{role}>" in form for role in altered)
    ]
    for role in altered:
        turned = [form.replace(f"<{role}>", f"<altered{role}>") for form in turned]
    both = _opposed([*forms, *turned], "longer", "shorter")
    return _lengths(both, *(f"altered{role}" for role in altered))


MORE_LETTERS = more_letters(())
LESS_LETTERS = _lengths(
    _opposed(
        _opposed(_of_lengths(FEWER, "shorter", "answer", "distractor"), FEWER, "more"),
        "shorter",
        "longer",
    )
)


def _of_wrong(count: str, size: str) -> Forms:
    forms = _of_lengths(count, size, "distractor", "answer")
    by = f"<distractor> is {size} by <diff> letter(?:s)?"
    return Forms(_LENGTHS, ("<distractor>", *forms, by))


MORE_LETTERS_WRONG = _of_wrong("more", "longer")
LESS_LETTERS_WRONG = _of_wrong(FEWER, "shorter")

_W = r"[^a-z0-9_\0]"
_LISTED = rf"(?:the words )?{_W}*+<w0>{_W}++<w1>{_W}++<w2>{_W}++<w3>{_W}++(?:and{_W}++)?<w4>{_W}+"
_OPTIONS, _GIVEN = "(?:words|options)", "(?:above|given|listed|following)"
_AMONG = f"(?:of|from) (?:{_LISTED}|the {_OPTIONS} {_GIVEN}|the {_GIVEN} {_OPTIONS})"


def _associated(most: str) -> Forms:
    related = f"{most}(?: commonly)? (?:associated|related) (?:to|with)"
    forms = (
        f"the word {related} <category> is <answer>",
        f"the word {related} <category> {_AMONG} is <answer>",
        f"<category> (?:is|are) {related} <answer>",
        f"<answer> (?:is|are) the {related} <category>",
        f"<answer> (?:is|are) the word {related} <category>",
        f"the word that relates to <category> the {most} is <answer>",
        f"<answer> relates to <category> the {most}",
    )
    others = _exchanged(forms, most, most, "answer", "category")
    kinds = {"answer": WORD, "category": WORD, **{f"w{i}": PLAIN for i in range(5)}}
    return Forms(kinds, (*forms, *others, *_ANSWERS), (rf"{_AMONG}{_W}*+",), (rf"{_W}*+{_AMONG}",))


MOST_ASSOCIATED_WORD = _associated("most")
LEAST_ASSOCIATED_WORD = _associated("least")
MOST_ASSOCIATED_IS = Forms(
    {"answer": WORD, "category": WORD}, ("<answer>", "<category> - <answer>")
)

_HEARD = {"answer": WORD, "query": WORD, "distractor": WORD}


def _either_way(forms: Sequence[str], more: Sequence[str] = ()) -> Forms:
    turned = (swapped(form, "answer", "query") for form in forms)
    return Forms(_HEARD, (*forms, *turned, *more))


_LIKE = "(?:like|similar to)"
_BUT = r"(?:\.,)? (?:but|and)"
HOMOPHONES = _either_way(
    (
        f"<query> sounds {_LIKE} <answer>",
        f"<query> sounds {_LIKE} <answer>{_BUT} not {_LIKE} <distractor>",
        f"<query> sounds {_LIKE} <answer>{_BUT} <distractor> does not",
        "<query> and <answer> sound alike",
        f"<query> sounds more {_LIKE} <answer>",
        f"<query> sounds more {_LIKE} <answer> than(?: like)? <distractor>(?: does)?",
        f"<query> sounds most {_LIKE} <answer>",
        "<query> is a homophone of <answer>",
        "<query> and <answer> are homophones(?: of each other)?",
        "the homophone of <query> is <answer>",
    )
)

_DOES_NOT = "(?:does not|doesn't)"
_RHYMES = "(?:rhymes|does rhyme)"
_BOTH_RHYME = "<query> and <answer>(?: both)? rhyme"
_BUT_NOT = f"(?:while|but|and) <distractor> {_DOES_NOT}"
RHYMING_WORD = _either_way(
    (
        "<query> rhymes with <answer>(?: and not with <distractor>)?",
        "<query> is (?:a|the) rhyme of <answer>(?: and not of <distractor>)?",
        "<query> and <answer> rhyme",
        "<query> and <answer> are rhymes",
        "<query> and <answer> are words that rhyme",
        "(?:a|the) rhyme of <query> is <answer>(?: and not <distractor>)?",
        "(?:a|the) word rhyming with <query> is <answer>",
        "(?:a|the) word that rhymes with <query> is <answer>",
        f"{_BOTH_RHYME}(?: with each other)?, {_BUT_NOT} rhyme with either(?: word)?",
    ),
    (
        rf"<distractor> {_DOES_NOT} rhyme with <query>(?:\s+<answer> {_RHYMES} with <query>)?",
        rf"<query> {_DOES_NOT} rhyme with <distractor>(?:\s+<query> {_RHYMES} with <answer>)?",
        rf"<answer> rhymes with <query>\s+<distractor> {_DOES_NOT} rhyme with <query>",
    ),
)
