"""The live path: a real checkpoint answers, a real server judges, real HTTP between them."""

import json
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.command import Run
from tests.tiny.checkpoint import make_checkpoint

ROOT = Path(__file__).parents[1]
JUDGED = ["-b", "alpaca_eval", "--limit", "20", "--max-tokens", "24", "--temperature", "0.7"]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tiny candidates and a judge, random weights all; one token is one character."""
    folder = tmp_path_factory.mktemp("checkpoints")
    for seed, name in enumerate(("iter1", "iter2")):
        make_checkpoint(folder / name, seed=seed, window=4096)
    opinionated(make_checkpoint(folder / "judge", seed=7, window=16384))
    return folder


def opinionated(folder: Path) -> None:
    """Gives a checkpoint opposite logits for m and M and none for the others: it always decides."""
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    little, big = tokenizer.convert_tokens_to_ids(["m", "M"])
    tensors = load_file(folder / "model.safetensors")
    head = tensors["lm_head.weight"]
    kept = head[big].clone()
    head.zero_()
    head[big], head[little] = kept, -kept
    save_file({**tensors, "lm_head.weight": torch.clone(head)}, folder / "model.safetensors")


def serving(command: list[str], port: int, folder: Path) -> Iterator[str]:
    """A server in a process of its own, from its first answer to the end of the test."""
    with (folder / f"{port}.log").open("w") as log:
        server = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        _wait(f"http://127.0.0.1:{port}", server)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait()


def _wait(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert server.poll() is None, "the server has ended"
        try:
            urllib.request.urlopen(f"{address}/", timeout=1).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(address)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


@pytest.fixture(scope="module")
def judge(checkpoints: Path) -> Iterator[str]:
    """A server around the judge that returns log-probabilities."""
    port, model = free_port(), str(checkpoints / "judge")
    command = [sys.executable, "-m", "tests.tiny.server", "--port", str(port), model]
    for address in serving(command, port, checkpoints):
        yield f"{address}#judge"


def results() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(Path("out.json").read_text())["results"]
    return found


@pytest.mark.usefixtures("mirror")
def test_real_checkpoints_are_scored_by_a_real_judge(
    run: Run, checkpoints: Path, judge: str
) -> None:
    models = [f"hf:{checkpoints / name}" for name in ("iter1", "iter2")]
    ran = run("score", *models, *JUDGED, "-j", judge, "--json", "out.json", "--items")
    assert ran.status == 0, ran.err
    assert [result["checkpoint"] for result in results()] == ["iter1", "iter2"]
    for result in results():
        assert len(result["items"]) == 20
        assert (result["scores"][0]["n"], result["scores"][0]["n_unread"]) == (20, 0)
        values = [item["value"] for item in result["items"]]
        assert result["scores"][1]["value"] == pytest.approx(sum(values) / 20)
        assert 0 < result["scores"][0]["value"] < 1
    weights = {result["identity"]["model weights"] for result in results()}
    assert len(weights) == 2


@pytest.mark.usefixtures("mirror")
def test_a_second_run_asks_neither_checkpoint_nor_judge(
    run: Run, checkpoints: Path, judge: str
) -> None:
    words = ["score", f"hf:{checkpoints / 'iter1'}", *JUDGED, "-j", judge, "--json", "out.json"]
    assert run(*words).status == 0
    first = results()
    with sqlite3.connect("results/store.sqlite") as db:
        calls = db.execute("SELECT count(*) FROM calls").fetchone()
    assert run(*words).status == 0
    with sqlite3.connect("results/store.sqlite") as db:
        assert db.execute("SELECT count(*) FROM calls").fetchone() == calls
    assert results() == first


@pytest.mark.usefixtures("mirror")
def test_a_moved_checkpoint_is_the_same_checkpoint(
    run: Run, checkpoints: Path, judge: str, tmp_path: Path
) -> None:
    words = [*JUDGED, "-j", judge, "--dry-run", "--json", "plan.json"]
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for file in (checkpoints / "iter1").iterdir():
        (moved / file.name).write_bytes(file.read_bytes())
    run("score", f"hf:{checkpoints / 'iter1'}", *JUDGED, "-j", judge)
    run("score", f"hf:{moved}", *words)
    (plan,) = json.loads(Path("plan.json").read_text())["plan"]
    assert (plan["to_answer"], plan["to_judge"]) == (0, 0)


@pytest.mark.usefixtures("mirror")
def test_half_a_checkpoint_gets_one_clear_line(
    run: Run, checkpoints: Path, judge: str, tmp_path: Path
) -> None:
    half = tmp_path / "half"
    half.mkdir()
    for file in (checkpoints / "iter1").iterdir():
        content = file.read_bytes()
        cut = len(content) // 2 if file.suffix == ".safetensors" else len(content)
        (half / file.name).write_bytes(content[:cut])
    ran = run("score", f"hf:{half}", *JUDGED, "-j", judge)
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "model.safetensors" in ran.err


@pytest.mark.slow
@pytest.mark.usefixtures("mirror")
def test_transformers_own_server_judges_by_words_and_is_refused_for_log_probabilities(
    run: Run, checkpoints: Path
) -> None:
    port, model = free_port(), str(checkpoints / "judge")
    command = [
        str(Path(sys.executable).with_name("transformers")),
        *("serve", "--port", str(port), "--device", "cpu", model),
    ]
    for address in serving(command, port, checkpoints):
        one = ["-b", "alpaca_eval@1.0", "--limit", "3", "--max-tokens", "8"]
        judged = ["-j", f"{address}#{model}", "--json", "out.json"]
        ran = run("score", f"hf:{checkpoints / 'iter1'}", *one, *judged)
        assert ran.status == 0, ran.err
        assert results()[0]["scores"][0]["n_unread"] == 3
        ran = run("score", f"hf:{checkpoints / 'iter1'}", *JUDGED, *judged)
        assert (ran.status, len(ran.lines)) == (2, 1)
        assert "log-probabilities" in ran.err


@pytest.mark.usefixtures("mirror")
def test_a_served_checkpoint_is_known_by_its_files(run: Run, checkpoints: Path, judge: str) -> None:
    folder = checkpoints / "judge"
    Path("run.yaml").write_text(
        "name: run\ndecoding: {max_tokens: 8}\ncheckpoints:\n"
        f"  - {{name: known, model: '{judge}', weights: '{folder}'}}\n"
        f"  - {{name: unknown, model: '{judge}'}}\n"
    )
    words = ["-b", "alpaca_eval", "--limit", "4", "-j", judge, "--json", "out.json"]
    ran = run("score", "run.yaml", *words)
    assert ran.status == 0, ran.err
    assert len(results()[0]["identity"]["model weights"]) == 64
    assert "unknown: its server does not tell its weights" in ran.out
    assert "known: its server" not in ran.out.replace("unknown", "")
