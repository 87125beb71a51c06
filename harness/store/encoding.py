"""Requests and answers as bytes: one form for each, and exact in both directions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from hashlib import sha256
from typing import Any

from harness.types import Decoding, Prompt, Response, Token, Usage

# The standard library's encoder and not a faster one: it alone keeps -inf and lone surrogates.
_to_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
_RESPONSE_FIELDS = tuple(field.name for field in fields(Response))


def _canonical(value: object) -> bytes:
    """The only JSON text of a value: keys sorted, no spaces, floats in full.

    Surrogates are written as they stand ("surrogatepass"): escaped, two lone ones that meet would
    be read back as one character.
    """
    return _to_json(value).encode("utf-8", "surrogatepass")


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return sha256(content).hexdigest()


def address(identity: bytes, request: bytes) -> str:
    """Where the answer to a request by a model is stored.

    Args:
        identity: From `encode_identity`.
        request: From `encode_request`.
    """
    return digest(b"[%b,%b]" % (identity, request))


def encode_identity(identity: Mapping[str, str]) -> bytes:
    """A model's identity, whatever kind of mapping it is and in whatever order."""
    return _canonical(dict(identity))


def encode_request(prompt: Prompt) -> bytes:
    """All of a prompt that a model can see, so not its id."""
    decoding = _decoding(prompt.decoding)
    asked = {"turns": prompt.turns, "system": prompt.system, "decoding": decoding}
    # Only where they are set, so that requests from before these fields keep their addresses.
    unusual = {"choices": prompt.choices, "raw": prompt.raw}
    return _canonical(asked | {name: value for name, value in unusual.items() if value})


def encode_responses(responses: Sequence[Response]) -> bytes:
    """The form in which `decode_responses` reads them back, bit for bit."""
    return _canonical([_fields(one) for one in responses])


def _fields(response: Response) -> dict[str, Any]:
    written = {name: getattr(response, name) for name in _RESPONSE_FIELDS}
    if not response.cut:  # as responses were written before they could say so
        del written["cut"]
    return written


def decode_responses(content: bytes) -> tuple[Response, ...]:
    """The responses that `encode_responses` wrote."""
    return tuple(_response(row) for row in json.loads(content.decode("utf-8", "surrogatepass")))


def _response(row: Mapping[str, Any]) -> Response:
    tokens = tuple(Token(text, logprob, _pairs(top)) for text, logprob, top in row["tokens"])
    return Response(**{**row, "tokens": tokens, "usage": Usage(*row["usage"])})


def _pairs(rows: Sequence[Sequence[Any]]) -> tuple[tuple[str, float], ...]:
    return tuple((text, logprob) for text, logprob in rows)


@lru_cache(maxsize=1024)
def _decoding(decoding: Decoding) -> Mapping[str, object]:
    return decoding.canonical()
