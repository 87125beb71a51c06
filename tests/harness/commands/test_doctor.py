"""What `doctor` finds, and the remedy beside everything that is missing."""

import platform
import re
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.commands import doctor as module
from harness.commands.doctor import EXTRAS, doctor
from tests.harness.commands.desk import FILES, Desk


@pytest.fixture(autouse=True)
def _no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing it takes seconds; to an import, None is a package that is not there."""
    monkeypatch.setitem(sys.modules, "torch", None)


def finding(desk: Desk, what: str) -> str:
    doctor(desk.setting)
    return {row["what"]: str(row["found"]) for row in desk.kept["findings"]}[what]


def seeing(monkeypatch: pytest.MonkeyPatch, *devices: str) -> None:
    """A torch that sees these devices."""
    cuda = SimpleNamespace(device_count=lambda: len(devices), get_device_name=devices.__getitem__)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))


def test_everything_found_is_shown_with_what_it_is_for(desk: Desk) -> None:
    doctor(desk.setting)
    assert re.search(rf"\| Python +\| {platform.python_version()} +\| everything", desk.shown)
    assert desk.kept["findings"][0] == {
        "what": "Python",
        "found": platform.python_version(),
        "for": "everything",
    }


def test_every_extra_is_told_of(desk: Desk) -> None:
    doctor(desk.setting)
    told = {row["what"] for row in desk.kept["findings"]}
    assert {f"extra {name}" for name in EXTRAS} <= told


def test_every_extra_of_the_distribution_has_a_row_with_packages_it_installs() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert EXTRAS.keys() == extras.keys() - {"all", "dev"}
    for name, (packages, _) in EXTRAS.items():
        installed = {re.split(r"[\[<>=,]", requirement)[0] for requirement in extras[name]}
        assert set(packages) <= installed


def test_an_extra_is_shown_with_the_versions_of_its_packages(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EXTRAS", {"numbers": (("numpy", "scipy"), "arithmetic")})
    found = finding(desk, "extra numbers")
    assert found == f"numpy {version('numpy')}, scipy {version('scipy')}"


def test_an_extra_that_lacks_a_package_is_shown_with_the_remedy(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EXTRAS", {"odd": (("numpy", "no-such-package"), "nothing")})
    assert finding(desk, "extra odd") == "no: pip install 'iterbench[odd]'"


def test_without_torch_there_is_a_cpu(desk: Desk) -> None:
    assert finding(desk, "device").startswith("CPU, ")


def test_every_device_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    seeing(monkeypatch, "H200", "A100")
    assert finding(desk, "device") == "H200, A100"


def test_torch_without_a_device_runs_on_the_cpu(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeing(monkeypatch)
    assert finding(desk, "device").startswith("CPU, ")


def test_a_key_that_is_not_set_is_shown_with_the_remedy(desk: Desk) -> None:
    assert finding(desk, "OPENAI_API_KEY") == "no: export OPENAI_API_KEY=…"


def test_a_key_is_told_of_and_never_shown(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "s3cret")
    assert finding(desk, "ANTHROPIC_API_KEY") == "set"
    assert "s3cret" not in desk.shown


def test_official_files_are_counted_by_benchmark_with_the_remedy(desk: Desk) -> None:
    desk.put("set/a.json")
    found = finding(desk, "files of tiny@1")
    assert found == "1 of 2; for the others: run_eval.py assets pull"


def test_files_that_are_all_here_need_no_remedy(desk: Desk) -> None:
    for name in FILES:
        desk.put(name)
    assert finding(desk, "files of tiny@1") == "2 of 2"


@pytest.mark.parametrize(("needed", "is_little"), [(0.0, False), (1e30, True)])
def test_little_room_on_the_disk_is_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, needed: float, is_little: bool
) -> None:
    monkeypatch.setattr(module, "_ROOM", needed)
    assert ("little: checkpoints" in finding(desk, "free disk")) == is_little
