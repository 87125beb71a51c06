"""`report` and what `score` ends in, on real published data: from files to files."""

import json
import shutil
from math import log
from pathlib import Path
from typing import Any

import pytest

from harness.commands.asked import ScoreRequest
from harness.commands.score import score
from harness.commands.setting import Setting
from harness.report.judge_eval import Findings, judge_eval_data
from harness.report.save import write_json
from harness.types import Score
from tests.command import Run
from tests.servers.loopback import Loopback, Reply, Seen, completion

pytest_plugins = ["tests.tiny.fixtures"]

ROOT = Path(__file__).parents[1]
SERIES = str(ROOT / "examples" / "alpacafarm.yaml")
NAMES = ("report.md", "report.json", "report.csv", "report.tex", "report.html")
FOLDERS = ("every_eval_ever", "figures", "model_cards")
LIMIT = 60


def made(out: Path, mirror: Path, limit: int | None = None) -> Path:
    """The folder of a run."""
    store, benchmarks = out / "store.sqlite", ["alpaca_eval"]
    request = ScoreRequest(what=[SERIES], benchmarks=benchmarks, limit=limit, store=store, out=out)
    score(request, Setting(mirror))
    (folder,) = out.glob("alpacafarm-*")
    return folder


@pytest.fixture(scope="module")
def scored(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of all prompts."""
    return made(tmp_path_factory.mktemp("scored"), mirror)


@pytest.fixture(scope="module")
def small(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a few."""
    return made(tmp_path_factory.mktemp("small"), mirror, LIMIT)


@pytest.fixture
def folder(small: Path, tmp_path: Path) -> Path:
    """A copy of the small one."""
    return Path(shutil.copytree(small, tmp_path / small.name))


def story(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


def test_score_ends_in_a_report(scored: Path) -> None:
    """PPO on human preferences wins more than the supervised model: 4.10 to 2.59 %."""
    found = story(scored)
    assert found["name"] == "alpacafarm"
    assert {(c["checkpoint"], c["metric"]): c["ruling"] for c in found["changes"]} == {
        ("ppo-sim-gpt4-20k", "lc_win_rate"): "undecided",
        ("ppo-sim-gpt4-20k", "win_rate"): "undecided",
        ("ppo-human", "lc_win_rate"): "undecided",
        ("ppo-human", "win_rate"): "better",
    }


def test_the_difference_is_that_of_the_published_win_rates(scored: Path) -> None:
    human = story(scored)["changes"][3]
    assert human["value"] == pytest.approx(0.0410 - 0.0259, abs=1e-4)


def test_a_difference_of_lc_win_rates_is_that_of_the_scores(scored: Path) -> None:
    found = story(scored)
    lc = {r["checkpoint"]: r["scores"][0]["value"] for r in found["results"]}
    assert found["changes"][0]["value"] == lc["ppo-sim-gpt4-20k"] - lc["alpaca-7b"]


@pytest.mark.usefixtures("mirror")
def test_report_tells_the_same_again_from_the_folder(run: Run, folder: Path) -> None:
    before = [(folder / name).read_bytes() for name in NAMES]
    for name in NAMES:
        (folder / name).unlink()
    ran = run("report", str(folder), "--json", "told.json")
    assert ran.status == 0, ran.err
    assert [(folder / name).read_bytes() for name in NAMES] == before
    assert Path("told.json").read_bytes() == before[1]
    assert "alpacafarm: what changed" in ran.out


@pytest.mark.usefixtures("mirror")
@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (700, "LC win rate is not compared, it was fitted on other prompts"),
        (600, "not compared, only 75% of the prompts of either were read for both"),
    ],
)
def test_checkpoints_asked_other_prompts_are_compared_on_the_common_ones_or_refused(
    run: Run, limit: int, said: str
) -> None:
    for name, asked in (("alpaca-7b", 805), ("alpaca-farm-ppo-human", limit)):
        file = f"asset:alpaca_eval/annotations_full/{name}.json"
        Path("s.yaml").write_text(
            f"name: {name}\ncheckpoints: [{{name: {name}, model: 'replay:{file}', "
            f"judgments: '{file}', iteration: {int(asked == limit)}}}]"
        )
        ran = run("score", "s.yaml", "-b", "alpaca_eval", "--limit", str(asked), "--out", "r")
        assert ran.status == 0, ran.err
    folders = [str(folder) for name in ("7b", "human") for folder in Path("r").glob(f"*{name}-*")]
    ran = run("report", *folders, "--out", "told")
    assert ran.status == 0, ran.err
    assert said in ran.err
    changes = story(Path("told"))["changes"]
    assert [(one["metric"], one["n"]) for one in changes] == [("win_rate", 700)] * (limit == 700)


