"""How a call to a server can go wrong, and what each way means for the other calls."""

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from harness.errors import ModelError

_ONLY_THIS_REQUEST = {400, 413, 422}
_ANOTHER_TIME = {408, 409, 425}
_OVERLOADED = {429, 503, 529}
# Controls but tab and line feed, marks that reverse the order of what is read, lone surrogates.
_UNSHOWABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


class RefusedError(Exception):
    """The server will never serve this one request: too long, filtered."""


class DeniedError(Exception):
    """The server will serve none of our requests: key, model name, address, funds.

    Args:
        cause: What came and what to do, in one line.
        served: Whether this call was served all the same, and so must be paid for.
    """

    def __init__(self, cause: str, *, served: bool = False) -> None:
        super().__init__(cause)
        self.served = served


class FailedError(Exception):
    """The call brought no answer, and another attempt may.

    Args:
        cause: What came instead, in one line.
        overloaded: Whether the server asked for fewer calls.
        retry_after: Seconds for which it wants no call at all.
    """

    def __init__(self, cause: str, *, overloaded: bool = False, retry_after: float = 0.0) -> None:
        super().__init__(cause)
        self.overloaded = overloaded
        self.retry_after = retry_after


def missing_key(variable: str) -> ModelError:
    """The error of a call that needs a key from the environment and has none.

    It is raised before the first call and not before: what is stored needs no key.
    """
    return ModelError(f"expected {variable} in the environment, came nothing; set it to a key")


def failure(
    status: int, reason: str, retry_after: str | None, remedy: str
) -> RefusedError | DeniedError | FailedError:
    """What an HTTP status other than 200 means.

    Args:
        status: The HTTP status.
        reason: What the server said.
        retry_after: The header of that name.
        remedy: What the user can do when no request is served.
    """
    said = f"HTTP {status}: {one_line(reason) or _phrase(status)}"
    if status in _ONLY_THIS_REQUEST:
        return RefusedError(said)
    if status >= 500 or status in _OVERLOADED | _ANOTHER_TIME:
        wait = seconds(retry_after)
        return FailedError(said, overloaded=status in _OVERLOADED, retry_after=wait)
    return DeniedError(f"{said}; {remedy}")


def seconds(retry_after: str | None) -> float:
    """How long a Retry-After header asks to wait.

    Args:
        retry_after: Seconds or an HTTP date; anything else asks for nothing.

    Source:
        RFC 9110, section 10.2.3.
    """
    if retry_after is None:
        return 0.0
    try:
        wait = float(retry_after)
    except ValueError:
        wait = _until(retry_after)
    return wait if 0 < wait < math.inf else 0.0


def one_line(text: str, limit: int = 300) -> str:
    """The beginning of a text, showable, with every run of white space made one space.

    Args:
        text: Anything that a server may have said.
        limit: Most characters that come back.
    """
    return showable(" ".join(text[: 4 * limit].split()))[:limit]


def showable(text: str) -> str:
    """The text with every character that could command a terminal spelled out by its code.

    Args:
        text: Anything; tabs and line feeds stay as they are.
    """
    return _UNSHOWABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def _until(date: str) -> float:
    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return 0.0
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return (then - datetime.now(UTC)).total_seconds()


def _phrase(status: int) -> str:
    known = status in HTTPStatus.__members__.values()
    return HTTPStatus(status).phrase if known else "no reason given"
