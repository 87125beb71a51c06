"""The command line as a user meets it: exit status, what is printed, what is written."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import run_eval
from tests.command import Run

ROOT = Path(__file__).parents[1]
COMMANDS = sorted(run_eval.cli.commands)
HEAVY = ("torch", "pandas", "sklearn", "transformers", "openai", "anthropic", "matplotlib", "ray")


def in_a_new_process(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_importing_the_core_loads_nothing_heavy() -> None:
    code = (
        "import sys, run_eval, harness.commands.score, harness.commands.verify, judges.llm, "
        "harness.commands.catalogue, harness.commands.doctor, harness.commands.rescore, "
        "benchmarks.alpaca_eval, harness.models.hf, harness.models.openai, "
        "harness.models.anthropic; "
        f"print(*[name for name in {HEAVY} if name in sys.modules])"
    )
    assert in_a_new_process(code).split() == []


def test_help_loads_neither_numpy_nor_the_engine() -> None:
    code = (
        "import sys, run_eval; sys.argv = ['run_eval.py', 'score', '--help']; run_eval.main(); "
        "print('LOADED', *[n for n in ('numpy', 'scipy', 'pydantic', 'rich', 'aiohttp') "
        "if n in sys.modules])"
    )
    assert in_a_new_process(code).splitlines()[-1] == "LOADED"


@pytest.mark.parametrize("command", COMMANDS)
def test_each_commands_help_has_an_example(run: Run, command: str) -> None:
    ran = run(command, "--help")
    assert ran.status == 0
    assert f"run_eval.py {command}" in ran.out


def test_list_names_benchmarks_judges_and_models(run: Run) -> None:
    ran = run("list", "--json", "list.json")
    assert "alpaca_eval@2.0" in ran.out
    data = json.loads(Path("list.json").read_text())
    assert {"alpaca_eval@2.0", "alpaca_eval@1.0"} <= set(data["benchmarks"])
    assert {"additive", "llm"} <= set(data["judges"])
    backends = "anthropic hf http https openai pairrm replay scripted vllm"
    assert data["models"] == backends.split()


def test_doctor_says_what_to_do(run: Run) -> None:
    assert "export OPENAI_API_KEY=…" in run("doctor").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["score", "hf:x", "-b", "alpaka_eval"], "no benchmark is called 'alpaka_eval'; did you"),
        (["score", "hf:x", "-b", "alpaca_eval@3"], "no version of alpaca_eval is called '3'"),
        (["score", "openia:gpt-4", "-b", "alpaca_eval"], "did you mean 'openai:gpt-4'?"),
        (["score", "gpt-4", "-b", "alpaca_eval"], "no model is called 'gpt-4'"),
        (["score", "hf:x", "-b", "alpaca_eval", "-j", "opnai:gpt-4"], "'openai:gpt-4'?"),
        (["score", "none.yaml", "-b", "alpaca_eval"], "expected a YAML file at none.yaml"),
        (["score", "hf:x", "a.yaml", "-b", "alpaca_eval"], "one series file or several models"),
        (["score", "replay:none.json", "-b", "alpaca_eval"], "readable file at none.json"),
        (["rescore", "alpaca_eval", "--judgments", "none.json"], "readable file at none.json"),
        (["verify", "alpaca"], "did you mean 'alpaca_eval'?"),
        (["verify", "alpaca_eval@"], "no version of alpaca_eval is called ''"),
        (["score", "hf:x", "-b", " , "], "expected benchmarks after -b"),
        (["score", "ftp://u:secret@h#m", "-b", "alpaca_eval"], "no model is called 'ftp://h#m'"),
        (["assets", "pull", "alpaca_eval/nothing"], "no asset is called"),
    ],
)
def test_a_wrong_request_gets_one_clear_line(run: Run, words: list[str], message: str) -> None:
    ran = run(*words)
    assert ran.status == 2
    assert len(ran.lines) == 1
    assert message in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ["scor"],
        ["score"],
        ["score", "hf:x", "--limit", "0"],
        ["list", "--json", ""],
        ["list", "--json", "."],
    ],
)
def test_a_malformed_command_line_exits_with_2(run: Run, words: list[str]) -> None:
    ran = run(*words)
    assert ran.status == 2
    assert "Error" in ran.err


@pytest.mark.parametrize("command", sorted({*COMMANDS} - {"demo"}))
def test_a_place_for_json_that_cannot_be_written_is_told_before_any_work(
    run: Run, command: str
) -> None:
    Path("file").touch()
    ran = run(command, "--json", "file/x.json")
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "expected a place where a file can be written at file/x.json, but" in ran.err


def test_a_request_that_stops_leaves_no_file_at_the_place_for_json(run: Run) -> None:
    assert run("verify", "alpaca", "--json", "new/x.json").status == 2
    assert list(Path("new").iterdir()) == []


@pytest.mark.parametrize("command", [["train", "a.yaml"], ["train-judge", "a.jsonl", "--out", "b"]])
def test_a_package_that_is_not_installed_is_one_clear_line(command: list[str]) -> None:
    code = (
        "import sys, run_eval; sys.modules['torch'] = None; sys.stderr = sys.stdout; "
        f"sys.argv = ['run_eval.py', *{command}]; print(run_eval.main())"
    )
    *told, status = in_a_new_process(code).splitlines()
    assert (len(told), status) == (1, "2")
    assert told[0].startswith("error: expected the package 'torch', which this command needs")


def test_ctrl_c_exits_with_130_and_says_how_to_go_on(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.commands.catalogue.show_names", stop)
    ran = run("list")
    assert (ran.status, len(ran.lines)) == (130, 1)
    assert "run the same command to go on" in ran.err


def test_a_link_stays_a_link(run: Run) -> None:
    Path("real.json").touch()
    Path("link.json").symlink_to("real.json")
    run("list", "--json", "link.json")
    assert Path("link.json").is_symlink()
    assert "llm" in json.loads(Path("real.json").read_text())["judges"]


def shell(command: str) -> subprocess.CompletedProcess[str]:
    whole = ["bash", "-c", f"{sys.executable} run_eval.py {command}"]
    return subprocess.run(whole, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_reader_that_leaves_is_no_failed_check() -> None:
    done = shell("assets list | head -1; exit ${PIPESTATUS[0]}")
    assert done.returncode in {0, 141}
    assert "Traceback" not in done.stderr


def test_data_can_go_into_a_pipe() -> None:
    done = shell("list --json /dev/stdout | cat")
    assert done.stdout.endswith(' "vllm"\n ]\n}\n')
    assert done.stderr == ""


def test_a_full_disk_under_the_output_gets_one_clear_line() -> None:
    done = shell("list > /dev/full")
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