@pytest.mark.usefixtures("mirror")
def test_a_report_of_several_runs_is_in_none_of_them(run: Run, folder: Path) -> None:
    own = (folder / "report.html").read_bytes()
    other = Path(shutil.copytree(folder, folder.with_name("other")))
    scores = json.loads((other / "scores.json").read_text())
    for result in scores["results"]:
        result["judge"] = "openai:other"
    (other / "scores.json").write_text(json.dumps(scores))
    ran = run("report", str(folder), str(other))
    assert ran.status == 0, ran.err
    assert (folder / "report.html").read_bytes() == own
    (place,) = folder.parent.glob("report-*")
    assert f"report written to {place}" in ran.err
    assert len(story(place)["tracks"]) == 2


@pytest.mark.usefixtures("mirror")
def test_a_report_may_go_elsewhere(run: Run, folder: Path) -> None:
    assert run("report", str(folder), "--out", "there").status == 0
    assert sorted(path.name for path in Path("there").iterdir()) == sorted(NAMES + FOLDERS)


@pytest.mark.usefixtures("mirror")
def test_without_judgments_the_fitted_score_is_not_compared_and_that_is_said(
    run: Run, folder: Path
) -> None:
    (folder / "alpaca_eval@2.0" / "ppo-human" / "annotations.json").unlink()
    ran = run("report", str(folder))
    assert "ppo-human on alpaca_eval@2.0: lc_win_rate is not compared" in ran.err
    assert len(story(folder)["changes"]) == 3


def under_another_judge(folder: Path, judge: str) -> Path:
    """The run as if that judge had said the opposite of everything."""
    other = Path(shutil.copytree(folder, folder.with_name("alpacafarm-00000000")))
    document = json.loads((other / "scores.json").read_text())
    for row in document["results"]:
        row["judge"] = row["identity"]["judge"] = judge
        for item in row["items"]:
            item["value"] = 1 - item["value"]
        row["scores"] = [s for s in row["scores"] if s["metric"] == "win_rate"]
        row["scores"][0]["value"] = 1 - row["scores"][0]["value"]
    (other / "scores.json").write_text(json.dumps(document))
    return other


@pytest.mark.usefixtures("mirror")
def test_runs_under_several_judges_are_one_series(run: Run, folder: Path) -> None:
    other = under_another_judge(folder, "simulated preferences of API models")
    ran = run("report", str(folder), str(other), "--out", str(folder))
    assert ran.status == 0, ran.err
    assert "also labelled the training data of ppo-sim-gpt4-20k" in ran.err
    assert len(story(folder)["tracks"]) == 2
    assert len(story(folder)["gaps"]) == 3


@pytest.mark.usefixtures("mirror")
def test_a_judge_of_the_runs_may_be_named_gold(run: Run, folder: Path) -> None:
    gold = story(folder)["tracks"][0]["judge"]
    other = under_another_judge(folder, "simulated preferences of API models")
    ran = run("report", str(folder), str(other), "--out", str(folder), "--gold", gold)
    assert ran.status == 0, ran.err
    assert story(folder)["gold"] == gold


@pytest.mark.parametrize("gold", ["nobody", "simulated preferences of API models"])
@pytest.mark.usefixtures("mirror")
def test_a_judge_that_took_part_or_is_none_is_not_gold(run: Run, folder: Path, gold: str) -> None:
    other = under_another_judge(folder, "simulated preferences of API models")
    ran = run("report", str(folder), str(other), "--out", str(folder), "--gold", gold)
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert f"came '{gold}'" in ran.err


@pytest.mark.usefixtures("mirror")
def test_a_model_draws_what_was_asked_and_answered(
    run: Run, folder: Path, checkpoint: Path
) -> None:
    ran = run("report", str(folder), "--embeddings", f"hf:{checkpoint}")
    assert ran.status == 0, ran.err
    assert "Responses by checkpoint" in (folder / "report.html").read_text()
    assert "alpaca-7b" in (folder / "figures" / "answered.svg").read_text()


@pytest.mark.usefixtures("mirror")
def test_a_model_that_makes_no_vectors_is_refused(run: Run, folder: Path) -> None:
    ran = run("report", str(folder), "--embeddings", "openai:x")
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "expected hf:PATH_OR_ID" in ran.err


