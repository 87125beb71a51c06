"""The command line in this process, as tests use it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest

import run_eval


class Ran(NamedTuple):
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it reported, line by line."""
        return list(filter(None, self.err.splitlines()))


Run: TypeAlias = Callable[..., Ran]


def runner(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
) -> Run:
    """Runs commands in a folder, without keys and with a cache of its own."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def run(*words: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["run_eval.py", *words])
        status = run_eval.main()
        return Ran(status, *capsys.readouterr())

    return run
