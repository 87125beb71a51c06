"""Official files: where they are looked for, how they arrive, and what is never accepted."""

import gzip
import hashlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path

import pytest

from harness.assets import Asset, Library, _pin, read_catalogue
from harness.errors import DataError, UnknownNameError
from tests.full_disk import largest_file

SHIPPED = list(read_catalogue(Path(__file__).parents[2] / "benchmarks" / "assets.csv").values())
NAME = "set/rows.json"
CONTENT = b"official rows\n" * 100
OTHER = b"other rows\n"


class Host(ThreadingHTTPServer):
    """Serves one content at every path, and misbehaves on request."""

    content = CONTENT
    status = 200
    honours_range = True
    chunked = False
    cut: int | None = None
    """Drop the next connection after so many bytes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ranges: list[str | None] = []
        """The Range header of each request."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/rows.json"


class _Handler(BaseHTTPRequestHandler):
    server: Host

    def do_GET(self) -> None:
        asked, host = self.headers.get("Range"), self.server
        host.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        start = start if host.honours_range else 0
        status = 416 if start >= len(host.content) else 206 if start else host.status
        self.send_response(status)
        body = host.content[start:]
        if host.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: host.cut])
        host.cut = None

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def host() -> Iterator[Host]:
    with Host() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def library(folder: Path, url: str = "", content: bytes = CONTENT, derive: str = "") -> Library:
    """One official file, a mirror and a cache that are both empty."""
    one = Asset(NAME, hashlib.sha256(content).hexdigest(), "MIT", url, derive)
    return Library({NAME: one}, [folder / "mirror"], folder / "cache")


def put(path: Path, content: bytes = CONTENT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def doubled(raw: bytes, _library: Library) -> bytes:
    return raw * 2


def cut(raw: bytes, _library: Library, part: str) -> bytes:
    return raw[: int(part)]


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_mirror_is_looked_into_before_the_cache(tmp_path: Path) -> None:
    mirrored = put(tmp_path / "mirror" / NAME)
    put(tmp_path / "cache" / NAME)
    assert library(tmp_path).find(NAME) == mirrored


def test_mirrors_are_looked_into_in_their_order(tmp_path: Path) -> None:
    second, first = put(tmp_path / "a" / NAME), put(tmp_path / "b" / NAME)
    shelf = Library(library(tmp_path).catalogue, [tmp_path / "b", tmp_path / "a"], tmp_path)
    assert shelf.find(NAME) == first != second


def test_the_cache_is_looked_into_before_anything_is_downloaded(tmp_path: Path, host: Host) -> None:
    put(tmp_path / "cache" / NAME)
    assert library(tmp_path, host.url).read(NAME) == CONTENT
    assert host.ranges == []


def test_a_packed_copy_is_unpacked(tmp_path: Path) -> None:
    put(tmp_path / "mirror" / f"{NAME}.gz", gzip.compress(CONTENT))
    assert library(tmp_path).read(NAME) == CONTENT


def test_a_file_is_here_or_not(tmp_path: Path) -> None:
    shelf = library(tmp_path)
    absent = shelf.has(NAME)
    put(tmp_path / "cache" / NAME)
    assert (absent, shelf.has(NAME)) == (False, True)


def test_names_with_a_beginning_come_in_alphabetical_order(tmp_path: Path) -> None:
    catalogue = {name: Asset(name, "", "", "", "") for name in ("b/2", "b/1", "a/1")}
    assert Library(catalogue, [], tmp_path).names("b/") == ["b/1", "b/2"]


def test_a_name_that_no_catalogue_has_gets_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"'set/row.json'; did you mean 'set/rows.json'\?"):
        library(tmp_path).read("set/row.json")


@pytest.mark.parametrize("one", SHIPPED, ids=lambda one: one.name)
def test_every_shipped_asset_is_pinned_by_hash_or_at_least_at_its_address(one: Asset) -> None:
    pinned = re.match(r"https://.*/[0-9a-f]{40}/", one.url)
    hashed = re.fullmatch(r"[0-9a-f]{64}|git:[0-9a-f]{40}", one.sha256)
    assert hashed or (pinned and not one.sha256)
    assert pinned or not one.url
    assert one.licence


def _function(derive: str) -> str:
    """Without the part that it makes."""
    return ":".join(derive.split(":")[:2])


@pytest.mark.parametrize("derive", sorted({_function(one.derive) for one in SHIPPED} - {""}))
def test_every_shipped_derivation_is_a_function(derive: str) -> None:
    module, function = derive.split(":")
    assert callable(getattr(import_module(module), function))


