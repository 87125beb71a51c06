"""Archives with the same bytes for the same files, and read without trust."""

import gzip
import io
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from harness.errors import DataError
from harness.files import write_whole

_MODE = 0o644


def write_archive(path: Path, files: Mapping[str, bytes]) -> None:
    """Writes a .tar.gz of the files, in the order of their names, with nothing of the machine.

    Raises:
        DataError: It cannot be written.
    """
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(files[name]), _MODE
            archive.addfile(member, io.BytesIO(files[name]))
    try:
        write_whole(path, gzip.compress(plain.getvalue(), mtime=0))
    except OSError as error:
        raise DataError(
            f"expected to write {path}, but {error.strerror}; name another with --out"
        ) from error


def read_archive(path: Path) -> dict[str, bytes]:
    """The files of an archive, by name; nothing is written.

    Raises:
        DataError: It is damaged, or holds what no archive of ours does: a path that leads outside,
            a link, a device, a name twice.
    """
    try:
        with tarfile.open(path, mode="r:gz") as archive:
            return _contents(archive, path)
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise DataError(
            f"expected a bundle at {path}, but {error}; name what `bundle` wrote"
        ) from error


def _contents(archive: tarfile.TarFile, path: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for member in archive:
        stream = archive.extractfile(member) if member.isreg() else None
        if stream is None or not _stays(member.name) or member.name in files:
            raise DataError(
                f"expected plain files inside the bundle {path}, came {member.name!r:.80}, which "
                f"is a link, leads outside, or comes twice; nothing was unpacked"
            )
        files[member.name] = stream.read()
    return files


def _stays(name: str) -> bool:
    """Whether the path leads to no other folder, on any system."""
    return not {"", ".", ".."} & set(name.split("/")) and not set(name) & set("\\:\0")
