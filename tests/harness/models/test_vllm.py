"""A server of one's own: it starts late, says why it failed, and never stays behind."""

import gc
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import DataError, ModelError
from harness.models import vllm
from harness.models.vllm import Vllm, build
from harness.types import Decoding, ModelOptions, Prompt
from tests.harness.models.calling import HASTE, Diary, asking
from tests.harness.models.serving.test_leash import is_gone
from tests.servers import fake_vllm

CRASH = [Prompt("c", ("crash",), Decoding(1))]


@pytest.fixture(autouse=True)
def diary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the fake vLLM writes a line each time it is started."""
    return install(tmp_path, monkeypatch)


@pytest.fixture
def model() -> Iterator[Vllm]:
    with closing(replace(build("vllm:owner/tiny", ModelOptions()), patience=HASTE)) as built:
        yield built


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Vllm, Path]]:
    """A model whose server has been started, and its diary."""
    with pytest.MonkeyPatch.context() as patch:
        diary = install(tmp_path_factory.mktemp("vllm"), patch)
        with closing(build("vllm:owner/tiny", ModelOptions())) as model:
            model.generate(asking(1))
            yield model, diary


def install(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    file = folder / "diary"
    file.touch()
    fake_vllm.install(folder)
    patch.setenv("PATH", str(folder), prepend=os.pathsep)
    patch.setenv("FAKE_VLLM_DIARY", str(file))
    patch.setattr(tempfile, "tempdir", str(folder))  # for logs, here and in children
    patch.setenv("TMPDIR", str(folder))
    return file


def make_folder(folder: Path, header: bytes) -> Path:
    """A complete checkpoint without a single weight."""
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text("{}")
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    weights = len(header).to_bytes(8, "little") + header
    (folder / "model.safetensors").write_bytes(weights)
    return folder


def identity_of(folder: Path) -> Mapping[str, str]:
    return build(f"vllm:{folder}", ModelOptions()).identity


def pids(diary: Path) -> list[int]:
    return [int(line.split()[0]) for line in diary.read_text().splitlines()]


def test_it_answers_through_the_server_that_it_starts(
    running: tuple[Vllm, Path],
) -> None:
    watch = Diary()
    generations = running[0].generate(asking(20), watch)
    assert [one.text for one in generations] == [f"echo q{i}" for i in range(20)]
    assert {one.model for one in watch.answers} == {"vllm:owner/tiny"}


def test_nothing_is_started_before_it_is_asked(model: Vllm, diary: Path) -> None:
    model.generate([])
    assert not pids(diary)


def test_loading_is_reported(
    model: Vllm, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(vllm, "_REPORT_SECONDS", 0.0)
    with caplog.at_level("INFO"):
        model.generate(asking(1))
    assert "vllm:owner/tiny: loading for 0 s, log" in caplog.text


def test_one_server_serves_every_batch(running: tuple[Vllm, Path]) -> None:
    model, diary = running
    model.generate(asking(1))
    assert len(pids(diary)) == 1


def test_the_server_is_told_what_the_user_wants() -> None:
    options = ModelOptions(dtype="bfloat16", trust_remote_code=True)
    command = " ".join(build("vllm:owner/tiny", options).command)
    assert " serve owner/tiny " in command
    assert " --dtype bfloat16 " in command
    assert " --trust-remote-code" in command


def test_remote_code_is_not_trusted_by_itself(model: Vllm) -> None:
    assert "--trust-remote-code" not in model.command


def test_the_checkpoints_sampling_defaults_are_left_out(model: Vllm) -> None:
    assert "--generation-config vllm" in " ".join(model.command)


def test_a_server_that_does_not_start_says_why() -> None:
    with pytest.raises(ModelError, match=r"(?s)status 1; its log, .*no such architecture"):
        build("vllm:owner/broken", ModelOptions()).generate(asking(1))


def test_a_server_that_dies_says_so(model: Vllm) -> None:
    with pytest.raises(ModelError, match=r"(?s)vLLM ended with status 7; its log, .*ready"):
        model.generate(CRASH)


def test_a_server_that_died_is_started_again(model: Vllm) -> None:
    with pytest.raises(ModelError):
        model.generate(CRASH)
    assert model.generate(asking(1))[0].text == "echo q0"


def test_a_server_that_lives_leaves_the_error_as_it_is(running: tuple[Vllm, Path]) -> None:
    with pytest.raises(ModelError, match="HTTP 404: Not Found"):
        running[0].generate([Prompt("p", ("deny",), Decoding(1))])


def test_closing_ends_the_server(model: Vllm, diary: Path) -> None:
    model.generate(asking(1))
    model.close()
    assert is_gone(*pids(diary))


def test_a_closed_model_starts_its_server_again(model: Vllm, diary: Path) -> None:
    model.generate(asking(1))
    model.close()
    assert model.generate(asking(1))[0].text == "echo q0"
    assert len(pids(diary)) == 2


def test_a_log_cannot_command_a_terminal() -> None:
    with pytest.raises(ModelError, match=r"ends:\n\\x1b\[31mValueError"):
        build("vllm:owner/broken", ModelOptions()).generate(asking(1))


def test_a_model_that_nobody_holds_ends_its_server(diary: Path) -> None:
    build("vllm:owner/tiny", ModelOptions()).generate(asking(1))
    gc.collect()
    assert is_gone(*pids(diary))


def test_the_server_ends_when_this_process_is_killed(diary: Path) -> None:
    child = (
        "from harness.models.vllm import build; from harness.types import *\n"
        "model = build('vllm:owner/tiny', ModelOptions())\n"
        "model.generate([Prompt('p', ('hi',), Decoding(1))])\n"
        "input('ready')"
    )
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", child]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=root) as killed:
        assert killed.stdout is not None
        assert killed.stdout.read(5) == b"ready"
        killed.send_signal(signal.SIGKILL)
        assert is_gone(*pids(diary))


def test_without_vllm_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ModelError, match=r"pip install 'iterbench\[vllm\]'"):
        build("vllm:owner/tiny", ModelOptions())


def test_vllm_may_be_a_package_without_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vllm.py").touch()
    (tmp_path / "vllm").unlink()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PATH", "")
    assert build("vllm:owner/tiny", ModelOptions()).command[:3] == [
        sys.executable,
        "-m",
        "vllm.entrypoints.cli.main",
    ]


def test_a_chat_template_cannot_be_asked_for() -> None:
    with pytest.raises(ModelError, match="leave it out, or run the model as hf:"):
        build("vllm:owner/tiny", ModelOptions(chat_template="fastchat:vicuna_v1.1"))


def test_a_hub_id_is_its_own_identity(model: Vllm) -> None:
    assert model.identity == {"engine": "vllm", "weights": "hub:owner/tiny", "dtype": "auto"}


def test_a_folder_is_identified_by_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    one, other = (make_folder(tmp_path / name, b"{}") for name in ("one", "other"))
    changed = make_folder(tmp_path / "changed", b"{ }")
    assert identity_of(one) == identity_of(other) != identity_of(changed)
    assert identity_of(one).keys() == {"engine", "weights", "template", "dtype"}


def test_a_damaged_folder_is_an_error_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"config\.json"):
        build(f"vllm:{tmp_path}", ModelOptions())


def test_a_base_model_is_refused_conversations_before_its_server_starts(
    tmp_path: Path, diary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = make_folder(tmp_path / "base", b"{}")
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(ModelError, match="ships no chat template"):
        build(f"vllm:{folder}", ModelOptions()).generate(asking(1))
    assert not pids(diary)
