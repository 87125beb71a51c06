"""Sentence forms with places for an example's own words, sought in an answer in bounded time.

Compiling the forms anew for each example's words is what takes the published scorers their time.
Here each task's forms are compiled once: the words follow the answer, behind NUL characters, and
the pattern first looks ahead to them, so that a place in a form is a reference back to a word.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

from benchmarks.lmentry.answer import LIKELY, QUOTES, RIGHT, UNLIKELY, Mark

Spellings = Mapping[str, Sequence[str]]
"""Each role's words in one example, as often as its kind has spellings."""

_Q = r"[\"'.,]"
_SLOT = re.compile("<([a-z0-9]+)>")


class Kind(NamedTuple):
    """What stands at a place in a form."""

    pattern: str
    """With {0} for its spellings, {1} for what the quotes behind it may give back."""
    bare: str
    """The same where it begins what is sought: whatever may precede it is left out."""
    n: int = 1
    """Spellings."""


def _named(noun: str, n: int = 1) -> Kind:
    return Kind(rf"(?:the {noun} )?{_Q}*+\b{{0}}\b{_Q}*{{1}}", rf"\b{{0}}\b{_Q}*{{1}}", n)


WORD = _named("word")
LETTER = _named("letter")
NUMBER = _named("number", 3)
PLAIN_NUMBER = Kind(r"\b{0}\b", r"\b{0}\b", 3)
PLAIN = Kind("{0}", "{0}")
TWO_WORDS = _named("word", 2)
SENTENCE = Kind(
    rf"(?:(?:the sentence )?{_Q}*+{{0}}{_Q}*{{1}}|the sentence)",
    rf"(?:{{0}}{_Q}*{{1}}|the sentence)",
)


@dataclass(frozen=True)
class Forms:
    """The forms of right answers of one task.

    A form is a regular expression in lower case whose places, like `<answer>`, are roles.
    """

    roles: Mapping[str, Kind]
    forms: Sequence[str]
    before: Sequence[str] = ()
    """What may precede a form in an answer that is a form as a whole."""
    after: Sequence[str] = ()
    """What may follow it."""

    def mark(self, text: str, spelt: Spellings) -> Mark:
        """What the forms say of an answer: it is one, it holds one, or neither."""
        subject = self.subject(text, spelt)
        if not self._holds(text, subject, spelt):
            return UNLIKELY
        return RIGHT if self._whole.match(subject) else LIKELY

    def is_one(self, text: str, spelt: Spellings) -> bool:
        """Whether the whole answer is a form."""
        return self._whole.match(self.subject(text, spelt)) is not None

    def subject(self, text: str, spelt: Spellings) -> str:
        """The answer, and behind it the words that the forms refer to."""
        text = text.replace("\0", "\1")
        return "\0".join([text, *(one for role in self.roles for one in spelt[role])])

    def _holds(self, text: str, subject: str, spelt: Spellings) -> bool:
        return any(
            pattern.match(subject, at)
            for lead, pattern in self._sought
            for at in _starts(text, self._leads(lead, spelt))
        )

    def _leads(self, lead: str, spelt: Spellings) -> Sequence[str]:
        role = _SLOT.fullmatch(lead)
        if role is None:
            return (lead,)
        known = spelt[role[1]]
        return (*known, "the sentence") if self.roles[role[1]] is SENTENCE else known

    @cached_property
    def _sought(self) -> list[tuple[str, re.Pattern[str]]]:
        """For each way in which forms begin, a word's role or some letters, the forms."""
        led = groupby(sorted(self.forms, key=_lead), key=_lead)
        return [(lead, self._compiled([self._filled(f, lead) for f in some])) for lead, some in led]

    @cached_property
    def _whole(self) -> re.Pattern[str]:
        parts = (self.before, self.forms, self.after)
        before, forms, after = ("|".join(map(self._filled, part)) for part in parts)
        end = "".join(rf"\0(?P={name})" for name in self._names)
        return self._compiled([rf"(?:{before}|)(?:{forms})(?:{after}|)\.?{end}\Z"])

    def _compiled(self, forms: Sequence[str]) -> re.Pattern[str]:
        words = "".join(rf"\0(?P<{name}>[^\0]*)" for name in self._names)
        return re.compile(rf"(?=(?s:.*){words}\Z)(?:{'|'.join(forms)})")

    @cached_property
    def _names(self) -> list[str]:
        return [f"{role}{i}" for role, kind in self.roles.items() for i in range(kind.n)]

    def _filled(self, form: str, lead: str = "") -> str:
        def fill(place: re.Match[str]) -> str:
            role = self.roles[place[1]]
            pattern = role.bare if place.start() == 0 and lead else role.pattern
            known = "|".join(f"(?P={place[1]}{i})" for i in range(role.n))
            # Quotes are kept for good, unless the form goes on with one of them.
            keeps = "" if form[place.end() : place.end() + 1] in {*QUOTES} else "+"
            return pattern.format(f"(?:{known})", keeps)

        return _SLOT.sub(fill, form)


def _lead(form: str) -> str:
    """The place, or else the letters, that a form begins with."""
    role = _SLOT.match(form)
    return role[0] if role else re.split(r"[<(\\]", form, maxsplit=1)[0]


def _starts(text: str, leads: Sequence[str]) -> Iterator[int]:
    for lead in leads:
        at = text.find(lead)
        while at >= 0:
            yield at
            at = text.find(lead, at + 1)


def swapped(form: str, one: str, other: str) -> str:
    """The form with two roles exchanged."""
    turned = {f"<{one}>": f"<{other}>", f"<{other}>": f"<{one}>"}
    return re.sub("<[a-z0-9]+>", lambda place: turned.get(place[0], place[0]), form)
