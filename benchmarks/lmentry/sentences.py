"""The four tasks that ask for any sentence with, or without, a word.

The published patterns hold `.*` before and after other repeats, and take hours for a long answer;
what they ask for is checked here part by part, each in one pass. In the comments, GAP is whatever
may stand between words, and OTHER the least that they take for another word.

Source: the scorers of https://github.com/aviaefrat/lmentry/tree/646ae9080dad00a194fa32cb0f330d7acf3ce60c
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from benchmarks.lmentry.answer import (
    LIKELY,
    QUOTES,
    RIGHT,
    UNLIKELY,
    WRONG,
    Mark,
    folded,
    has_word,
    only_letters,
    places,
)

_GAP = re.compile("[^a-z0-9_]*")
_QUOTED = re.compile(rf"[{re.escape(QUOTES)}]*")
_OTHER = re.compile(r"[ai]|\w\w")
_TWO_SIGNS = re.compile(r"\w\w")
_NAMED = "the word "
_IS_THE_ANSWER = " is the answer"
_ANSWERS = ("", "the answer is ", "the correct answer is ", "answer: ")

_STARTING = re.compile(
    "the sentence|(?:a|one) sentence (?:that starts with|starting with|whose first word is) "
)
_STARTED = re.compile(
    "(?:starts with|is a sentence starting with|is a sentence whose first word is) "
)
_ENDING = re.compile(
    "the sentence|(?:a|one) sentence (?:(that ends with)|ending with|whose (?:last|final) word is) "
)


def sentence_containing(text: str, word: str) -> Mark:
    """Of an answer that should be a sentence with the word: a line with more than the word."""
    for at in places(text, word):
        end = at + len(word)
        around = (text[at - 1] if at else "") + text[end : end + 1]
        if around.strip("\n"):
            return RIGHT
    return WRONG


def sentence_not_containing(text: str, word: str) -> Mark:
    """Of an answer that should be a sentence of two words or more, none of them the word."""
    if has_word(text, word):
        return WRONG
    n = len(only_letters(text))
    if n < 2:
        return UNLIKELY if n else WRONG
    return LIKELY if word in text else RIGHT


def starts_with_word(text: str, word: str) -> Mark:
    """Of an answer that should be a sentence whose first word is the word, and not its only one."""
    if not has_word(text, word):
        return WRONG
    plain = _Lines(folded(text))
    if any(plain.go_on(end, len(plain.text)) for end in _opened(plain.text, 0, word)):
        return RIGHT
    if "sentence" not in text:
        return UNLIKELY
    lines = _Lines(text)
    started = [
        (found.start(), end)
        for found in _STARTED.finditer(text)
        for end in _names(text, found.end(), word)
    ]
    last = [start for start, end in started if not text[end:].strip(QUOTES)]
    every = [start for start, _ in started]
    openings = [o for o in _announced(text, word) if lines.go_on_to(o.end, every)]
    if not openings:
        return UNLIKELY
    known = any(o.start == 0 and lines.go_on_to(o.end, last) for o in openings)
    return RIGHT if known else LIKELY


def ends_with_word(text: str, word: str) -> Mark:
    """Of an answer that should be a sentence whose last word is the word, and not its only one."""
    if not has_word(text, word):
        return WRONG
    plain = folded(text)
    if any(_came(plain, 0, start) for start in _closed(plain, word)):
        return RIGHT
    if "sentence" not in text:
        return UNLIKELY
    mark = _announced_ending(text, word)
    if text.endswith(_IS_THE_ANSWER):
        mark = max(mark, _announced_ending(text.removesuffix(_IS_THE_ANSWER), word))
    return mark


class _Span(NamedTuple):
    start: int
    end: int


class _Lines:
    """A text whose line ends are known."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._ends = [found.start() for found in re.finditer("\n", text)]

    def go_on(self, end: int, stop: int) -> bool:
        """Whether, from a word's end, GAP, OTHER and no line end follow until `stop`."""
        before = bisect_left(self._ends, stop)
        line = self._ends[before - 1] + 1 if before else 0
        gap = _end_of(_GAP, self.text, end)
        other = _OTHER.search(self.text, max(end + 1, line), min(stop, gap + 2))
        return other is not None and other.start() <= gap

    def go_on_to(self, end: int, stops: Sequence[int]) -> bool:
        """Whether they follow until one of some places, which are in order."""
        # OTHER has two signs and begins no later than GAP ends: the third place is far enough.
        first = bisect_left(stops, _end_of(_GAP, self.text, end))
        return any(self.go_on(end, stop) for stop in stops[first : first + 3])


