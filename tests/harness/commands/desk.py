"""A setting of its own for a test, with what was shown, noted and kept."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console

from harness.commands.setting import Setting

FILES = {"set/a.json": b'[{"a": 1}]', "set/b.json": b'[{"b": 2}]'}
"""The official files: the first is in mirrors only, the second is published."""


class Desk:
    """Where a command is run: its mirror, its output, its data."""

    def __init__(self, folder: Path, *, terminal: bool = False) -> None:
        self.mirror = folder / "mirror"
        self.mirror.mkdir()
        self._json = folder / "kept.json"
        self._out, self._err = StringIO(), StringIO()
        self.setting = Setting(
            self.mirror, self._json, _console(self._out, terminal), _console(self._err, terminal)
        )

    @property
    def shown(self) -> str:
        return self._out.getvalue()

    @property
    def noted(self) -> str:
        """What went beside the output."""
        return self._err.getvalue()

    @property
    def kept(self) -> Any:
        """The data that were written."""
        return json.loads(self._json.read_text())

    def put(self, name: str, content: bytes | None = None) -> Path:
        """Puts an official file into the mirror; with another content, a damaged one."""
        path = self.mirror / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FILES[name] if content is None else content)
        return path


def _console(file: StringIO, terminal: bool) -> Console:
    return Console(file=file, force_terminal=terminal, width=100, color_system=None)
