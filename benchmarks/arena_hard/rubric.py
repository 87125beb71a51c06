"""How Arena-Hard's judge is asked, and how its label is read.

Source: lmarena/arena-hard-auto@a1d16de, `config/judge_config.yaml`, read as data, and `get_score`
of `gen_judgment.py`. Texts are put into the template in one pass, so that a response that contains
a slot stays text. A reply counts when all labels in it are the same and it is one of the five that
were asked for. Upstream reads labels so too, but keeps those that nobody asked for (they weigh
nothing in its score), and answers a reply without any label with a second turn, "continue your
judgment"; here that reply is unread, with its cause.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import yaml

from harness.judging import both_texts
from harness.reading import off_form
from harness.types import Assets, Comparison, Decoding, Generation, Prompt, Rubric, Unread

CONFIG = "arena_hard/judge_config.yaml"
NAME = "arena-hard-v0.1"

LABELS = {"A>>B": 0.0, "A>B": 0.25, "A=B": 0.5, "B>A": 0.75, "B>>A": 1.0}
"""Preference for the answer shown second, as B; a strong one is further from the tie."""

_SLOT = re.compile(r"\{(question_1|answer_1|answer_2)\}")


def rubric(assets: Assets) -> Rubric:
    """The official judge prompt: the baseline is assistant A, the candidate assistant B."""
    content = assets.read(CONFIG)
    config = yaml.safe_load(content)
    pattern = re.compile(config["regex_pattern"])
    decoding = Decoding(config["max_tokens"], float(config["temperature"]))

    def ask(comparison: Comparison) -> Prompt:
        prompt_id = f"{comparison.candidate.prompt.id}/{NAME}"
        return Prompt(prompt_id, (fill(config, comparison),), decoding, config["system_prompt"])

    def read(answer: Generation) -> float | Unread:
        return read_label(answer, pattern)

    digest = hashlib.sha256(content).hexdigest()
    return Rubric(NAME, digest, decoding, ask, read, lambda _: False)


def fill(config: Mapping[str, Any], comparison: Comparison) -> str:
    """The user message about a comparison."""
    (template,) = config["prompt_template"]
    candidate, baseline = both_texts(comparison, NAME)
    texts = {
        "question_1": comparison.candidate.prompt.turns[0],
        "answer_1": baseline,
        "answer_2": candidate,
    }
    return _SLOT.sub(lambda slot: texts[slot[1]], template)


def read_label(answer: Generation, pattern: re.Pattern[str]) -> float | Unread:
    """Preference for assistant B, by the one label in the reply."""
    labels = list(dict.fromkeys(filter(None, pattern.findall(answer.text))))
    if not labels:
        return off_form(answer, "no verdict label")
    if len(labels) > 1:
        return Unread("several verdict labels that differ")
    if labels[0] not in LABELS:
        return Unread("a verdict label that was not asked for")
    return LABELS[labels[0]]
