"""`bundle` and `diff` as a user meets them: a real checkpoint, a judge on loopback, real files."""

import hashlib
import io
import json
import platform
import shutil
import tarfile
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness.archive import read_archive, write_archive
from harness.commands.asked import ScoreRequest
from harness.commands.bundle import pack, unpack
from harness.commands.score import score
from harness.commands.setting import Setting
from harness.report.judge_eval import judge_eval_data
from harness.report.save import write_json
from tests.command import Ran, Run
from tests.servers.loopback import Reply, Seen, serving
from tests.servers.verdicts import judging
from tests.tiny.checkpoint import make_checkpoint

RECORDED = "replay:asset:alpaca_eval/annotations_full/alpaca-7b.json"
QUIET = Console(file=StringIO())


def refusing(seen: Seen, before: int) -> Reply:
    """A judge that refuses some questions for good, always the same; never the first, short one."""
    if len(seen.asked) > 500 and hashlib.sha256(seen.asked.encode()).digest()[0] % 4 == 0:
        return Reply(status=400, body={"error": {"message": "filtered"}})
    return judging(seen, before)


@pytest.fixture(scope="module")
def scored(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of a real checkpoint and a recording, whose weights and whose judge are gone."""
    place = tmp_path_factory.mktemp("scored")
    make_checkpoint(place / "iter1", window=4096)
    (place / "series.yaml").write_text(
        "name: mine  # as I wrote it\ncheckpoints:\n"
        f"  - {{name: recorded, model: '{RECORDED}'}}\n"
        "  - {name: iter1, model: 'hf:./iter1', method: sppo}\n"
    )
    with serving() as judge:
        judge.script = refusing
        for name, temperature in (("cold", None), ("warm", 0.7)):
            request = ScoreRequest(
                what=[str(place / "series.yaml")],
                benchmarks=["alpaca_eval"],
                judge=judge.openai,
                limit=10,
                decoding={"max_tokens": 8, "temperature": temperature},
                store=place / "store.sqlite",
                out=place / name,
            )
            score(request, Setting(mirror, out=QUIET, err=QUIET))
    shutil.rmtree(place / "iter1")
    return place


@pytest.fixture(scope="module")
def packed(scored: Path, mirror: Path) -> Path:
    """A bundle of the first run."""
    setting = Setting(mirror, out=QUIET, err=QUIET)
    return pack(folder(scored / "cold"), scored / "store.sqlite", None, setting, assets=False)


@pytest.fixture
def mine(run: Run, scored: Path) -> Path:
    """The first run, in a place of one's own."""
    shutil.copytree(scored / "cold", "results")
    shutil.copy(scored / "store.sqlite", "results")
    return folder(Path("results"))


def folder(below: Path) -> Path:
    (found,) = below.glob("mine-*/")
    return found


ELSEWHERE = Path("elsewhere/run")


def opened(run: Run, bundle: Path, *words: str) -> Ran:
    return run("bundle", "--open", str(bundle), "--into", str(ELSEWHERE), *words)


def test_another_folder_gives_the_same_bytes_without_weights_keys_or_calls(
    run: Run, packed: Path, scored: Path, mirror: Path
) -> None:
    ran = opened(run, packed)
    assert ran.status == 0, ran.err
    assert "the same bytes as in the bundle" in ran.out
    scores = (folder(scored / "cold") / "scores.json").read_bytes()
    assert (folder(ELSEWHERE) / "scores.json").read_bytes() == scores
    assert [one["checkpoint"] for one in json.loads(scores)["results"]] == ["recorded", "iter1"]


def test_what_was_refused_is_refused_there_too(scored: Path) -> None:
    content = (folder(scored / "cold") / "scores.json").read_text()
    assert "judge refused: " in content
    assert json.loads((folder(scored / "cold") / "provenance.json").read_text())["failures"]


def test_judgments_are_written_in_their_published_form_again(
    run: Run, packed: Path, scored: Path, mirror: Path
) -> None:
    opened(run, packed)
    for name in ("annotations.json", "model_outputs.json"):
        below = Path("alpaca_eval@2.0", "iter1", name)
        ours, theirs = folder(scored / "cold") / below, folder(ELSEWHERE) / below
        assert ours.read_bytes() == theirs.read_bytes()


def test_the_same_run_gives_the_same_bundle(
    run: Run, packed: Path, mine: Path, mirror: Path
) -> None:
    assert run("bundle", str(mine)).status == 0
    assert mine.with_name(f"{mine.name}.tar.gz").read_bytes() == packed.read_bytes()


def test_a_bundle_holds_the_series_as_it_was_written(run: Run, packed: Path, mirror: Path) -> None:
    opened(run, packed)
    assert "# as I wrote it" in (ELSEWHERE / "series.yaml").read_text()


def test_a_folder_is_scored_again_as_often_as_one_likes(
    run: Run, packed: Path, mirror: Path
) -> None:
    opened(run, packed)
    ran = run("bundle", "--open", str(ELSEWHERE))
    assert ran.status == 0, ran.err
    assert "the same bytes" in ran.out


def test_official_files_can_be_packed_too(
    run: Run, mine: Path, packed: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("bundle", str(mine), "--out", "b.tar.gz", "--with-assets").status == 0
    monkeypatch.delenv("ITERBENCH_ASSETS")
    ran = opened(run, Path("b.tar.gz"))
    assert ran.status == 0, ran.err
    assert "the same bytes" in ran.out
    assert packed.stat().st_size < Path("b.tar.gz").stat().st_size


def test_other_scores_are_told_and_exit_1(run: Run, packed: Path, mirror: Path) -> None:
    opened(run, packed)
    (ELSEWHERE / "packed" / "scores.json").write_text("{}\n")
    ran = run("bundle", "--open", str(ELSEWHERE), "--json", "out.json")
    assert ran.status == 1
    assert json.loads(Path("out.json").read_text())["same"] is False
    assert "NOT those of the bundle" in ran.out


def test_other_versions_are_told(run: Run, packed: Path, mirror: Path) -> None:
    opened(run, packed)
    about = json.loads((ELSEWHERE / "bundle.json").read_text())
    about["versions"]["python"] = "2.7"
    (ELSEWHERE / "bundle.json").write_text(json.dumps(about))
    assert "versions differ: python 2.7 there" in run("bundle", "--open", str(ELSEWHERE)).out


def spoken(seen: Seen, before: int) -> Reply:
    """A judge where log-probabilities are asked for, else a rater and a checkpoint."""
    if "top_logprobs" in seen.body:
        return judging(seen, before)
    return Reply(text=f"Rating: [[{len(seen.asked) % 10 + 1}]]")


ONE = "{{name: b, model: '{server}'}}"
BEST = "{{name: b, model: '{server}', best_of: {{n: 2, judge: '{server}'}}}}"
MANY = "{{name: b, model: '{server}', samples: 2}}"
SAID = "{{name: a, model: 'scripted:hello there'}}"


@pytest.mark.parametrize(
    ("checkpoint", "benchmark", "judge", "baseline"),
    [
        (ONE, "alpaca_eval", "both:{server}", None),
        (ONE, "alpaca_eval", "self", None),
        (ONE, "alpaca_eval", "{server}", "scripted:other"),
        (BEST, "alpaca_eval", "{server}", None),
        (MANY, "alpaca_eval", "{server}", None),
        (ONE, "mt_bench", "{server}", None),
        pytest.param(SAID, "lmentry", None, None, marks=pytest.mark.slow),
    ],
    ids=["both orders", "self", "baseline", "best of two", "samples", "ratings", "exact"],
)
def test_runs_of_every_kind_are_packed_and_opened(
    mirror: Path,
    tmp_path: Path,
    checkpoint: str,
    benchmark: str,
    judge: str | None,
    baseline: str | None,
) -> None:
    setting = Setting(mirror, out=QUIET, err=QUIET)
    with serving() as server:
        server.script, named = spoken, server.openai
        (tmp_path / "s.yaml").write_text(
            "name: s\ndecoding: {temperature: 0.7, max_tokens: 8}\n"
            f"checkpoints:\n  - {checkpoint.format(server=named)}\n"
        )
        request = ScoreRequest(
            what=[str(tmp_path / "s.yaml")],
            benchmarks=[benchmark],
            judge=judge and judge.format(server=named),
            baseline=baseline,
            limit=4,
            store=tmp_path / "store.sqlite",
            out=tmp_path / "r",
        )
        score(request, setting)
    (place,) = (tmp_path / "r").glob("s-*/")
    bundle = pack(place, tmp_path / "store.sqlite", None, setting, assets=False)
    assert unpack(bundle, tmp_path / "elsewhere", setting)


def repacked(bundle: Path, change: Any) -> Path:
    """The bundle with one more member, or one that is made anew."""
    with tarfile.open(bundle) as archive:
        members = [(m, archive.extractfile(m)) for m in archive]
        kept = [(m, stream.read() if stream else b"") for m, stream in members]
    with tarfile.open("hostile.tar.gz", "w:gz") as archive:
        for member, content in [*kept, change]:
            archive.addfile(member, io.BytesIO(content))
    return Path("hostile.tar.gz")


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tuple[Any, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


@pytest.mark.parametrize(
    ("name", "kind", "target"),
    [
        ("../outside", tarfile.REGTYPE, ""),
        ("/tmp/outside", tarfile.REGTYPE, ""),
        ("series.yaml", tarfile.SYMTYPE, "/etc/passwd"),
        ("packed/link", tarfile.LNKTYPE, "bundle.json"),
        ("pipe", tarfile.FIFOTYPE, ""),
        ("bundle.json", tarfile.REGTYPE, ""),
        ("folder/", tarfile.DIRTYPE, ""),
        ("C:\\outside", tarfile.REGTYPE, ""),
        ("extra.py", tarfile.REGTYPE, ""),
        ("assets/alpaca_eval/none", tarfile.REGTYPE, ""),
    ],
)
def test_a_hostile_archive_is_refused_and_nothing_is_written(
    run: Run, packed: Path, name: str, kind: bytes, target: str
) -> None:
    hostile = repacked(packed, member(name, kind, target))
    ran = opened(run, hostile)
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert list(Path().rglob("*")) == [hostile]


@pytest.mark.parametrize(
    ("name", "was", "becomes"),
    [
        ("answers.tsv", b'"finish_reason"', b'"finished"'),
        ("answers.tsv", b"\t", b" "),
        ("identities.jsonl", b"{", b"["),
        ("bundle.json", b'"batch_size"', b'"size_of_batch"'),
        ("bundle.json", b'"series"', b'"serial"'),
        ("bundle.json", b"{", b"["),
    ],
)
def test_what_a_bundle_says_is_checked_at_the_door(
    run: Run, packed: Path, name: str, was: bytes, becomes: bytes
) -> None:
    files = read_archive(packed)
    files[name] = files[name].replace(was, becomes, 1)
    write_archive(Path("other.tar.gz"), files)
    ran = opened(run, Path("other.tar.gz"))
    assert (ran.status, len(ran.lines)) == (2, 1), ran.err
    assert not ELSEWHERE.exists()


def test_a_damaged_bundle_is_refused(run: Run, packed: Path) -> None:
    Path("half.tar.gz").write_bytes(packed.read_bytes()[:-200])
    ran = opened(run, Path("half.tar.gz"))
    assert (ran.status, len(ran.lines)) == (2, 1)


def test_a_run_that_does_not_say_how_it_was_made_is_refused(run: Run, mine: Path) -> None:
    (mine / "provenance.json").unlink()
    ran = run("bundle", str(mine))
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "run the same `score` again" in ran.err


def test_a_run_whose_answers_are_elsewhere_is_refused(run: Run, mine: Path, mirror: Path) -> None:
    ran = run("bundle", str(mine), "--store", "other.sqlite")
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "expected the stored answers of" in ran.err


def test_scores_that_the_store_does_not_give_are_refused(
    run: Run, mine: Path, mirror: Path
) -> None:
    scores = mine / "scores.json"
    scores.write_text(scores.read_text().replace('"n_unread": ', '"n_unread": 1', 1))
    ran = run("bundle", str(mine))
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "expected the same scores from the store" in ran.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "expected a run to pack, or a bundle to --open"),
        (["--open", "none.tar.gz", "--into", "x"], "expected a bundle at none.tar.gz"),
        (["nowhere"], "expected what `score` wrote at nowhere"),
    ],
)
def test_what_is_no_run_and_no_bundle_gets_one_clear_line(
    run: Run, words: list[str], message: str
) -> None:
    ran = run("bundle", *words)
    assert ran.status == 2
    assert message in ran.err


