"""What every test may use, and what none may do."""

import os
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from harness.commands.setting import Setting
from harness.types import Assets, Benchmark
from tests.command import Run, runner
from tests.servers.loopback import Loopback, serving

_LEAVING = {"socket.connect", "socket.sendto", "socket.getaddrinfo"}
_ONLINE = {"network", "api"}
_BESIDE = Path(__file__).parents[2] / "shared" / "assets"
_REPLACED = {"alpaca_eval/df_gamed.csv"}
"""A reconstruction may stand in for it."""
_guarded = True

# No test fails because a machine is busy: speed is for `make bench`.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


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


@pytest.fixture(scope="session")
def mirror() -> Path:
    """The folder of official files: ITERBENCH_ASSETS, or the one beside the checkout."""
    folder = Path(os.environ.get("ITERBENCH_ASSETS") or _BESIDE).absolute()
    if not folder.is_dir():
        pytest.skip("no mirror of the official files: set ITERBENCH_ASSETS")
    return folder


@pytest.fixture(scope="session")
def official(mirror: Path) -> Assets:
    """The official files."""
    return Setting(mirror).library()


@pytest.fixture
def files(benchmark: Benchmark, official: Assets) -> Assets:
    """The official files, if those that the benchmark cannot do without are in the mirror."""
    missing = {name for name in benchmark.card.assets if not official.has(name)} - _REPLACED
    if missing:
        pytest.skip(f"not in the mirror: {', '.join(sorted(missing))}")
    return official


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Run:
    """Runs commands in an empty folder; with `mirror`, official files are there."""
    if "mirror" in request.fixturenames:
        monkeypatch.setenv("ITERBENCH_ASSETS", str(request.getfixturevalue("mirror")))
    else:
        monkeypatch.delenv("ITERBENCH_ASSETS", raising=False)
    return runner(monkeypatch, capsys, tmp_path)


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    with serving() as server:
        yield server
