"""Every command is tested on a machine of its own: one benchmark, two official files, no keys."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import benchmarks
from tests.harness.commands.desk import FILES, Desk
from tests.leaves import planted

TINY = """
from tests.records import benchmark, card
BENCHMARK = benchmark(card=card(assets=("set/a.json", "set/b.json")))
"""


@pytest.fixture(autouse=True)
def _own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    published = tmp_path / "published.json"
    published.write_bytes(FILES["set/b.json"])
    hashes = [hashlib.sha256(content).hexdigest() for content in FILES.values()]
    (tmp_path / "assets.csv").write_text(
        "name,sha256,licence,url,derive\n"
        f"set/a.json,{hashes[0]},MIT,,\n"
        f"set/b.json,{hashes[1]},MIT,{published.as_uri()},\n"
    )
    monkeypatch.setattr("harness.commands.setting.files", lambda _package: tmp_path)
    monkeypatch.setattr(benchmarks, "__path__", [])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for variable in ("ITERBENCH_ASSETS", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    with planted("benchmarks.tiny", TINY, tmp_path / "leaves"):
        yield


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def terminal(tmp_path: Path) -> Desk:
    return Desk(tmp_path, terminal=True)