def by_git(folder: Path, url: str, content: bytes = CONTENT) -> Library:
    """One official file, pinned by the id that git gives it."""
    blob = hashlib.sha1(b"blob %d\0%b" % (len(content), content)).hexdigest()
    one = Asset(NAME, f"git:{blob}", "MIT", url, "")
    return Library({NAME: one}, [folder / "mirror"], folder / "cache")


def test_the_id_that_git_gives_is_that_of_git() -> None:
    empty = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"  # git hash-object /dev/null
    assert _pin(b"", f"git:{empty}") == f"git:{empty}"


def test_a_file_may_be_pinned_by_the_id_that_git_gives_it(tmp_path: Path, host: Host) -> None:
    assert by_git(tmp_path, host.url).read(NAME) == CONTENT


def test_a_file_that_git_calls_otherwise_is_refused(tmp_path: Path, host: Host) -> None:
    host.content = OTHER
    with pytest.raises(DataError, match="with the id git:"):
        by_git(tmp_path, host.url).read(NAME)


def test_a_catalogue_is_a_csv(tmp_path: Path) -> None:
    path = put(tmp_path / "assets.csv", b"name,sha256,licence,url,derive\na,f0,MIT,,m:f\n")
    assert read_catalogue(path) == {"a": Asset("a", "f0", "MIT", "", "m:f")}


@pytest.mark.parametrize("place", ["mirror", "cache"])
def test_another_content_is_named_with_its_place_and_the_remedy(tmp_path: Path, place: str) -> None:
    path = put(tmp_path / place / NAME, OTHER)
    with pytest.raises(DataError) as raised:
        library(tmp_path).read(NAME)
    assert str(path) in str(raised.value)
    assert f"delete that file and run 'run_eval.py assets pull {NAME}'" in str(raised.value)


@pytest.mark.parametrize(
    "damaged",
    [
        gzip.compress(CONTENT)[:-9],
        gzip.compress(CONTENT)[:10] + b"\xff" * 30,
        b"this was never packed",
    ],
    ids=["cut short", "overwritten", "no gzip"],
)
def test_a_damaged_packed_copy_is_one_clear_line(tmp_path: Path, damaged: bytes) -> None:
    path = put(tmp_path / "mirror" / f"{NAME}.gz", damaged)
    with pytest.raises(DataError, match=f"expected a readable file at {path}"):
        library(tmp_path).read(NAME)


def test_a_file_without_a_public_address_says_where_to_put_it(tmp_path: Path) -> None:
    target = tmp_path / "cache" / NAME
    with pytest.raises(DataError, match=f"no public address; put a mirror's copy at {target}"):
        library(tmp_path).read(NAME)


def test_a_download_with_another_content_is_not_kept(tmp_path: Path, host: Host) -> None:
    host.content = OTHER
    with pytest.raises(DataError, match=f"{host.url} has .*; pull it again, or put a mirror"):
        library(tmp_path, host.url).read(NAME)
    assert files_in(tmp_path) == []


def test_a_download_is_kept_and_not_repeated(tmp_path: Path, host: Host) -> None:
    shelf = library(tmp_path, host.url)
    assert [shelf.read(NAME), shelf.read(NAME)] == [CONTENT, CONTENT]
    assert host.ranges == [None]


def test_a_download_leaves_nothing_beside_the_file(tmp_path: Path, host: Host) -> None:
    library(tmp_path, host.url).pull(NAME)
    assert files_in(tmp_path) == ["rows.json"]


def test_a_broken_off_download_says_how_far_it_came(tmp_path: Path, host: Host) -> None:
    host.cut = 700
    with pytest.raises(DataError, match="700 of 1400 bytes"):
        library(tmp_path, host.url).read(NAME)
    assert not library(tmp_path).has(NAME)


def test_a_broken_off_download_goes_on_where_it_stopped(tmp_path: Path, host: Host) -> None:
    host.cut = 700
    with pytest.raises(DataError):
        library(tmp_path, host.url).read(NAME)
    assert library(tmp_path, host.url).read(NAME) == CONTENT
    assert host.ranges == [None, "bytes=700-"]


def test_a_server_that_ignores_ranges_is_read_from_the_start(tmp_path: Path, host: Host) -> None:
    host.honours_range = False
    put(tmp_path / "cache" / f"{NAME}.part", CONTENT[:700])
    assert library(tmp_path, host.url).read(NAME) == CONTENT


def test_a_download_that_stopped_at_its_very_end_is_whole(tmp_path: Path, host: Host) -> None:
    put(tmp_path / "cache" / f"{NAME}.part")
    assert library(tmp_path, host.url).read(NAME) == CONTENT


