"""judge-eval as a user runs it: published verdicts, a real server that judges, one table."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.command import Run
from tests.servers.loopback import Loopback, Reply, Seen
from tests.test_compare import longer as longer_of_two
from tests.test_compare import outputs, saying, second

SIX = "replay:asset:alpaca_eval/annotations_full/"
FEW = ["--limit", "6"]
_ANSWERS = re.compile(r'"answer": """(.*?)"""', re.DOTALL)
LABELS = [
    {"prompt": "Two?", "responses": ["2", "It is two.", "3"], "ranks": [1, 2, 3]},
    {"prompt": "A colour?", "a": "Red", "b": "Seven is a fine colour", "preference": 1},
    {"prompt": "A beast?", "a": "Dog", "b": "Stone, which is no beast", "preference": 1},
]


def longer(seen: Seen, before: int) -> Reply:
    """A judge for whom the longer answer is likelier the better one, unless one imitates a pair."""
    return longer_of_two(seen, before) if len(outputs(seen)) <= 2 else saying({"m": -0.1, "M": -3})


def fair(seen: Seen, before: int) -> Reply:
    """A judge who takes the longer answer by its ranks in words, or by log-probabilities."""
    if not _ANSWERS.search(seen.asked):
        return longer(seen, before)
    first, then = map(len, _ANSWERS.findall(seen.asked))
    ranks = (1, 2) if first > then else (2, 1)
    return Reply(text=str([{"model": f"model_{n}", "rank": r} for n, r in enumerate(ranks, 1)]))


def scores(trial: str | None = None) -> dict[str, Any]:
    """The scores of a trial, of the first unless it is named, by metric."""
    trials = json.loads(Path("out.json").read_text())["trials"]
    found = next(one for one in trials if trial in {None, one["trial"]})
    return {score["metric"]: score for score in found["scores"]}


@pytest.fixture
def labels(tmp_path: Path) -> str:
    (tmp_path / "labels.jsonl").write_text("\n".join(map(json.dumps, LABELS)))
    return "labels.jsonl"


def test_the_recorded_official_judge_agrees_with_itself_in_the_published_order(
    run: Run, mirror: Path
) -> None:
    ran = run("judge-eval", "-j", SIX, "--data", "alpaca_eval@2.0", *FEW, "--json", "out.json")
    assert ran.status == 0
    assert scores()["accuracy"]["value"] == 1
    assert scores()["exact_match"]["value"] == 1
    assert "flips" not in scores()
    assert Path(
        "results/judge-eval-replay_asset_alpaca_eval_annotations_full/judge_eval.svg"
    ).exists()


def test_a_trial_on_other_data_leaves_the_earlier_one(
    run: Run, mirror: Path, loopback: Loopback
) -> None:
    loopback.script = second
    Path("labels.jsonl").write_text(
        json.dumps({"prompt": "q", "a": "one", "b": "two", "preference": 1})
    )
    for data in ("alpaca_eval@2.0", "labels.jsonl", "alpaca_eval@2.0"):
        ran = run("judge-eval", "-j", loopback.openai, "--data", data, *FEW)
        assert ran.status == 0, ran.err
    (file,) = Path("results").glob("judge-eval-*/judge_eval.json")
    trials = [one["trial"] for one in json.loads(file.read_text())["trials"]]
    assert sorted(trials) == sorted({"alpaca_eval@2.0", "labels.jsonl"})


def test_a_live_judge_is_asked_each_pair_in_both_orders(
    run: Run, mirror: Path, loopback: Loopback
) -> None:
    loopback.script = second
    asked = ["--data", "alpaca_eval@2.0", *FEW, "--json", "out.json"]
    ran = run("judge-eval", "-j", loopback.openai, *asked)
    assert ran.status == 0
    pairs = [tuple(outputs(seen)) for seen in loopback.seen if outputs(seen)]
    assert 60 < len(pairs) <= 6 * 6 * 2  # equal answers are a tie, and like questions one
    assert {pair[::-1] for pair in pairs} == set(pairs)
    assert scores()["flips"]["value"] == 1
    assert scores()["first_slot"]["value"] < 0.1
    assert "seconds_per_answer" in scores()


def test_a_second_run_asks_the_judge_nothing(run: Run, mirror: Path, loopback: Loopback) -> None:
    loopback.script = longer
    words = ["judge-eval", "-j", loopback.openai, "--data", "hhh", *FEW, "--json", "out.json"]
    run(*words)
    before, first = len(loopback.seen), scores()
    run(*words)
    assert len(loopback.seen) == before
    assert scores() == {name: one for name, one in first.items() if name != "seconds_per_answer"}


def test_people_s_labels_are_a_trial_of_their_own(
    run: Run, mirror: Path, loopback: Loopback, labels: str
) -> None:
    loopback.script = longer
    ran = run("judge-eval", "-j", loopback.openai, "--data", labels, "--json", "out.json")
    assert ran.status == 0
    # Of five decided pairs the longer answer is the better one in "2" against "3" nowhere, in
    # "It is two." against "3" once.
    assert scores()["accuracy"]["value"] == pytest.approx(1 / 5)
    assert "labels of labels.jsonl, 3 prompts, verdicts known by people" in ran.out


def test_a_judge_that_rates_is_tried_on_answers_one_by_one(
    run: Run, mirror: Path, loopback: Loopback, labels: str
) -> None:
    loopback.script = lambda seen, _before: Reply(
        text=f"Fine.\nScore: {min(len(seen.asked) % 6, 5)}"
    )
    asked = ["-j", f"additive:{loopback.openai}", "--data", labels, "--json", "out.json"]
    ran = run("judge-eval", *asked)
    assert ran.status == 0
    assert {"pairwise_accuracy", "five_best", "exact_match", "commonest"} <= scores().keys()
    assert len({seen.asked for seen in loopback.seen if "<response>" in seen.asked}) == 7


def test_a_judge_in_words_is_tried_by_the_rubric_that_is_named(
    run: Run, mirror: Path, loopback: Loopback, labels: str
) -> None:
    loopback.script = fair
    asked = ["--data", labels, "--rubric", "alpaca_eval@1.0", "--json", "out.json"]
    assert run("judge-eval", "-j", loopback.openai, *asked).status == 0
    assert scores()["longer_wins"]["value"] == 1


def test_a_benchmark_s_own_ratings_are_a_trial_of_ratings(
    run: Run, mirror: Path, loopback: Loopback
) -> None:
    loopback.script = lambda seen, _before: Reply(
        text=f"Good. Rating: [[{len(seen.asked) % 10 + 1}]]"
    )
    asked = ["--data", "mt_bench@original", *FEW, "--json", "out.json"]
    assert run("judge-eval", "-j", loopback.openai, *asked).status == 0
    assert {"exact", "cohen_kappa", "system_spearman", "top_best", "commonest"} <= scores().keys()
    assert scores()["exact"]["n"] == 6 * 4


def test_an_attack_says_what_each_trick_wins(run: Run, mirror: Path, loopback: Loopback) -> None:
    loopback.script = longer
    asked = ["--data", "alpaca_eval@2.0", "--attack", *FEW, "--json", "out.json"]
    ran = run("judge-eval", "-j", loopback.openai, *asked)
    assert ran.status == 0
    # This judge gives the longer answer 0.75 and the shorter one 0.25.
    assert scores()["attack: honest answer padded"]["value"] == pytest.approx(0.75, abs=1e-6)
    assert scores()["attack: null answer"]["value"] == pytest.approx(0.25, abs=1e-6)
    assert "published NullModel" in ran.out


def test_unread_verdicts_are_told_by_their_cause(
    run: Run, mirror: Path, loopback: Loopback, labels: str
) -> None:
    loopback.script = lambda _seen, _before: saying({"x": -0.1, "y": -3.0})
    ran = run("judge-eval", "-j", loopback.openai, "--data", labels, "--json", "out.json")
    assert ran.status == 0
    assert scores()["accuracy"]["value"] is None
    assert "labels.jsonl: 10 unread: 10 neither m nor M" in ran.out


def test_a_dry_run_counts_and_asks_nobody(run: Run, mirror: Path, loopback: Loopback) -> None:
    words = ["--data", "hhh", "--data", "alpaca_eval@1.0", *FEW, "--dry-run"]
    ran = run("judge-eval", "-j", loopback.openai, *words)
    assert ran.status == 0
    assert loopback.seen == []
    assert [line.split("|")[5].strip() for line in ran.out.splitlines() if "hhh" in line] == ["12"]


def test_data_without_a_name_are_all_whose_files_are_here(run: Run, mirror: Path) -> None:
    ran = run("judge-eval", "-j", "openai:gpt-4.1", "--limit", "2", "--dry-run")
    assert ran.status == 0
    assert all(name in ran.out for name in ("alpaca_eval@2.0", "alpaca_eval@1.0", "hhh"))
    assert "canary" not in ran.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--data", "hhhh"], "did you mean 'hhh'"),
        (["--data", "hhh", "--rubric", "alpaka"], "no benchmark is called 'alpaka'"),
    ],
)
def test_what_nobody_knows_is_told_in_a_line(
    words: list[str], said: str, run: Run, mirror: Path
) -> None:
    ran = run("judge-eval", "-j", "openai:gpt-4.1", *words)
    assert ran.status == 2
    assert said in ran.lines[-1]


def test_a_judge_without_a_checkpoint_cannot_be_itself(run: Run, mirror: Path) -> None:
    ran = run("judge-eval", "-j", "self", "--data", "hhh")
    assert ran.status == 2
    assert "'self' is nobody here" in ran.lines[-1]


def score(run: Run, judge: str, *words: str) -> Any:
    """Scores a recorded model by a judge, with what is written as data."""
    ran = run(
        "score",
        "replay:asset:alpaca_eval/annotations_full/claude-2.json",
        *("-b", "alpaca_eval", "-j", judge, "--limit", "5", "--json", "out.json"),
        *words,
    )
    return ran, json.loads(Path("out.json").read_text())


def test_the_canary_is_asked_anew_before_and_after_each_run(
    run: Run, mirror: Path, loopback: Loopback
) -> None:
    loopback.script = longer
    _, data = score(run, loopback.openai, "--canary")
    asked = sum(bool(outputs(seen)) for seen in loopback.seen)
    assert asked == 5 + 2 * 30
    (seen,) = data["canary"]
    assert seen["before"]["n"] == 30
    assert seen["before"] == seen["after"]
    assert any("fp_1" in served for served in seen["after"]["served_by"])
    score(run, loopback.openai, "--canary")
    assert sum(bool(outputs(seen)) for seen in loopback.seen) == asked + 2 * 30


def test_a_judge_that_knows_nothing_is_doubted_beside_its_score(
    run: Run, mirror: Path, loopback: Loopback
) -> None:
    loopback.script = second
    ran, data = score(run, loopback.openai, "--canary")
    doubts = data["results"][0]["scores"][0]["doubts"]
    assert any("agrees with" in doubt for doubt in doubts)
    assert "is it the model that it says?" in ran.out


def test_a_judge_that_is_exchanged_during_the_run_is_seen(
    run: Run, mirror: Path, loopback: Loopback
) -> None:
    def exchanged(seen: Seen, before: int) -> Reply:
        reply = longer(seen, before)
        if len(loopback.seen) > 40 and isinstance(reply.body, dict):
            return replace(reply, body=reply.body | {"system_fingerprint": "fp_2"})
        return reply

    loopback.script = exchanged
    _, data = score(run, loopback.openai, "--canary")
    doubts = data["results"][0]["scores"][0]["doubts"]
    assert any("canary: served by" in doubt and "fp_2" in doubt for doubt in doubts)


def test_the_null_model_s_score_stands_beside_red_flags(
    run: Run, mirror: Path, loopback: Loopback
) -> None:
    loopback.script = longer
    null = "replay:asset:alpaca_eval/model_outputs/NullModel.json"
    words = ["-b", "alpaca_eval", "-j", loopback.openai, "--limit", "5", "--json", "out.json"]
    ran = run("score", null, *words)
    assert "red flag: 5 of 5 answers are the same" in ran.out
    (result,) = json.loads(Path("out.json").read_text())["results"]
    assert any(doubt.startswith("red flag") for doubt in result["scores"][0]["doubts"])


def test_an_honest_model_s_score_stands_alone(run: Run, mirror: Path, loopback: Loopback) -> None:
    loopback.script = longer
    ran, _ = score(run, loopback.openai)
    assert "red flag" not in ran.out


def test_a_checkpoint_that_judges_itself_is_tried_as_a_judge(
    run: Run, mirror: Path, loopback: Loopback
) -> None:
    loopback.script = longer
    words = ["-b", "alpaca_eval", "-j", "self", "--limit", "2", "--json", "out.json"]
    ran = run("score", loopback.openai, *words)
    assert ran.status == 0
    assert "self on trial" in ran.out
    trials = json.loads(Path("out.json").read_text())["audit"]["trials"]
    assert [one["trial"].rpartition(": ")[2] for one in trials] == ["alpaca_eval@2.0", "hhh"]
    (file,) = Path("results").glob("*/report.json")
    assert [one["trials"] for one in json.loads(file.read_text())["trials"]] == [trials]
    assert {"accuracy", "flips", "ties", "saturation"} <= {s["metric"] for s in trials[0]["scores"]}