def _end_of(repeated: re.Pattern[str], text: str, at: int) -> int:
    found = repeated.match(text, at)
    return found.end() if found else at


def _names(text: str, at: int, word: str) -> Iterator[int]:
    """Where the word ends if it is named at a place, in quotes or not, as "the word" or not."""
    starts = [at, at + len(_NAMED)] if text.startswith(_NAMED, at) else [at]
    for start in starts:
        begin = _end_of(_QUOTED, text, start)
        end = begin + len(word)
        apart = not (begin and text[begin - 1].isalnum()) and not text[end : end + 1].isalnum()
        if apart and text.startswith(word, begin):
            yield end


def _opened(text: str, at: int, word: str) -> Iterator[int]:
    """Where the word ends if it comes first after a place: GAP, the word."""
    return _names(text, _end_of(_GAP, text, at), word)


def _announced(text: str, word: str) -> Iterator[_Span]:
    """Every "The sentence is", "A sentence starting with WORD" and so on before the word."""
    for found in _STARTING.finditer(text):
        named = found[0].endswith(" ")
        for end in _names(text, found.end(), word) if named else (found.end(),):
            begin = _end_of(_QUOTED, text, end) if named else end
            begins = [begin, begin + 3] if text.startswith(" is", begin) else [begin]
            for at in begins:
                for lead in _ANSWERS:
                    if text.startswith(lead, at):
                        for word_end in _opened(text, at + len(lead), word):
                            yield _Span(found.start(), word_end)


def _closed(text: str, word: str) -> Iterator[int]:
    """Where the word's name begins if nothing but GAP follows it."""
    at = text.rfind(word)
    end = at + len(word)
    apart = not (at > 0 and text[at - 1].isalnum()) and not text[end : end + 1].isalnum()
    if at < 0 or not apart or _end_of(_GAP, text, end) < len(text):
        return
    yield at
    named = text[:at].rstrip(QUOTES)
    if named.endswith(_NAMED):
        yield len(named) - len(_NAMED)


def _gap_before(text: str, at: int) -> int:
    """Where the GAP begins that ends at a place."""
    return at - _end_of(_GAP, text[:at][::-1], 0)


def _came(text: str, begin: int, at: int) -> bool:
    """Whether, from a beginning, OTHER and GAP came before a place, OTHER on the same line."""
    gap = _gap_before(text, at)
    line = text.find("\n", begin)
    stop = min(at - 1, line if line >= 0 else at)
    if gap > stop:
        return False
    letter = gap > begin and text[gap - 1] in "ai"
    return letter or _TWO_SIGNS.search(text, max(begin, gap - 2), stop) is not None


def _announced_ending(text: str, word: str) -> Mark:
    """What "The sentence", "A sentence ending with WORD" and so on before the sentence make it."""
    announced = list(_announcements(text, word))
    marks = [UNLIKELY]
    for start in _closed(text, word):
        line = text.rfind("\n", 0, _gap_before(text, start)) + 1
        on_line = [span for span in announced if span.end >= line]
        if any(_came(text, span.end, start) for span in on_line[:1]):
            first = [span for span in on_line if span.start == 0]
            marks.append(RIGHT if any(_came(text, s.end, start) for s in first) else LIKELY)
    return max(marks)


def _announcements(text: str, word: str) -> Iterator[_Span]:
    for found in _ENDING.finditer(text):
        if not found[0].endswith(" "):
            yield _Span(found.start(), found.end())
            continue
        for end in _names(text, found.end(), word):
            if found[1] is None:
                yield _Span(found.start(), end)
            elif text.startswith(" ", _end_of(_QUOTED, text, end)):
                yield _Span(found.start(), _end_of(_QUOTED, text, end) + 1)
