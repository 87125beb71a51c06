import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from shutil import copytree

import pytest

from harness.errors import DataError
from harness.models.local import weights
from harness.models.local.weights import check, fingerprint, weight_files
from tests.tiny.checkpoint import make_checkpoint

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")


def change_a_byte(file: Path, at: int = -1) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


@pytest.fixture
def sharded(tmp_path: Path) -> Path:
    return make_checkpoint(tmp_path / "sharded", shard_size="60KB")


def test_a_copy_elsewhere_has_the_same_fingerprint(checkpoint: Path, tmp_path: Path) -> None:
    assert fingerprint(checkpoint) == fingerprint(copytree(checkpoint, tmp_path / "moved"))


def test_a_newer_date_does_not_change_the_fingerprint(copy: Path) -> None:
    before = fingerprint(copy)
    os.utime(copy / "model.safetensors", (0, 0))
    assert fingerprint(copy) == before


@pytest.mark.parametrize(
    "name",
    [
        "model.safetensors",
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
    ],
)
def test_a_byte_in_any_file_that_matters_changes_the_fingerprint(copy: Path, name: str) -> None:
    before = fingerprint(copy)
    change_a_byte(copy / name)
    assert fingerprint(copy) != before


def test_a_byte_in_any_shard_changes_the_fingerprint(sharded: Path) -> None:
    seen = {fingerprint(sharded)}
    for shard in weight_files(sharded):
        change_a_byte(shard)
        seen.add(fingerprint(sharded))
    assert len(seen) == 1 + len(list(sharded.glob("model-*.safetensors"))) > 2


def test_files_of_the_training_run_do_not_matter(copy: Path) -> None:
    before = fingerprint(copy)
    for name in ("README.md", "trainer_state.json", "training_args.bin", "optimizer.pt"):
        (copy / name).write_text("written by the trainer")
    assert fingerprint(copy) == before


@pytest.mark.parametrize("at", [0, 999, 1000, -1])
def test_every_chunk_of_a_large_file_counts(
    copy: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "CHUNK", 1000)
    before = fingerprint(copy)
    change_a_byte(copy / "model.safetensors", at)
    assert fingerprint(copy) != before


def test_a_large_file_is_hashed_as_the_list_of_its_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "CHUNK", 4)
    (tmp_path / "file").write_bytes(b"abcdefghij")
    chunks = b"".join(sha256(chunk).digest() for chunk in (b"abcd", b"efgh", b"ij"))
    with ThreadPoolExecutor() as pool:
        assert weights._content(tmp_path / "file", pool) == sha256(chunks).hexdigest()


def test_the_name_of_a_file_counts(copy: Path) -> None:
    before = fingerprint(copy)
    (copy / "chat_template.jinja").rename(copy / "chat_template_.jinja")
    assert fingerprint(copy) != before


def test_a_file_with_the_same_size_and_date_is_not_read_again(copy: Path) -> None:
    file = copy / "model.safetensors"
    before, stat = fingerprint(copy), file.stat()
    change_a_byte(file)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert fingerprint(copy) == before


def test_a_cache_entry_that_was_cut_short_is_made_again(copy: Path, own_cache: Path) -> None:
    before = fingerprint(copy)
    for entry in (own_cache / "iterbench" / "weights").iterdir():
        entry.write_text("")
    assert fingerprint(copy) == before


def test_processes_that_hash_at_once_agree_and_leave_no_drafts(copy: Path, own_cache: Path) -> None:
    program = (
        "import sys; from pathlib import Path;"
        "from harness.models.local.weights import fingerprint;"
        "sys.stdout.write(fingerprint(Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", program, str(copy)]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert {run.communicate()[0] for run in runs} == {fingerprint(copy)}
    assert all(len(entry.name) == 64 for entry in (own_cache / "iterbench" / "weights").iterdir())


