"""Classes of prompts, by which win rates are broken down: category, complexity, expected length.

A model is asked two questions about each prompt, in our own words, and must end in the form asked;
what it says off form is unread. A file of classes is JSON lines, a row for each prompt:

    {"id": "alpaca_eval/0", "instruction": "…", "category": "Cooking / Recipes", "complexity": 3,
     "expected_length": "1 paragraph"}

A class that is unread is null. Rows are found by "id", or by "instruction" where there is no id.

Source: arXiv 2401.10020, appendix A.6: the classes, and how many of AlpacaEval's 805 prompts GPT-4
put into each (tables 6 to 8). The percentages printed there were adjusted to add up to 100.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from harness.errors import DataError
from harness.types import Decoding, Generation, Prompt, Rows

PUBLISHED: Mapping[str, Mapping[str, int]] = {
    "category": {
        "Science / Technology / Engineering": 134,
        "Professional / Business / Marketing": 77,
        "Social Interaction / Relationships / Human Behavior": 68,
        "Miscellaneous / Other": 61,
        "Mathematics / Logical Reasoning": 52,
        "Cooking / Recipes": 48,
        "Software Development / Coding / Algorithms": 44,
        "Travel / Geography / Exploration": 41,
        "Literature / Writing / Communication": 39,
        "History / Social Studies": 38,
        "Entertainment / Media Analysis": 34,
        "Language Learning / Linguistics": 32,
        "Music / Audio / Arts": 30,
        "DIY Projects / Hobbies": 24,
        "Technology / Gadgets / Consumer Products": 20,
        "Gaming / Game Development": 18,
        "Exercise / Health / Wellness": 16,
        "Philosophy / Ethics / Ideology": 15,
        "Sports / Athletics / Physical Activity": 12,
        "Strategy / Problem-Solving / Critical Thinking": 2,
    },
    "complexity": {
        "1": 34,
        "2": 206,
        "3": 238,
        "4": 122,
        "5": 68,
        "6": 79,
        "7": 41,
        "8": 14,
        "9": 3,
        "10": 0,
    },
    "expected_length": {
        "1 sentence": 143,
        "1-3 sentences": 361,
        "1 paragraph": 269,
        "2 paragraphs": 31,
        "3 or more paragraphs": 1,
    },
}
"""How many of AlpacaEval's prompts are of each class, by kind of class."""

KINDS = tuple(PUBLISHED)


class Classes(NamedTuple):
    """The classes of one prompt; None is unread."""

    category: str | None
    complexity: str | None
    expected_length: str | None


_DECODING = Decoding(max_tokens=256)

_ABOUT = (
    "Below is what a user asked an assistant. Do not answer it; say what kind of request it is.\n\n"
    "<request>\n{asked}\n</request>\n\n"
)
_CATEGORY = (
    "Which one of these subjects fits the request best?\n\n"
    + "\n".join(f"- {name}" for name in PUBLISHED["category"])
    + "\n\nThink in one sentence at most. Then end with a line of this form, with the subject "
    "copied exactly:\nCategory: <subject>"
)
_DEMANDS = (
    "First, how hard is the request to answer well? 1 is a matter of common knowledge, 10 needs "
    "an expert who thinks for long. Second, how long would a good answer be? Choose one of: "
    + ", ".join(PUBLISHED["expected_length"])
    + ".\n\nThink in one sentence at most. Then end with two lines of this form:\n"
    "Complexity: <whole number from 1 to 10>\nLength: <your choice, copied exactly>"
)
_FIELDS = {"category": "Category", "complexity": "Complexity", "expected_length": "Length"}


def questions(prompts: Sequence[Prompt]) -> list[Prompt]:
    """What is asked about prompts: of each its category, then its complexity and length."""
    return [
        Prompt(f"{prompt.id}/{kind}", (_ABOUT.format(asked=_said(prompt)) + question,), _DECODING)
        for prompt in prompts
        for kind, question in (("category", _CATEGORY), ("demands", _DEMANDS))
    ]


def read_answers(answers: Sequence[Generation]) -> list[Classes]:
    """The classes of each prompt, from the answers to `questions`, two by two."""
    return [
        Classes(
            read_class(one, "category"),
            read_class(other, "complexity"),
            read_class(other, "expected_length"),
        )
        for one, other in zip(answers[::2], answers[1::2], strict=True)
    ]


def read_class(answer: Generation, kind: str) -> str | None:
    """The last class of a kind that the answer gives in the form asked, or None."""
    said = re.findall(rf"^{_FIELDS[kind]}: (.+?)\s*$", answer.text, re.MULTILINE)
    return said[-1] if said and said[-1] in PUBLISHED[kind] else None


def written(prompts: Sequence[Prompt], classes: Sequence[Classes]) -> list[dict[str, Any]]:
    """Rows of a file of classes."""
    return [
        {
            "id": prompt.id,
            "instruction": _said(prompt),
            "category": one.category,
            "complexity": None if one.complexity is None else int(one.complexity),
            "expected_length": one.expected_length,
        }
        for prompt, one in zip(prompts, classes, strict=True)
    ]


def read_rows(rows: Rows, prompts: Sequence[Prompt]) -> dict[str, Classes]:
    """The classes of those prompts that the file names, by prompt id; others are left out.

    Raises:
        DataError: A row names nothing, or what another row named, or a class that there is not; or
            no row is of these prompts.
    """
    ids: dict[str, list[str]] = {}
    for prompt in prompts:
        ids[prompt.id] = [prompt.id]
        ids.setdefault(_said(prompt), []).append(prompt.id)
    found: dict[str, Classes] = {}
    for number, row in enumerate(rows):
        named = ids.get(_name(row, number), [])
        if found.keys() & set(named):
            raise DataError(
                f"expected each prompt once among the classes, row {number} repeats {named[0]}; "
                f"keep one"
            )
        found |= dict.fromkeys(named, Classes(*(_class(row, number, kind) for kind in KINDS)))
    if not found:
        raise DataError("expected classes of these prompts, came none; are they of another set?")
    return found


def _name(row: Mapping[str, Any], number: int) -> str:
    name = row.get("id", row.get("instruction"))
    if not isinstance(name, str):
        raise DataError(
            f"expected a text under 'id' or 'instruction' in row {number} of the classes, came "
            f"{name!r:.40}; is this what `classify` writes?"
        )
    return name


def _class(row: Mapping[str, Any], number: int, kind: str) -> str | None:
    value = row.get(kind)
    if value is not None and str(value) not in PUBLISHED[kind]:
        raise DataError(
            f"expected one of {', '.join(PUBLISHED[kind])} or null under '{kind}' in row {number} "
            f"of the classes, came {value!r:.60}"
        )
    return None if value is None else str(value)


def _said(prompt: Prompt) -> str:
    return "\n\n".join(prompt.turns)
