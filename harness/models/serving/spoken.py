"""What chat completions and completions have in common in OpenAI's protocol."""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from harness.models.serving.remote import count
from harness.types import Prompt, Usage

_SERVED_BY = ("model", "system_fingerprint")


def drawn(prompt: Prompt) -> dict[str, Any]:
    """How a prompt's answer is drawn, as the fields of a request; its length is not among them."""
    decoding = prompt.decoding
    fields: dict[str, Any] = {"temperature": decoding.temperature}
    if decoding.top_p < 1:
        fields["top_p"] = decoding.top_p
    if decoding.stop:
        fields["stop"] = decoding.stop
    if decoding.temperature > 0 and decoding.sample > 0:
        fields["seed"] = _seed(prompt)
    return fields


def usage(told: object) -> Usage:
    """Tokens that were read and written, from an answer's `usage`."""
    fields = told if isinstance(told, dict) else {}
    details = fields.get("prompt_tokens_details")
    cached = count(details.get("cached_tokens")) if isinstance(details, dict) else 0
    read = count(fields.get("prompt_tokens"))
    return Usage(read, count(fields.get("completion_tokens")), min(cached, read))


def served_by(answer: Mapping[str, Any]) -> str:
    """What the server says it is."""
    return " / ".join(str(answer[key]) for key in _SERVED_BY if answer.get(key))


def logprob(told: float) -> float:
    """A log-probability as it was told, at most 0.

    Raises:
        ValueError: It is none.
    """
    value = float(told)
    if not value < math.inf:  # which NaN is not either
        raise ValueError(told)
    return min(0.0, value)


def _seed(prompt: Prompt) -> int:
    asked = json.dumps([prompt.turns, prompt.system, prompt.decoding.sample])
    # 31 bits: servers read it as a signed number.
    return int.from_bytes(hashlib.sha256(asked.encode()).digest()[:4]) >> 1
