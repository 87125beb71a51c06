"""A file of prompts as a benchmark, on which checkpoints meet by another benchmark's rubric."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.errors import DataError
from harness.judging import asking
from harness.pairing import alone
from harness.rows import read_files
from harness.types import Assets, Benchmark, Decoding, Prompt, Rows

_ENDINGS = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
_KEYS = ("prompt", "instruction", "turns")
DECODING = Decoding(max_tokens=2048)
"""Greedy, unless a command or a series says otherwise."""


def is_file(name: str) -> bool:
    """Whether a benchmark's name is a file's instead."""
    return name.endswith(_ENDINGS)


def prompt_set(path: str, like: Benchmark, assets: Assets) -> Benchmark:
    """The prompts of a file, on which answers are compared as a benchmark compares them.

    Each row is a JSON object with a text under "prompt" or "instruction", or one text in a list
    under "turns". The set is called by its file and by its content.

    Raises:
        DataError: It is no such file.
    """
    (rows,) = read_files(path, assets).values()
    texts = [_text(row, number, path) for number, row in enumerate(rows)]
    name = Path(path).name.split(".")[0] or "prompts"
    prompts = [Prompt(f"{name}/{n}", (text,), DECODING) for n, text in enumerate(texts)]
    card = replace(
        like.card, name=name, version=_digest(rows), title=f"Prompts of {name}", n_prompts=len(rows)
    )
    return replace(
        like,
        card=card,
        load=lambda _: prompts,
        compare=alone(),
        duel=lambda found: asking((like.duel or like.grader)(found)),
        turns=(-1,),
    )


def _digest(rows: Rows) -> str:
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()[:8]


def _text(row: Mapping[str, Any], number: int, path: str) -> str:
    came = next((row[key] for key in _KEYS if key in row), None)
    text = came[0] if isinstance(came, list) and len(came) == 1 else came
    if not isinstance(text, str) or not text.strip():
        raise DataError(
            f"expected a text under 'prompt' or 'instruction', or one under 'turns', in row "
            f"{number} of {path}, came {came!r:.40}; each row is one prompt of one turn"
        )
    return text
