"""Names of files for checkpoints, whatever those are called."""

import re
from collections.abc import Iterable

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def file_names(names: Iterable[str]) -> list[str]:
    """A name for each that any file system takes and none of which is another's, in order."""
    found: list[str] = []
    for name in names:
        plain = _UNSAFE.sub("-", name).strip("-.")[:80] or "checkpoint"
        taken = {other.casefold() for other in found}
        number, free = 2, plain
        while free.casefold() in taken:
            number, free = number + 1, f"{plain}-{number}"
        found.append(free)
    return found
