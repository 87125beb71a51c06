"""Official data files: pinned URL and SHA-256, a local mirror, a clear error when one is absent.

A file is looked for in the mirror folders, then in the user's cache, then downloaded. Wherever it
comes from, its unpacked content must have the pinned hash, so a score never rests on other data.
The catalogue is a CSV of name, sha256, licence, url and derive; `derive` names a function that
turns the bytes at the URL into the pinned content, for files that are kept in a smaller form or
that are one part of a larger file.
"""

import csv
import hashlib
import importlib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple

from harness.errors import DataError, UnknownNameError
from harness.files import unpacked, write_whole

Progress = Callable[[str, int, int], None]
"""Told the file's name, bytes that are here and bytes in all (0 when not known)."""

_BLOCK = 1 << 20


class Asset(NamedTuple):
    """One official file."""

    name: str
    """Path inside a mirror, without .gz."""
    sha256: str
    """Of the unpacked content, in hexadecimal; or `git:` and the id that git gives the content, of
    files that only their repository's tree pins; empty where the catalogue's makers knew neither.

    Then what the pinned address gives first is written down beside the file, and expected ever
    after; who scores by such files puts their content into the score's identity.
    """
    licence: str
    url: str
    """Pinned to a commit or revision; empty when the file is to be had from a mirror only."""
    derive: str
    """`module:function` of what is at the URL and the library, or `module:function:part` of both
    and the name of a part; empty when what is at the URL is the content."""


def read_catalogue(path: Path) -> dict[str, Asset]:
    """The assets of a catalogue by name."""
    with path.open(newline="", encoding="utf-8") as file:
        return {row["name"]: Asset(**row) for row in csv.DictReader(file)}


def _quiet(_name: str, _here: int, _total: int) -> None:
    pass


@dataclass(frozen=True)
class Library:
    """The official files of one catalogue, on this machine or to be fetched."""

    catalogue: dict[str, Asset]
    mirrors: Sequence[Path]
    cache: Path
    progress: Progress = _quiet

    def read(self, name: str) -> bytes:
        """The content of an official file, unpacked and checked.

        Raises:
            UnknownNameError: The catalogue has no such file.
            DataError: It is damaged here, or absent here and cannot be downloaded.
        """
        path = self.find(name)
        if path is None:
            return self.pull(name)
        remedy = f"delete that file and run 'run_eval.py assets pull {name}'"
        return _checked(_pinned(self._asset(name), path), unpacked(path), str(path), remedy)

    def has(self, name: str) -> bool:
        """Whether the file is on this machine."""
        return self.find(name) is not None

    def names(self, prefix: str) -> list[str]:
        """Names in the catalogue that begin so, in alphabetical order."""
        return sorted(name for name in self.catalogue if name.startswith(prefix))

    def find(self, name: str) -> Path | None:
        """Where the file is on this machine, packed or not; None when it is absent."""
        self._asset(name)
        places = (folder / name for folder in (*self.mirrors, self.cache))
        return next((path for place in places for path in _forms(place) if path.is_file()), None)

    def pull(self, name: str) -> bytes:
        """Downloads the file into the cache, going on where an earlier attempt stopped.

        Raises:
            UnknownNameError: The catalogue has no such file.
            DataError: It cannot be fetched or kept, or what came is not the pinned file.
        """
        asset = self._asset(name)
        target = self.cache / name
        if not asset.url:
            raise DataError(
                f"expected the asset '{name}' in {self._places()}, found none, and it has no "
                f"public address; put a mirror's copy at {target}"
            )
        raw = self._download(asset, target)
        content = self._derived(asset, raw) if asset.derive else raw
        remedy = f"pull it again, or put a mirror's copy at {target}"
        _checked(_pinned(asset, target), content, asset.url, remedy)
        try:
            write_whole(target, content)
            if not asset.sha256:
                write_whole(_note(target), hashlib.sha256(content).hexdigest().encode())
        except OSError as error:
            cause = f"expected to write {target}, but {error.strerror}; make room"
            raise DataError(cause) from error
        return content

    def _asset(self, name: str) -> Asset:
        if name not in self.catalogue:
            raise UnknownNameError("asset", name, self.catalogue)
        return self.catalogue[name]

    def _derived(self, asset: Asset, raw: bytes) -> bytes:
        module, function, *part = asset.derive.split(":", 2)
        content: bytes = getattr(importlib.import_module(module), function)(raw, self, *part)
        return content

    def _places(self) -> str:
        return ", ".join(str(folder) for folder in (*self.mirrors, self.cache))

    def _download(self, asset: Asset, target: Path) -> bytes:
        part = target.with_name(target.name + ".part")
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            _fetch(asset, part, self.progress)
        except (OSError, HTTPException) as error:
            raise DataError(
                f"expected the asset '{asset.name}' in {self._places()}, found none, and "
                f"{asset.url} cannot be fetched ({error}); put the file at {target} or name a "
                f"folder that has it with --assets"
            ) from error
        content = part.read_bytes()
        part.unlink()
        return content


def _pinned(asset: Asset, path: Path) -> Asset:
    """The asset with the hash that its file must have: the catalogue's, else the first seen."""
    note = _note(path)
    if asset.sha256 or not note.is_file():
        return asset
    return asset._replace(sha256=note.read_text().strip())


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _checked(asset: Asset, content: bytes, origin: str, remedy: str) -> bytes:
    came = _pin(content, asset.sha256)
    if asset.sha256 and came != asset.sha256:
        raise DataError(
            f"expected the asset '{asset.name}' with {_KINDS[_by_git(asset.sha256)]} "
            f"{asset.sha256[:12]}…, but {origin} has {came[:12]}…; {remedy}"
        )
    return content


_GIT = "git:"
_KINDS = {False: "SHA-256", True: "the id"}


def _by_git(wanted: str) -> bool:
    return wanted.startswith(_GIT)


def _pin(content: bytes, wanted: str) -> str:
    """The content's hash, of the kind that is wanted."""
    if not _by_git(wanted):
        return hashlib.sha256(content).hexdigest()
    blob = b"blob %d\0%b" % (len(content), content)
    return f"{_GIT}{hashlib.sha1(blob, usedforsecurity=False).hexdigest()}"


def _forms(place: Path) -> Iterable[Path]:
    return (place, place.with_name(place.name + ".gz"))


def _fetch(asset: Asset, part: Path, progress: Progress) -> None:
    """Appends what is missing of the file to `part`."""
    here = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(asset.url)  # noqa: S310 - the catalogue holds only https
    if here:
        request.add_header("Range", f"bytes={here}-")
    try:
        answer = urllib.request.urlopen(request, timeout=60)  # noqa: S310 - as above
    except urllib.error.HTTPError as error:
        if error.code == 416 and here:  # nothing is missing: the last attempt stopped at the end
            return
        raise
    with answer, part.open("ab" if answer.status == 206 else "wb") as file:
        here = file.tell()
        length = answer.headers.get("Content-Length")
        total = here + int(length) if length else 0
        while block := answer.read(_BLOCK):
            file.write(block)
            here += len(block)
            progress(asset.name, here, total)
    if here < total:
        raise OSError(f"the connection ended after {here} of {total} bytes")
