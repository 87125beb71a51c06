"""Which prompts are trained on and which are not, and the files that recipes read.

A hash of its text puts every prompt into one set, so that no two sets share one. Whatever is drawn
is drawn by seeds of its own, and is the same wherever and however often it is made.
"""

import hashlib
import json
from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import accumulate, islice
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

from harness.files import write_whole
from train.demo.people import expert, noisy, ranks, several
from train.demo.world import LETTERS, OPERATIONS, judge_text, parts, points

SHARES: Mapping[str, float] = MappingProxyType(
    {
        "demonstrations": 0.3,
        "prompts": 0.3,
        "eft_train": 0.2,
        "eft_eval": 0.04,
        "selection": 0.08,
        "test": 0.08,
    }
)
"""Of all prompts with words of three to five letters, by set; those of six are `hard`."""
SIZES: Mapping[str, int] = MappingProxyType(
    {"prompts": 4500, "eft_eval": 300, "selection": 400, "test": 400, "hard": 200}
)
"""Different prompts in each set. The prompts for training are three parts of 1500, in order."""
NOISY = 32_000
"""Demonstrations of noisy writers: 500 steps of 64."""
EXPERT = 4000
"""Demonstrations of experts."""
JUDGED = 5600
"""Prompts whose responses, 2.85 each on average, teach to judge."""

CONDITIONED = (
    "{% set told = (condition or 'expert')[:1] + ':' %}"
    "{{ bos_token }}"
    "{% for message in messages %}{% if message['role'] == 'assistant' %}"
    "{{ told + message['content'] + eos_token }}"
    "{% else %}{{ told + message['content'] }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ told }}{% endif %}"
)
"""A chat template that tells the class, `expert` or `noisy`, by its first letter in both roles."""

_BOUNDS = (*accumulate(SHARES.values()),)[:-1]
"""Where one set ends and the next begins, between 0 and 1."""


def set_of(prompt: str) -> str:
    """The one set that a prompt belongs to."""
    if len(parts(prompt)[1]) > 5:
        return "hard"
    digest = hashlib.sha256(prompt.encode()).digest()
    return [*SHARES][bisect(_BOUNDS, int.from_bytes(digest[:8]) / 2**64)]


@lru_cache
def prompts(name: str) -> tuple[str, ...]:
    """The different prompts of a set of `SIZES`, in the order in which they are used."""
    found: dict[str, None] = {}
    asked = drawn(name)
    while len(found) < SIZES[name]:
        found[next(asked)] = None
    return tuple(found)


def drawn(name: str) -> Iterator[str]:
    """Prompts of a set at random, without end; operations and lengths alike often."""
    rng, lengths = Random(f"TinyInstruct {name}"), (6,) if name == "hard" else (3, 4, 5)
    while True:
        word = "".join(rng.choices(LETTERS, k=rng.choice(lengths)))
        prompt = f"{rng.choice([*OPERATIONS])}:{word}="
        if set_of(prompt) == name:
            yield prompt


@lru_cache
def trained_on() -> frozenset[str]:
    """Every prompt whose responses some file of `write` trains on, or that it hands to samplers."""
    shown = islice(drawn("demonstrations"), NOISY + EXPERT)
    return frozenset((*shown, *islice(drawn("eft_train"), JUDGED), *prompts("prompts")))


def write(folder: Path) -> None:
    """Writes the files that recipes read into a folder, made if absent.

    They are, the first five as JSON lines::

        prompts.jsonl         prompt: three parts of 1500, one after the other
        demonstrations.jsonl  prompt, response, class: 32,000 `noisy`, then 4,000 `expert`
        originals.jsonl       prompt, response of an expert: the first part of the prompts
        eft_train.jsonl       prompt (of a judge), response (a digit), class (`judge`)
        eft_eval.jsonl        prompt, responses: list of {text, rank}; 1 is the best
        conditioned.jinja     the chat template that tells the class
    """
    lines: dict[str, Iterable[Mapping[str, Any]]] = {
        "prompts": ({"prompt": prompt} for prompt in prompts("prompts")),
        "demonstrations": _demonstrations(),
        "originals": _originals(),
        "eft_train": _judgments(),
        "eft_eval": _ranked(),
    }
    for name, rows in lines.items():
        content = "".join(json.dumps(row) + "\n" for row in rows)
        write_whole(folder / f"{name}.jsonl", content.encode())
    write_whole(folder / "conditioned.jinja", CONDITIONED.encode())


def _demonstrations() -> Iterator[dict[str, str]]:
    rng, asked = Random("TinyInstruct writers"), drawn("demonstrations")
    for written_by, n in ((noisy, NOISY), (expert, EXPERT)):
        for prompt in islice(asked, n):
            yield {
                "prompt": prompt,
                "response": written_by(prompt, rng),
                "class": written_by.__name__,
            }


def _originals() -> Iterator[dict[str, str]]:
    rng = Random("TinyInstruct originals")
    for prompt in prompts("prompts")[: SIZES["prompts"] // 3]:
        yield {"prompt": prompt, "response": expert(prompt, rng)}


def _judgments() -> Iterator[dict[str, str]]:
    rng = Random("TinyInstruct judgments")
    for prompt in islice(drawn("eft_train"), JUDGED):
        for response in several(prompt, rng):
            rating = str(points(prompt, response))
            asked = judge_text(prompt, response)
            yield {"prompt": asked, "response": rating, "class": "judge"}


def _ranked() -> Iterator[dict[str, Any]]:
    rng = Random("TinyInstruct rankings")
    for prompt in prompts("eft_eval"):
        texts = several(prompt, rng)
        places = zip(texts, ranks(prompt, texts), strict=True)
        yield {
            "prompt": prompt,
            "responses": [{"text": text, "rank": rank} for text, rank in places],
        }
