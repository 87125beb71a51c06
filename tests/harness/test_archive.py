"""Archives: the same bytes for the same files, and nothing but plain files comes out."""

import gzip
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.archive import read_archive, write_archive
from harness.errors import DataError
from tests.full_disk import largest_file

FILES = {"b.json": b"{}\n", "a/c.tsv": b"\x00\xff\t\n", "a/empty": b""}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_archive(tmp_path / "x.tar.gz", FILES)
    assert read_archive(tmp_path / "x.tar.gz") == FILES


@given(st.permutations(sorted(FILES)))
def test_the_order_of_the_files_does_not_change_a_byte(order: list[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        one, other = Path(folder, "one"), Path(folder, "other")
        write_archive(one, FILES)
        write_archive(other, {name: FILES[name] for name in order})
        assert one.read_bytes() == other.read_bytes()


def test_nothing_of_the_machine_is_in_it(tmp_path: Path) -> None:
    write_archive(tmp_path / "x.tar.gz", FILES)
    with tarfile.open(tmp_path / "x.tar.gz") as archive:
        for member in archive:
            assert (member.mtime, member.uid, member.uname, member.mode) == (0, 0, "", 0o644)


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "./x", "a\\x", "C:x", ""])
def test_a_path_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo(name))
    with pytest.raises(DataError, match="nothing was unpacked"):
        read_archive(tmp_path / "x.tar.gz")


@pytest.mark.parametrize(
    "content", [b"", b"no archive", gzip.compress(b"no tar", mtime=0), b"\x1f\x8b\x08"]
)
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.tar.gz").write_bytes(content)
    with pytest.raises(DataError, match="expected a bundle at"):
        read_archive(tmp_path / "x.tar.gz")


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    with largest_file(10), pytest.raises(DataError, match="name another with --out"):
        write_archive(tmp_path / "x.tar.gz", FILES)
    assert list(tmp_path.iterdir()) == []
