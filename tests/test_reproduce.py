"""`reproduce` on real published data and real runs: from files to the ruling."""

import csv
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness.commands.asked import ScoreRequest
from harness.commands.score import score
from harness.commands.setting import Setting
from tests.command import Run

ROOT = Path(__file__).parents[1]
SERIES = str(ROOT / "examples" / "alpacafarm.yaml")


def numbers(path: str = "out.json") -> dict[tuple[str, str, str], dict[str, Any]]:
    """The numbers that were written, by table, row and column."""
    tables = json.loads(Path(path).read_text())["tables"]
    return {
        (table["table"], one["row"], one["column"]): one
        for table in tables
        for one in table["numbers"]
    }


@pytest.fixture(scope="module")
def runs(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run of three checkpoints on a part of the prompts."""
    folder = tmp_path_factory.mktemp("runs")
    request = ScoreRequest(
        what=[SERIES], benchmarks=["alpaca_eval"], limit=20, store=folder / "s.sqlite", out=folder
    )
    quiet = Console(file=StringIO())
    score(request, Setting(mirror, out=quiet, err=quiet))
    return str(folder)


@pytest.mark.usefixtures("mirror")
def test_without_a_name_the_tables_are_listed_with_their_rulings(run: Run) -> None:
    ran = run("reproduce", "--json", "out.json")
    assert ran.status == 0, ran.err
    line = next(line for line in ran.out.splitlines() if "sppo:table2 " in line)
    assert [cell.strip() for cell in line.split("|")[3:8]] == ["30", "23", "1", "0", "6"]
    assert len({table for table, _, _ in numbers()}) == 22


@pytest.mark.usefixtures("mirror")
def test_published_judgments_give_the_printed_numbers(run: Run) -> None:
    ran = run("reproduce", "sppo:table2", "--json", "out.json")
    assert ran.status == 0, ran.err
    for column, value in (("LC win rate", 28.155), ("win rate", 17.188)):
        one = numbers()["sppo:table2", "Claude 2", column]
        assert (one["ruling"], one["measured"]["basis"]) == ("MATCH", "judgments")
        assert one["measured"]["value"] == pytest.approx(value, abs=0.15)


@pytest.mark.usefixtures("mirror")
def test_a_printed_number_that_its_leaderboard_does_not_have_differs(run: Run) -> None:
    run("reproduce", "sppo:table2", "--json", "out.json")
    one = numbers()["sppo:table2", "Mistral 8x7B v0.1", "win rate"]
    assert (one["printed"], one["ruling"]) == ("18.1", "DIFFERS")
    assert one["measured"]["value"] == pytest.approx(18.2553, abs=1e-4)


@pytest.mark.usefixtures("mirror")
def test_known_inconsistencies_stand_under_their_table(run: Run) -> None:
    assert "24.79 - 17.11 = 7.68" in run("reproduce", "sppo:table1").out
    assert "rounding is mixed" in run("reproduce", "sppo:fig2_mt_bench").out


@pytest.mark.usefixtures("mirror")
def test_a_judge_that_is_gone_is_said_to_be(run: Run) -> None:
    assert "openai:gpt-4-1106-preview is " in run("reproduce", "sppo:table1").out


def test_nothing_official_is_needed_to_print_a_table(run: Run) -> None:
    ran = run("reproduce", "sppo:table1")
    assert ran.status == 0, ran.err
    assert "| Mistral-7B-SPPO Iter3 " in ran.out
    assert "--pull downloads them" in ran.out


def test_a_part_of_the_prompts_is_not_comparable(run: Run, runs: str) -> None:
    ran = run(
        *("reproduce", "sppo:table1", "--runs", runs, "--json", "out.json"),
        *("--as", "ppo-human=Mistral-7B-SPPO Iter3"),
    )
    assert ran.status == 0, ran.err
    one = numbers()["sppo:table1", "Mistral-7B-SPPO Iter3", "win rate"]
    assert one["ruling"] == "NOT COMPARABLE"
    assert "prompts: 20 instead of 805" in one["reasons"]


def test_gains_are_measured_where_both_rows_are(run: Run, runs: str) -> None:
    pairs = ("alpaca-7b=Mistral-7B-SPPO Iter1", "ppo-human=Mistral-7B-SPPO Iter2")
    words = [word for pair in pairs for word in ("--as", pair)]
    run("reproduce", "sppo:table1", "--runs", runs, *words, "--json", "out.json")
    found = numbers()
    value = {
        (n, column): found["sppo:table1", f"Mistral-7B-SPPO Iter{n}", column]["measured"]["value"]
        for n, column in ((1, "win rate"), (2, "win rate"), (2, "win rate gain"))
    }
    assert value[2, "win rate gain"] == pytest.approx(value[2, "win rate"] - value[1, "win rate"])


def test_pairs_may_stand_in_a_file_and_rows_be_named_in_part(run: Run, runs: str) -> None:
    Path("rows.yaml").write_text("ppo-human: gemini\n")
    run(*("reproduce", "sppo:table2", "--runs", runs, "--as", "rows.yaml"), *("--json", "out.json"))
    assert numbers()["sppo:table2", "Gemini Pro", "win rate"]["measured"]["basis"] == "run"


def test_one_row_of_several_tables_is_one_model(run: Run, runs: str) -> None:
    words = ["--as", "ppo-human=Mistral-7B-SPPO Iter1", "--json", "out.json"]
    run("reproduce", "sppo", "--runs", runs, *words)
    assert numbers()["sppo:fig4", "K=5 Iter1", "win rate"]["measured"]["basis"] == "run"
    assert numbers()["sppo:fig4", "K=2 Iter1", "win rate"]["measured"] is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--as", "ppo-humn=Claude 2"], "did you mean 'ppo-human'"),
        (["--as", "ppo-human=Claude 9"], "did you mean 'Claude 2'"),
        (["--as", "ppo-human=SPPO Iter3"], "fits 3: Llama-3-8B-SPPO Iter3"),
        (["--as", "ppo-human"], "expected CHECKPOINT=ROW"),
        (["--as", "ppo-human=Claude 2", "--as", "alpaca-7b=Claude 2"], "expected one result on"),
        (["--runs", "nowhere"], "expected a run at nowhere"),
    ],
)
def test_what_fits_nothing_or_several_gets_one_clear_line(
    run: Run, runs: str, words: list[str], message: str
) -> None:
    ran = run("reproduce", "sppo:table2", "--runs", runs, *words)
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert message in ran.err


def test_an_unknown_table_gets_the_nearest(run: Run) -> None:
    ran = run("reproduce", "sppo:tabel1")
    assert ran.status == 2
    assert "did you mean 'sppo:table1'" in ran.err


@pytest.mark.usefixtures("mirror")
def test_tables_are_written_as_latex(run: Run) -> None:
    run("reproduce", "sppo:fig2_arena_hard", "--latex", "t.tex")
    text = Path("t.tex").read_text()
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1
    assert r"Mistral-7B-Instruct & 12.6 & 12.6 MATCH \\" in text


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def lacking(mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A mirror without one file of judgments, which a server on this machine publishes."""
    import gzip

    name = "alpaca_eval/annotations_v1/gpt4.jsonl"
    part, here = tmp_path / "mirror", tmp_path / "served"
    for file in (path for path in (mirror / "alpaca_eval").rglob("*") if path.is_file()):
        place = part / file.relative_to(mirror)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not str(place).endswith(f"{name}.gz"):
            place.symlink_to(file)
    here.mkdir()
    (here / "gpt4.jsonl").write_bytes(gzip.decompress((mirror / f"{name}.gz").read_bytes()))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(here))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        _catalogue(tmp_path, name, f"http://127.0.0.1:{server.server_port}/gpt4.jsonl")
        monkeypatch.setattr("harness.commands.setting.files", lambda _package: tmp_path)
        yield part
        server.shutdown()
        thread.join()


def _catalogue(folder: Path, name: str, url: str) -> None:
    with (ROOT / "benchmarks" / "assets.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    (one,) = [row for row in rows if row["name"] == name]
    one.update(url=url, derive="")
    with (folder / "assets.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(one))
        writer.writeheader()
        writer.writerows(rows)


def test_published_judgments_are_downloaded_when_asked(
    run: Run, lacking: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ITERBENCH_ASSETS")
    words = ["reproduce", "openchat:readme", "--assets", str(lacking), "--json", "out.json"]
    run(*words)
    key = ("openchat:readme", "GPT-4", "AlpacaEval 1.0")
    assert numbers()[key]["measured"]["basis"] == "leaderboard"
    ran = run(*words, "--pull")
    assert ran.status == 0, ran.err
    assert numbers()[key]["measured"]["basis"] == "judgments"
    assert numbers()[key]["ruling"] == "MATCH"
