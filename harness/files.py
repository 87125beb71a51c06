"""Files read unpacked, and written whole or not at all."""

import gzip
import os
import zlib
from pathlib import Path

from harness.errors import DataError


def unpacked(path: Path) -> bytes:
    """The content of a file, packed with gzip if it is called so.

    Raises:
        DataError: It cannot be read, or the packing is damaged.
    """
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise DataError(
            f"expected a readable file at {path}, but {cause}; check the path, or fetch it anew"
        ) from error


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file in one step, so that a killed process leaves the old one or the new one.

    A link stays a link, and what is no file (/dev/stdout) is written to as it is.

    Raises:
        OSError: The disk is full or the place cannot be written; nothing is left behind.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        whole.write_bytes(content)
        whole.replace(path)
    finally:
        whole.unlink(missing_ok=True)
