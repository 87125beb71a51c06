"""Official files that exist for one test."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Shelf:
    """Files by name, in memory."""

    files: dict[str, bytes] = field(default_factory=dict)

    def read(self, name: str, /) -> bytes:
        return self.files[name]

    def has(self, name: str, /) -> bool:
        return name in self.files

    def names(self, prefix: str, /) -> list[str]:
        return sorted(name for name in self.files if name.startswith(prefix))

    def put(self, name: str, rows: Iterable[Mapping[str, Any]]) -> "Shelf":
        """The shelf with one more file of JSON lines."""
        content = "".join(json.dumps(row) + "\n" for row in rows).encode()
        return Shelf({**self.files, name: content})
