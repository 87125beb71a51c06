"""What Arena-Hard v2.0 asks: 500 hard prompts, then 250 of creative writing."""

from typing import NamedTuple

from harness.errors import DataError
from harness.rows import parse_rows
from harness.types import Assets, Decoding, Prompt

QUESTIONS = "arena_hard/v2.0/question.jsonl"
VERSION = "v2.0"
HARD = "hard_prompt"
"""Upstream's default category."""

DECODING = Decoding(max_tokens=8196)
"""Greedy, as upstream's examples of chat models; it leaves decoding to each model."""


class Question(NamedTuple):
    """One official question."""

    uid: str
    category: str
    text: str

    @property
    def prompt(self) -> Prompt:
        """The question as a model is asked it."""
        return Prompt(prompt_id(self.category, self.uid), (self.text,), DECODING)


def load_questions(assets: Assets) -> dict[str, Question]:
    """Every question by its uid, in published order.

    Raises:
        DataError: A row lacks one of its three texts.
    """
    found = {}
    for number, row in enumerate(parse_rows(assets.read(QUESTIONS), QUESTIONS)):
        texts = [row.get(key) for key in ("uid", "category", "prompt")]
        if not all(isinstance(text, str) for text in texts):
            raise DataError(
                f"expected texts under 'uid', 'category' and 'prompt' in row {number} of "
                f"{QUESTIONS}, came {texts!r:.60}; pull the file again"
            )
        one = Question(*map(str, texts))
        found[one.uid] = one
    return found


def prompt_id(category: object, uid: object) -> str:
    """What a question is called here: its category is part of its name."""
    return f"arena_hard/{category}/{uid}"


def category_of(prompt: Prompt) -> str:
    """A prompt's category; a prompt from elsewhere, whose name has none, is a hard prompt."""
    return prompt.id.split("/")[1] if prompt.id.count("/") == 2 else HARD
