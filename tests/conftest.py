"""What every test may use, and what none may do."""

import sys
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest

from tests.servers.loopback import Loopback, serving

_LEAVING = {"socket.connect", "socket.sendto", "socket.getaddrinfo"}
_ONLINE = {"network", "api"}
_guarded = True


class LeftThisMachineError(BaseException):
    """Not an Exception, so that no code under test takes it for a failed call."""


def _is_here(host: Any) -> bool:
    if host is None or host in {"localhost", b"localhost", ""}:
        return True
    try:
        return ip_address(host.decode() if isinstance(host, bytes) else host).is_loopback
    except ValueError:
        return False


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _LEAVING or not _guarded:
        return
    place = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
    if isinstance(place, tuple):
        place = place[0]
    elif event != "socket.getaddrinfo":
        return  # a Unix socket
    if not _is_here(place):
        raise LeftThisMachineError(f"{event} {place!r}: mark the test `network`, or serve it here")


sys.addaudithook(_guard)


@pytest.fixture(autouse=True)
def _online_by_mark(request: pytest.FixtureRequest) -> Iterator[None]:
    global _guarded  # noqa: PLW0603  # an audit hook can be neither removed nor given arguments
    _guarded = not any(request.node.get_closest_marker(mark) for mark in _ONLINE)
    yield
    _guarded = True


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    with serving() as server:
        yield server
