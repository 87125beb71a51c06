"""Names of checkpoints where not every name can stand: in file names, on axes."""

import re
from collections.abc import Callable, Iterable

from harness.report.table import plain

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def file_names(names: Iterable[str]) -> list[str]:
    """A name for each that any file system takes, in order, no two alike."""
    safe = (_UNSAFE.sub("-", name).strip("-.")[:80] or "checkpoint" for name in names)
    return _distinct(safe, str.casefold, "{}-{}")


def short_names(names: Iterable[str], most: int = 28) -> list[str]:
    """A name for each that leaves room for a figure, in order, no two alike."""
    return _distinct((short(name, most) for name in names), str, "{} ({})")


def short(text: str, most: int) -> str:
    """The text on one line, its middle left out where it has more characters than these."""
    line = plain(text)
    half = most // 2
    return line if len(line) <= most else f"{line[:half]}…{line[1 - half :]}"


def _distinct(names: Iterable[str], key: Callable[[str], str], numbered: str) -> list[str]:
    found: list[str] = []
    taken: set[str] = set()
    for name in names:
        number, free = 1, name
        while key(free) in taken:
            number += 1
            free = numbered.format(name, number)
        taken.add(key(free))
        found.append(free)
    return found
