"""Several answers of a checkpoint to each prompt: the first is its score, all tell its spread."""

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.command import Run
from tests.servers.loopback import Loopback
from tests.servers.verdicts import judging
from train.demo.checkpoint import make_base

WORDS = ("-b", "tiny_instruct", "-j", "tiny_gold", "--limit", "20", "--max-tokens", "8")


def series(*checkpoints: str, temperature: float = 1.0) -> str:
    listed = "".join(f"- {{{one}}}\n" for one in checkpoints)
    Path("s.yaml").write_text(
        f"name: s\ndecoding: {{temperature: {temperature}}}\ncheckpoints:\n{listed}"
    )
    return "s.yaml"


@pytest.fixture
def sampled(run: Run) -> Path:
    """The folder of a run in which a base was answered once, and its child three times."""
    make_base(Path("tiny"))
    once, thrice = "name: base, model: 'hf:./tiny'", "name: iter1, model: 'hf:./tiny', samples: 3"
    ran = run("score", series(once, thrice), *WORDS)
    assert ran.status == 0, ran.err
    (folder,) = Path("results").glob("s-*")
    return folder


def read(file: Path) -> Any:
    return json.loads(file.read_text())


def test_each_sample_is_a_result_with_answers_of_its_own(sampled: Path) -> None:
    results = read(sampled / "scores.json")["results"]
    names = [one["checkpoint"] for one in results]
    assert names == ["base", "iter1", "iter1-sample2", "iter1-sample3"]
    whose = [one["identity"].get("model sample of") for one in results]
    assert whose == [None, None, "iter1", "iter1"]
    said = {
        name: (sampled / "tiny_instruct@test" / name / "model_outputs.json").read_text()
        for name in names
    }
    assert said["base"] == said["iter1"]  # the same weights, the same first sample
    assert len(set(said.values())) == 3
    with sqlite3.connect("results/store.sqlite") as store:
        assert store.execute("SELECT count(*) FROM answers").fetchone() == (3 * 20,)


def test_the_report_tells_their_spread_and_takes_them_for_no_checkpoints(sampled: Path) -> None:
    story = read(sampled / "report.json")
    assert [one["name"] for one in story["checkpoints"]] == ["base", "iter1"]
    assert {one["checkpoint"] for one in story["results"]} == {"base", "iter1"}
    (spread,) = story["spreads"]
    assert (spread["checkpoint"], spread["samples"], spread["repeats"]) == ("iter1", 3, 1)
    scores = [one["scores"] for one in read(sampled / "scores.json")["results"][1:]]
    rates = [s["value"] for some in scores for s in some if s["metric"] == spread["metric"]]
    assert spread["mean"] == pytest.approx(sum(rates) / 3)
    assert spread["components"]["seeds"] > 0
    assert not re.search("sample2", (sampled / "report.html").read_text())


def test_papers_and_comparisons_see_the_first_sample_alone(run: Run, sampled: Path) -> None:
    ran = run("reproduce", "sppo:table1", "--runs", str(sampled), "--as", "iter1-sample2=x")
    assert "there is no 'iter1-sample2'" in ran.lines[-1]
    ran = run("compare", "s.yaml", *WORDS, "--json", "c.json")
    assert ran.status == 0, ran.err
    assert len(read(Path("c.json"))["pairs"]) == 1


def test_a_better_judge_and_published_judgments_are_of_the_first_sample(
    run: Run, sampled: Path
) -> None:
    gold = ("--gold-judge", "tiny_gold", "--gold-n", "10")
    ran = run("score", "s.yaml", *WORDS, *gold, "--json", "g.json")
    assert ran.status == 0, ran.err
    results = read(Path("g.json"))["results"]
    gilded = [one["checkpoint"] for one in results if "gold judge" in one["identity"]]
    assert gilded == ["base", "iter1"]


@pytest.mark.parametrize(
    ("model", "temperature", "words", "said"),
    [
        ("hf:./tiny", 0.0, [], "expected a temperature above 0 for 2 samples of 'a'"),
        ("replay:x.json", 1.0, [], "can answer again for samples of 'a', came a recording"),
        ("hf:./tiny", 1.0, ["--until-decided"], "came a single checkpoint, samples of a"),
    ],
)
def test_samples_that_could_not_differ_or_be_stopped_are_refused(
    run: Run, model: str, temperature: float, words: list[str], said: str
) -> None:
    make_base(Path("tiny"))
    file = series(f"name: a, model: '{model}', samples: 2", temperature=temperature)
    ran = run("score", file, *WORDS, *words)
    assert (ran.status, said in ran.lines[-1]) == (2, True), ran.err


@pytest.mark.usefixtures("mirror")
def test_a_repeated_judge_is_asked_anew_about_each_sample(run: Run, loopback: Loopback) -> None:
    """Even where answers are the same: its noise there is no lack of chance in answering."""
    loopback.script = judging
    file = series("name: a, model: 'scripted:hello there', samples: 3")
    words = ["-b", "alpaca_eval", "--limit", "4"]
    ran = run("score", file, *words, "-j", f"repeats:2:{loopback.openai}")
    assert ran.status == 0, ran.err
    asked = [seen for seen in loopback.seen if "top_logprobs" in seen.body]
    assert len(asked) == 1 + 4 * 2 * 3  # the first is a probe
    ran = run("score", file, *words, "-j", loopback.openai)
    asked = [seen for seen in loopback.seen if "top_logprobs" in seen.body]
    assert len(asked) == 1 + 4 * 2 * 3  # nothing anew


def test_a_dry_run_quotes_every_sample(run: Run) -> None:
    make_base(Path("tiny"))
    run("score", series("name: a, model: 'hf:./tiny', samples: 2"), *WORDS, "--dry-run")
    ran = run("score", "s.yaml", *WORDS, "--dry-run", "--json", "p.json")
    assert ran.status == 0, ran.err
    plans = read(Path("p.json"))["plan"]
    assert [(p["checkpoint"], p["to_answer"]) for p in plans] == [("a", 20), ("a-sample2", 20)]