def test_a_file_that_is_being_written_is_refused(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = weights._content

    def while_it_grows(file: Path, pool: ThreadPoolExecutor) -> str:
        digest = read(file, pool)
        file.write_bytes(file.read_bytes() + b" ")
        return digest

    monkeypatch.setattr(weights, "_content", while_it_grows)
    with pytest.raises(DataError, match="changed while it was read"):
        fingerprint(copy)


def test_a_cache_folder_that_cannot_be_written_is_named(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(DataError, match="set XDG_CACHE_HOME"):
        fingerprint(checkpoint)


def test_whole_checkpoints_pass(checkpoint: Path, sharded: Path) -> None:
    check(checkpoint)
    check(sharded)


def test_older_weights_in_one_bin_file_pass(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    check(copy)
    assert weight_files(copy) == [copy / "pytorch_model.bin"]


def test_a_file_that_is_cut_short_is_named_with_both_lengths(copy: Path) -> None:
    file = copy / "model.safetensors"
    size = file.stat().st_size
    os.truncate(file, size - 100)
    with pytest.raises(DataError, match=rf"{file} has {size - 100} bytes .* says {size}"):
        check(copy)


def test_a_shard_that_is_cut_short_is_named(sharded: Path) -> None:
    shard = weight_files(sharded)[1]
    os.truncate(shard, 5000)
    with pytest.raises(DataError, match=shard.name):
        check(sharded)


@pytest.mark.parametrize("content", [b"version https://git-lfs.github.com/spec/v1", b"", b"abc"])
def test_a_pointer_in_place_of_weights_is_told(copy: Path, content: bytes) -> None:
    (copy / "model.safetensors").write_bytes(content)
    with pytest.raises(DataError, match=r"Git LFS pointer|no readable header"):
        check(copy)


def test_a_header_that_is_not_json_is_told(copy: Path) -> None:
    (copy / "model.safetensors").write_bytes((4).to_bytes(8, "little") + b"\xff{{{")
    with pytest.raises(DataError, match="no readable header"):
        check(copy)


def test_absent_shards_are_named(sharded: Path) -> None:
    absent = weight_files(sharded)[0]
    absent.unlink()
    with pytest.raises(DataError, match=rf"1 of them absent \({absent.name}\)"):
        check(sharded)


def test_an_index_without_a_map_is_told(sharded: Path) -> None:
    (sharded / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(DataError, match="no index of weights"):
        check(sharded)


@pytest.mark.parametrize(
    ("absent", "message"),
    [
        ("config.json", "has no config.json"),
        ("tokenizer.json", "has no tokenizer"),
        ("model.safetensors", "holds no weights"),
    ],
)
def test_what_a_checkpoint_lacks_is_said(copy: Path, absent: str, message: str) -> None:
    (copy / absent).unlink()
    with pytest.raises(DataError, match=message):
        check(copy)


def test_an_adapter_is_told_to_be_merged(copy: Path) -> None:
    (copy / "config.json").rename(copy / "adapter_config.json")
    with pytest.raises(DataError, match="adapter without its base; merge"):
        check(copy)


@pytest.mark.parametrize("content", [b'{"eos_tok', b"\xff\xfe", b"", b"[]", b"3"])
@pytest.mark.parametrize(
    "name", ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"]
)
def test_a_damaged_settings_file_is_named(copy: Path, name: str, content: bytes) -> None:
    (copy / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"{copy / name} .*; download or save it again"):
        check(copy)


@pytest.mark.parametrize(
    "header",
    [
        b"[]",
        b"3",
        b'{"a": 1}',
        b'{"a": {"dtype": "F32"}}',
        b'{"a": {"data_offsets": null}}',
        b'{"a": {"data_offsets": [0]}}',
        b'{"a": {"data_offsets": ["0", "4"]}}',
    ],
)
def test_a_header_of_another_form_is_told(copy: Path, header: bytes) -> None:
    file = copy / "model.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(DataError, match=f"{file} has no readable header"):
        check(copy)


@pytest.mark.parametrize("shards", [[], {}, {"a": 3}, {"a": ["b"]}, None])
def test_an_index_of_another_form_is_told(sharded: Path, shards: object) -> None:
    index = sharded / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": shards}))
    with pytest.raises(DataError, match=f"{index} is no index of weights"):
        check(sharded)
