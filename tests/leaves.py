"""Benchmarks, judges and backends that exist for one test."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path


@contextmanager
def planted(module: str, source: str, folder: Path) -> Iterator[None]:
    """A module such as `judges.coin` for as long as the context lasts.

    Args:
        module: Its full name; the package is one of ours.
        source: Its code.
        folder: Where its file is written: a folder that holds no other leaf.
    """
    package, _, name = module.rpartition(".")
    places = import_module(package).__path__
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(source)
    places.append(str(folder))
    try:
        yield
    finally:
        places.remove(str(folder))
        sys.modules.pop(module, None)