def test_a_bundle_needs_an_empty_folder(run: Run, packed: Path) -> None:
    assert "name it with --into" in run("bundle", "--open", str(packed)).err
    Path("full").mkdir()
    Path("full/file").touch()
    ran = run("bundle", "--open", str(packed), "--into", "full")
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "expected an empty folder" in ran.err


def test_two_runs_differ_in_what_was_changed(run: Run, scored: Path) -> None:
    ours, theirs = folder(scored / "cold"), folder(scored / "warm")
    ran = run("diff", str(ours), str(theirs), "--json", "d.json")
    assert ran.status == 0, ran.err
    recorded, iter1 = json.loads(Path("d.json").read_text())["pairs"]
    assert recorded["changed"] == []
    assert [one["what"] for one in iter1["identity"]] == ["model decoding"]
    assert len(iter1["changed"]) > 0
    assert iter1["items_in_both"] == 10


def test_a_run_says_what_it_was_made_with_and_nothing_of_the_machine(scored: Path) -> None:
    made = json.loads((folder(scored / "cold") / "provenance.json").read_text())
    assert made["versions"]["python"].startswith("3.")
    assert {"numpy", "scipy", "torch", "transformers"} <= made["versions"].keys()
    assert platform.node() not in json.dumps([made["versions"], made["date"], made["command"]])
    assert len(made["models"]) == 3


@pytest.mark.usefixtures("mirror")
def test_the_trial_of_a_judge_goes_with_the_run_and_that_of_another_stays(
    run: Run, mine: Path
) -> None:
    judge = json.loads((mine / "scores.json").read_text())["results"][0]["judge"]
    for name, tried in (("its", judge), ("other", "openai:other")):
        place = mine.parent / f"judge-eval-{name}" / "judge_eval.json"
        write_json(place, judge_eval_data(tried, []))
    assert run("bundle", str(mine), "--out", "b.tar.gz").status == 0
    opened(run, Path("b.tar.gz"))
    assert [file.parent.name for file in ELSEWHERE.glob("judge-eval-*/*")] == ["judge-eval-its"]
    told = run("report", str(folder(ELSEWHERE)), "--json", "told.json")
    assert told.status == 0, told.err
    assert [one["judge"] for one in json.loads(Path("told.json").read_text())["trials"]] == [judge]