@pytest.mark.usefixtures("mirror")
def test_matches_of_compare_are_a_game(run: Run, folder: Path, tmp_path: Path) -> None:
    pair = {"first": "alpaca-7b", "second": "ppo-human"}
    pairs = [{**pair, "scores": [{"metric": "win_rate", "value": 0.3}]}]
    head = {"format": "iterbench.head_to_head/1", "benchmark": "alpaca_eval@2.0", "judge": "j"}
    (tmp_path / "head_to_head.json").write_text(json.dumps({**head, "pairs": pairs}))
    ran = run("report", str(folder), str(tmp_path / "head_to_head.json"), "--out", str(folder))
    assert ran.status == 0, ran.err
    (game,) = story(folder)["games"]
    assert game["winner"] == pytest.approx([0, 1])


@pytest.mark.usefixtures("mirror")
def test_the_same_run_twice_is_refused(run: Run, folder: Path) -> None:
    ran = run("report", str(folder), str(folder))
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "expected one result of 'alpaca-7b'" in ran.err


@pytest.mark.usefixtures("mirror")
def test_a_folder_without_a_run_is_refused(run: Run, tmp_path: Path) -> None:
    ran = run("report", str(tmp_path / "none"))
    assert (ran.status, len(ran.lines)) == (2, 1)


