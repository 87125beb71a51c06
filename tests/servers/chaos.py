"""Every way in which a server can misbehave, as scripts for the loopback server."""

import random
from collections.abc import Callable, Mapping
from typing import Any

from tests.servers.loopback import OK, Reply, Script, Seen

PROBE = "Reply with one letter"
"""How the question begins that probes a judge."""

PASSING: Mapping[str, Reply] = {
    "429": Reply(429, {"error": {"message": "slow down"}}, headers={"Retry-After": "0.02"}),
    "500": Reply(500, {"error": {"message": "oh"}}),
    "503": Reply(503, b""),
    "timeout": Reply(delay=4.0),
    "truncated": Reply(body=b'{"choices": [{"message": {"content": "m'),
    "html": Reply(body=b"<html><h1>It works!</h1></html>", headers={"Content-Type": "text/html"}),
    "reset": Reply(cut=0),
    "half": Reply(cut=40),
    "huge": Reply(body=b"m" * 10_000_000),
}
"""Trouble that another attempt may not meet."""

FINAL: Mapping[str, tuple[Reply, str]] = {
    "401": (Reply(401, {"error": {"message": "bad key"}}), "HTTP 401: bad key; check"),
    "403": (Reply(403, {"error": {"message": "not here"}}), "HTTP 403: not here; check"),
    "404": (Reply(404, {"error": {"message": "no model"}}), "HTTP 404: no model; check"),
    "redirect": (Reply(302, b"", headers={"Location": "http://127.0.0.1:9/"}), "HTTP 302"),
    "no funds": (
        Reply(429, {"error": {"message": "quota", "code": "insufficient_quota"}}),
        "HTTP 429: quota; add funds",
    ),
}
"""Trouble that every call would meet, and what is said of it."""


def always(reply: Reply, otherwise: Script) -> Script:
    """The same reply to everything but the question that probes a judge."""
    return lambda seen, before: otherwise(seen, before) if is_probe(seen) else reply


def storm(answer: Script) -> Script:
    """Trouble of every passing kind before most answers, once or twice, always the same."""

    def script(seen: Seen, before: int) -> Reply:
        draw = random.Random(f"{seen.asked} {before}")
        if is_probe(seen) or before >= draw.choice([0, 1, 2]):
            return answer(seen, before)
        return draw.choice([*PASSING.values()])

    return script


def huge(answer: Callable[[dict[str, Any]], dict[str, Any]], size: int = 10_000_000) -> Script:
    """Proper answers, but that every tenth is so many characters long."""

    def script(seen: Seen, _before: int) -> Reply:
        body = answer(seen.body)
        if random.Random(seen.asked).random() < 0.1:
            body["choices"][0]["message"]["content"] = "m" * size
        return Reply(body=body)

    return script


def once(reply: Reply, answer: Script = lambda _seen, _before: OK) -> Script:
    """The reply to each question when it first comes, then its answer."""
    return lambda seen, before: reply if not before and not is_probe(seen) else answer(seen, before)


def is_probe(seen: Seen) -> bool:
    """Whether the question probes a judge."""
    return seen.asked.startswith(PROBE)
