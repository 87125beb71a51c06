import gzip
import os
from pathlib import Path

import pytest

from harness.errors import DataError
from harness.files import unpacked, write_whole


def test_a_file_is_written_with_its_folders(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b.txt", b"whole")
    assert (tmp_path / "a" / "b.txt").read_bytes() == b"whole"
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b.txt"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_whole(tmp_path / "link", b"whole")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"whole"


def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, b"whole")
    assert os.read(reader, 9) == b"whole"
    assert pipe.is_fifo()
    os.close(reader)


def test_a_packed_file_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"whole"))
    assert unpacked(tmp_path / "x.gz") == b"whole"


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(b"whole", mtime=0)[:-9]])
def test_damaged_packing_is_an_error_that_names_the_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.gz").write_bytes(content)
    with pytest.raises(DataError, match=r"readable file at .*x\.gz"):
        unpacked(tmp_path / "x.gz")
