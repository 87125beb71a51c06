"""A real browser for tests, driven through a pipe: no port, no driver, no library."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_QUIET = (
    "--headless=new",
    "--no-sandbox",  # it does not start as root otherwise
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--remote-debugging-pipe",
    "--proxy-bypass-list=<-loopback>",
)

_PATIENCE = 180
"""Seconds after which a browser that hangs is taken to be gone."""


class Browser:
    """One page of a browser."""

    def __init__(self, to: IO[bytes], back: IO[bytes]) -> None:
        self._to, self._back, self._number = to, back, 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        """What the browser told unasked, in order."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **told: Any) -> Any:
        """What a method of the browser's protocol answers."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": told}
        if self._session is not None:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while (answer := self._read()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def open(self, path: Path) -> None:
        """Opens a file and waits until it is there; forgets what happened before."""
        self.events.clear()
        self.call("Page.navigate", url=path.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def value(self, expression: str) -> Any:
        """What an expression in the page comes to."""
        said = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    def press(self, key: str, text: str = "") -> None:
        """Presses a key as a person does."""
        codes = {"Enter": 13, "Tab": 9, " ": 32}
        told = {"key": key, "windowsVirtualKeyCode": codes[key]}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **told)
        self.call("Input.dispatchKeyEvent", type="keyUp", **told)

    def told(self, method: str) -> list[dict[str, Any]]:
        """What it told of one kind since the page was opened."""
        self.call("Runtime.evaluate", expression="0")
        return [event["params"] for event in self.events if event.get("method") == method]

    def _read(self) -> dict[str, Any]:
        read = bytearray()
        while (byte := self._back.read(1)) != b"\0":
            assert byte, "the browser is gone"
            read += byte
        answer: dict[str, Any] = json.loads(read)
        return answer


@contextmanager
def browsing(profile: Path, proxy: str) -> Iterator[Browser]:
    """A browser that asks everything of a proxy; skips the test where none is installed."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(_NAMES)} is installed")
    (read, to), (back, write) = os.pipe(), os.pipe()
    flags = (*_QUIET, f"--user-data-dir={profile}", f"--proxy-server={proxy}")
    # The protocol is spoken on the descriptors 3 and 4.
    command = ["bash", "-c", f'exec "$0" "$@" 3<&{read} 4>&{write}', found, *flags]
    with (
        subprocess.Popen(command, pass_fds=(read, write), stderr=subprocess.DEVNULL) as process,
        os.fdopen(to, "wb") as out,
        os.fdopen(back, "rb", buffering=1 << 16) as in_,
    ):
        os.close(read)
        os.close(write)
        patience = threading.Timer(_PATIENCE, process.kill)
        patience.start()
        try:
            yield Browser(out, in_)
        finally:
            patience.cancel()
            process.kill()