@pytest.mark.usefixtures("mirror")
def test_classes_are_categories_and_a_figure_where_none_are_published(
    run: Run, folder: Path
) -> None:
    rows = [
        {"id": f"alpaca_eval/{n}", "category": "Cooking / Recipes" if n % 2 else None}
        for n in range(805)
    ]
    Path("classes.jsonl").write_text("\n".join(map(json.dumps, rows)))
    ran = run("report", str(folder), "--by", "classes.jsonl")
    assert ran.status == 0, ran.err
    assert {part["category"] for part in story(folder)["parts"]} == {"Cooking / Recipes"}
    assert {part["n"] for part in story(folder)["parts"]} == {LIMIT // 2}
    assert "By class of prompt: AlpacaEval 2.0" in (folder / "report.html").read_text()


@pytest.mark.usefixtures("mirror")
def test_a_gold_judge_is_one_more_score(run: Run) -> None:
    """The official judge as gold, who was recorded, and itself as the cheap one."""
    full = "alpaca_eval/annotations_full/claude-2.json"
    judge = f"replay:asset:{full}"
    words = ["score", judge, "-b", "alpaca_eval", "-j", judge, "--gold-judge", judge]
    ran = run(*words, "--gold-n", "60", "--json", "out.json")
    assert ran.status == 0, ran.err
    (result,) = json.loads(Path("out.json").read_text())["results"]
    gold = result["scores"][-1]
    plain = next(s for s in result["scores"] if s["metric"] == "win_rate")
    assert (gold["metric"], gold["n"]) == ("gold_win_rate", 60)
    assert gold["interval"][0] <= plain["value"] <= gold["interval"][1]
    assert result["identity"]["gold judge"] == judge
    assert "gold win rate" in ran.out


def wavering(seen: Seen, before: int) -> Reply:
    """Prefers the first answer when it is asked first, the second when it is asked again."""
    told = completion({**seen.body, "top_logprobs": 3}, "m")
    (token,) = told["choices"][0]["logprobs"]["content"]
    odds = {"M": 0.8, "m": 0.2} if before else {"M": 0.1, "m": 0.9}
    said = [{"token": one, "logprob": log(p), "bytes": None} for one, p in odds.items()]
    token["top_logprobs"] = [*token["top_logprobs"], *said]
    return Reply(body=told)


@pytest.mark.usefixtures("mirror")
def test_a_judge_that_is_asked_twice_has_its_noise_told(run: Run, loopback: Loopback) -> None:
    loopback.script = wavering
    judge = f"repeats:2:{loopback.openai}"
    words = ["-b", "alpaca_eval", "-j", judge, "--limit", "20", "--concurrency", "1"]
    ran = run("score", SERIES, *words, "--out", "o")
    assert ran.status == 0, ran.err
    assert "what standard errors are made of" in ran.out
    (folder,) = Path("o").glob("alpacafarm-*")
    spread, *others = story(folder)["spreads"]
    assert (spread["n"], spread["repeats"], len(others)) == (20, 2, 2)
    # The two repeats are 0.1 and 0.8, or 0.9 and 0.2: a variance of 0.7 ** 2 / 2.
    assert spread["components"]["judge"] == pytest.approx(0.245)


def test_published_judgments_are_told_too(run: Run, mirror: Path) -> None:
    """Two checkpoints of one DPO run; MT-Bench has a category for every question."""
    Path("judged").mkdir()
    for epoch in (1, 3):
        name = f"mamba_0_5_dpo_ep{epoch}.jsonl.gz"
        shutil.copy(mirror / "mt_bench" / "model_judgment" / "gpt-4_single" / name, "judged")
    run("rescore", "mt_bench", "--judgments", "judged", "--items", "--json", "two.json")
    ran = run("report", "two.json", "--out", "told")
    assert ran.status == 0, ran.err
    (change,) = story(Path("told"))["changes"]
    assert (change["metric"], change["ruling"], change["n"]) == ("score", "undecided", 160)
    assert len(story(Path("told"))["parts"]) == 8


FULL = "alpaca_eval/annotations_full"
CLEAR = f"""
name: clear
checkpoints:
  - name: alpaca-7b
    model: replay:asset:{FULL}/alpaca-7b.json
    judgments: asset:{FULL}/alpaca-7b.json
  - name: claude-2
    model: replay:asset:{FULL}/claude-2.json
    judgments: asset:{FULL}/claude-2.json
"""


@pytest.mark.usefixtures("mirror")
def test_judging_stops_when_it_is_decided_who_is_better(run: Run) -> None:
    """Published win rates of 2.6 and 17.2 % take 60 of 805 prompts."""
    Path("clear.yaml").write_text(CLEAR)
    ran = run("score", "clear.yaml", "-b", "alpaca_eval", "--until-decided", "--out", "o")
    assert ran.status == 0, ran.err
    assert "decided, 60 of 805 prompts of each checkpoint" in ran.err
    (folder,) = Path("o").glob("clear-*")
    (change,) = story(folder)["changes"]
    assert (change["n"], change["ruling"]) == (60, "better")
    assert "judged until decided: 60 of 805 prompts" in ran.out


@pytest.mark.parametrize(
    ("words", "came"),
    [
        (["--batch"], "--batch"),
        (["--gold-judge", "openai:x"], "--gold-judge"),
        (["-j", "both:self"], "own judge"),
        (["-b", "mt_bench"], "mt_bench, which rates answers"),
    ],
)
@pytest.mark.usefixtures("mirror")
def test_what_cannot_stop_on_the_way_is_refused(run: Run, words: list[str], came: str) -> None:
    ran = run("score", SERIES, "-b", "alpaca_eval", "--until-decided", *words)
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert came in ran.err


@pytest.mark.usefixtures("mirror")
def test_a_judge_that_was_on_trial_beside_the_run_is_told_of(run: Run, folder: Path) -> None:
    judge = "openai:gpt-4-1106-preview"
    assert f"{judge} was not on trial here" in run("report", str(folder)).err
    trial = folder.parent / "judge-eval-it" / "judge_eval.json"
    measured = Score("accuracy", 0.625, 40, interval=(0.4, 0.8))
    found = Findings("people@1", "People", "people", 40, [measured])
    write_json(trial, judge_eval_data(judge, [found]))
    ran = run("report", str(folder))
    assert ran.status == 0, ran.err
    assert "was not on trial" not in ran.err
    assert story(folder)["trials"] == [json.loads(trial.read_text())]
    for name in ("report.md", "report.html"):
        assert "62.50" in (folder / name).read_text()


@pytest.mark.usefixtures("mirror")
def test_a_trial_may_be_named_as_a_run(run: Run, folder: Path) -> None:
    judge = "openai:gpt-4-1106-preview"
    write_json(Path("elsewhere/judge_eval.json"), judge_eval_data(judge, []))
    assert (
        "was not on trial" not in run("report", str(folder), "elsewhere", "--out", str(folder)).err
    )
    assert [one["judge"] for one in story(folder)["trials"]] == [judge]


def test_the_papers_numbers_stand_beside_those_of_the_series(scored: Path) -> None:
    found = {one["table"]: one for one in story(scored)["papers"]}
    assert {"sppo:table1", "self_rewarding:table1"} <= found.keys()
    ours = {(o["checkpoint"], o["column"]): o for o in found["sppo:table1"]["others"]}
    assert ours["ppo-human", "win rate"]["measured"]["value"] == pytest.approx(4.10, abs=0.01)
    assert ours["ppo-human", "win rate"]["reasons"] == []
    for name in ("report.md", "report.html"):
        assert "Mistral-7B-SPPO Iter3" in (scored / name).read_text()


def test_a_part_of_the_prompts_is_not_comparable_with_a_paper(small: Path) -> None:
    (one,) = (p for p in story(small)["papers"] if p["table"] == "sppo:table1")
    assert {reason for other in one["others"] for reason in other["reasons"]} == {
        f"prompts: {LIMIT} instead of 805"
    }
