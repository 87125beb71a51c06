"""What a judge says that reads two answers: by chance, but always the same of the same question."""

import hashlib
import json
from typing import Any

from harness.pricing import estimate_tokens
from tests.servers.loopback import Reply, Seen


def verdict(asked: dict[str, Any]) -> dict[str, Any]:
    """A chat completion whose log-probabilities of m and M are drawn from the question."""
    noise = hashlib.sha256(json.dumps(asked["messages"]).encode()).digest()
    p = [-int.from_bytes(noise[i : i + 6]) / 2**46 for i in (0, 6)]
    top = [{"token": "m", "logprob": p[0]}, {"token": "M", "logprob": p[1]}]
    top += [{"token": f"t{i}", "logprob": -20.0 - i} for i in range(asked["top_logprobs"] - 2)]
    content = [{**max(top[:2], key=lambda one: float(str(one["logprob"]))), "top_logprobs": top}]
    choice = {
        "message": {"role": "assistant", "content": "m"},
        "finish_reason": "stop",
        "logprobs": {"content": content},
    }
    read = sum(estimate_tokens(one["content"]) for one in asked["messages"])
    usage = {"prompt_tokens": read, "completion_tokens": 1}
    return {"model": asked["model"], "choices": [choice], "usage": usage}


def judging(seen: Seen, _before: int) -> Reply:
    """A script that gives each question its verdict."""
    return Reply(body=verdict(seen.body))
