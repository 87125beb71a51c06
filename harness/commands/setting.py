"""What every command works with: official files, consoles, and where data are written."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import platformdirs
from rich.console import Console

from harness.assets import Library, read_catalogue
from harness.errors import DataError
from harness.report.save import write_json
from harness.report.table import Table, plain, to_markdown, to_rich


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a command reads and writes."""

    assets: Path | None = None
    """A mirror of official files, looked into before ITERBENCH_ASSETS and the cache."""
    json: Path | None = None
    """Where what is printed is also written as data."""
    out: Console = field(default_factory=Console)
    err: Console = field(default_factory=lambda: Console(stderr=True))

    def library(self) -> Library:
        """The official files."""
        named = [self.assets, os.environ.get("ITERBENCH_ASSETS")]
        absent = [place for place in named if place and not Path(place).is_dir()]
        if absent:
            raise DataError(
                f"expected a folder of official files at {absent[0]}, there is none; "
                f"check --assets and ITERBENCH_ASSETS"
            )
        return Library(
            catalogue=read_catalogue(Path(str(files("benchmarks") / "assets.csv"))),
            mirrors=[Path(place) for place in named if place],
            cache=Path(platformdirs.user_cache_dir("iterbench")) / "assets",
            progress=self._downloaded,
        )

    def show(self, tables: Sequence[Table]) -> None:
        """Prints tables: drawn on a terminal, as Markdown elsewhere."""
        for table in tables:
            if self.out.is_terminal:
                self.out.print(to_rich(table))
                for note in table.notes:
                    self.say(f"  {plain(note)}")
            else:
                self.say(to_markdown(table))

    def say(self, line: str) -> None:
        """Prints a line as it is."""
        self.out.print(line, markup=False, highlight=False, soft_wrap=True)

    def note(self, line: str) -> None:
        """Tells the user a line beside what is printed, as it goes on."""
        self.err.print(plain(line), markup=False, highlight=False, soft_wrap=True)

    def keep(self, document: Mapping[str, Any]) -> None:
        """Writes what was printed as data, if the user asked for it."""
        if self.json is not None:
            write_json(self.json, document)

    def _downloaded(self, name: str, here: int, total: int) -> None:
        share = f" of {total / 1e6:.1f}" if total else ""
        end = "\n" if here >= total else "\r"
        if self.err.is_terminal or end == "\n":
            self.err.print(f"{name}: {here / 1e6:.1f}{share} MB", end=end, highlight=False)