def test_an_attempt_that_left_rubbish_is_not_gone_on_with_for_ever(
    tmp_path: Path, host: Host
) -> None:
    put(tmp_path / "cache" / f"{NAME}.part", OTHER)
    with pytest.raises(DataError):
        library(tmp_path, host.url).read(NAME)
    assert library(tmp_path, host.url).read(NAME) == CONTENT


def test_a_stream_of_unknown_length_that_breaks_off_is_one_clear_line(
    tmp_path: Path, host: Host
) -> None:
    host.chunked, host.cut = True, 700
    with pytest.raises(DataError, match="cannot be fetched"):
        library(tmp_path, host.url).read(NAME)


def test_an_address_that_is_gone_says_what_the_server_said(tmp_path: Path, host: Host) -> None:
    host.status = 404
    with pytest.raises(DataError, match=rf"{host.url} cannot be fetched \(HTTP Error 404"):
        library(tmp_path, host.url).read(NAME)


def test_without_a_network_the_remedies_are_named(tmp_path: Path, host: Host) -> None:
    host.server_close()
    with pytest.raises(DataError, match=r"put the file at .* or name a folder .* --assets"):
        library(tmp_path, host.url).read(NAME)


def test_a_file_kept_in_another_form_is_derived_from_what_is_published(
    tmp_path: Path, host: Host
) -> None:
    shelf = library(tmp_path, host.url, doubled(CONTENT, library(tmp_path)), f"{__name__}:doubled")
    assert shelf.pull(NAME) == CONTENT * 2
    assert (tmp_path / "cache" / NAME).read_bytes() == CONTENT * 2


def test_one_part_of_what_is_published_is_derived_by_its_name(tmp_path: Path, host: Host) -> None:
    shelf = library(tmp_path, host.url, CONTENT[:3], f"{__name__}:cut:3")
    assert shelf.pull(NAME) == CONTENT[:3]


def test_progress_is_told_up_to_the_whole(tmp_path: Path, host: Host) -> None:
    host.content = bytes(3 << 19)
    told: list[tuple[str, int, int]] = []
    plain = library(tmp_path, host.url, host.content)
    Library(plain.catalogue, [], plain.cache, lambda *news: told.append(news)).pull(NAME)
    assert told == [(NAME, 1 << 20, 3 << 19), (NAME, 3 << 19, 3 << 19)]


def test_progress_of_a_resumed_stream_knows_no_total(tmp_path: Path, host: Host) -> None:
    host.chunked = True
    put(tmp_path / "cache" / f"{NAME}.part", CONTENT[:700])
    told: list[int] = []
    plain = library(tmp_path, host.url)
    Library(plain.catalogue, [], plain.cache, lambda *news: told.append(news[2])).pull(NAME)
    assert told == [0]


def test_a_disk_that_fills_up_during_a_download_is_one_clear_line(
    tmp_path: Path, host: Host
) -> None:
    with largest_file(500), pytest.raises(DataError, match="File too large"):
        library(tmp_path, host.url).read(NAME)


def test_a_disk_that_fills_up_at_the_last_step_leaves_no_half_file(
    tmp_path: Path, host: Host
) -> None:
    shelf = library(tmp_path, host.url, CONTENT * 2, f"{__name__}:doubled")
    with largest_file(2000), pytest.raises(DataError, match="File too large"):
        shelf.pull(NAME)
    assert files_in(tmp_path) == []


def test_a_cache_that_cannot_be_made_is_one_clear_line(tmp_path: Path, host: Host) -> None:
    put(tmp_path / "cache", b"a file where the folder should be")
    with pytest.raises(DataError, match="cannot be fetched"):
        library(tmp_path, host.url).read(NAME)


def unknown(folder: Path, url: str) -> Library:
    """One official file whose hash nobody knew."""
    return Library({NAME: Asset(NAME, "", "MIT", url, "")}, [folder / "mirror"], folder / "cache")


def test_a_file_of_unknown_hash_must_stay_what_it_was_at_first(tmp_path: Path, host: Host) -> None:
    shelf = unknown(tmp_path, host.url)
    assert shelf.read(NAME) == CONTENT
    put(tmp_path / "cache" / NAME, OTHER)
    with pytest.raises(DataError, match=r"but .* has .*; delete that file"):
        shelf.read(NAME)


def test_an_address_must_go_on_giving_what_it_gave_at_first(tmp_path: Path, host: Host) -> None:
    shelf = unknown(tmp_path, host.url)
    shelf.pull(NAME)
    host.content = OTHER
    with pytest.raises(DataError, match="pull it again"):
        shelf.pull(NAME)


def test_a_mirrors_file_of_unknown_hash_is_taken_as_it_is(tmp_path: Path) -> None:
    put(tmp_path / "mirror" / NAME, OTHER)
    assert unknown(tmp_path, "").read(NAME) == OTHER
