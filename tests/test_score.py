"""`score` and `rescore` on real published data: from files to the table."""

import gzip
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.command import Run
from tests.full_disk import largest_file
from tests.tiny.checkpoint import make_checkpoint

ROOT = Path(__file__).parents[1]
SERIES = str(ROOT / "examples" / "alpacafarm.yaml")
PUBLISHED = {"alpaca-7b": (5.88, 2.59), "ppo-sim-gpt4-20k": (7.12, 3.45), "ppo-human": (6.42, 4.10)}
FULL = "alpaca_eval/annotations_full/alpaca-7b.json"


@pytest.fixture
def rows(mirror: Path) -> list[dict[str, Any]]:
    """Published annotations of alpaca-7b, with texts and raw answers."""
    found: list[dict[str, Any]] = json.loads(gzip.decompress((mirror / f"{FULL}.gz").read_bytes()))
    return found


def results(path: str = "out.json") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(Path(path).read_text())["results"]
    return found


def value(result: dict[str, Any], metric: str) -> float:
    found: float = next(s["value"] for s in result["scores"] if s["metric"] == metric)
    return found


@pytest.mark.usefixtures("mirror")
def test_the_example_series_gives_the_published_table(run: Run) -> None:
    ran = run("score", SERIES, "-b", "alpaca_eval", "--json", "out.json")
    assert ran.status == 0, ran.err
    for result in results():
        lc, raw = PUBLISHED[result["checkpoint"]]
        assert 100 * value(result, "lc_win_rate") == pytest.approx(lc, abs=0.15)
        assert 100 * value(result, "win_rate") == pytest.approx(raw, abs=0.005)
    assert "5.87 [4.05, 7.80]" in ran.out


@pytest.mark.usefixtures("mirror")
def test_a_score_names_what_decided_it(run: Run) -> None:
    run("score", SERIES, "-b", "alpaca_eval", "--json", "out.json")
    identity = results()[0]["identity"]
    assert identity["benchmark"] == "alpaca_eval@2.0"
    assert identity["calibration"] == "alpaca_eval/df_gamed_reconstructed.csv"
    assert identity["judge model"] == "gpt-4-1106-preview"
    assert len(identity["judge rubric sha256"]) == len(identity["model recording"]) == 64


@pytest.mark.usefixtures("mirror")
def test_a_second_run_gives_the_same_bits(run: Run) -> None:
    run("score", SERIES, "-b", "alpaca_eval", "--json", "one.json", "--items")
    run("score", SERIES, "-b", "alpaca_eval", "--json", "two.json", "--items")
    assert Path("one.json").read_bytes() == Path("two.json").read_bytes()
    assert len(results("one.json")[0]["items"]) == 805


@pytest.mark.usefixtures("mirror")
def test_what_was_written_can_be_rescored(run: Run) -> None:
    run("score", SERIES, "-b", "alpaca_eval", "--json", "out.json")
    (place,) = map(str, Path("results").glob("*/alpaca_eval@2.0/ppo-human/annotations.json"))
    run("rescore", "alpaca_eval", "--judgments", place, "--json", "again.json")
    for metric in ("lc_win_rate", "win_rate"):
        assert value(results("again.json")[0], metric) == pytest.approx(
            value(results()[2], metric), abs=1e-12
        )


@pytest.mark.usefixtures("mirror")
def test_a_dry_run_counts_what_would_be_asked_and_asks_nothing(run: Run) -> None:
    words = ["score", f"replay:asset:{FULL}", "-b", "alpaca_eval", "--dry-run", "--json", "p.json"]
    assert run(*words).status == 0
    (plan,) = json.loads(Path("p.json").read_text())["plan"]
    assert (plan["prompts"], plan["to_answer"], plan["to_judge"]) == (805, 0, 802)
    assert plan["usd"] == pytest.approx(6.5, abs=1)  # price_per_example in the file: 0.008


@pytest.mark.usefixtures("mirror")
def test_without_a_key_nothing_is_asked_and_the_variable_is_named(run: Run) -> None:
    ran = run("score", f"replay:asset:{FULL}", "-b", "alpaca_eval")
    assert ran.status == 2
    assert "announced to retire on 2026-10-23" in ran.lines[0]
    assert "OPENAI_API_KEY" in ran.lines[1]


@pytest.mark.usefixtures("mirror")
def test_judgments_already_paid_for_are_imported(run: Run) -> None:
    words = ["score", f"replay:asset:{FULL}", "-b", "alpaca_eval", "--judgments", f"asset:{FULL}"]
    ran = run(*words)
    assert ran.status == 0, ran.err
    with sqlite3.connect("results/store.sqlite") as db:
        assert db.execute("SELECT count(*) FROM answers").fetchone() == (802,)
        assert db.execute("SELECT count(*) FROM calls").fetchone() == (0,)


@pytest.mark.usefixtures("mirror")
def test_recorded_judgments_can_be_the_judge(run: Run) -> None:
    judge = f"replay:asset:{FULL}"
    ran = run("score", judge, "-b", "alpaca_eval", "-j", judge, "--json", "out.json")
    assert ran.status == 0, ran.err
    assert 100 * value(results()[0], "win_rate") == pytest.approx(2.59, abs=0.005)


@pytest.mark.usefixtures("mirror")
def test_a_limit_is_part_of_the_identity(run: Run) -> None:
    run("score", SERIES, "-b", "alpaca_eval", "--limit", "40", "--json", "out.json")
    assert results()[0]["identity"]["prompts"] == "40"
    assert results()[0]["scores"][0]["n"] == 40


def own(rows: list[dict[str, Any]], **changes: Any) -> str:
    """A model_outputs.json of a user's own."""
    outputs = [{"instruction": r["instruction"], "output": r["output_2"]} | changes for r in rows]
    Path("mine.json").write_text(json.dumps(outputs))
    return "replay:mine.json"


JUDGE = ["-b", "alpaca_eval", "-j", f"replay:asset:{FULL}"]


def test_a_users_own_outputs_are_scored(run: Run, rows: Any) -> None:
    assert run("score", own(rows), *JUDGE).status == 0


def test_outputs_that_lack_prompts_are_refused_by_name(run: Run, rows: Any) -> None:
    ran = run("score", own(rows[:-3]), *JUDGE)
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "3 of 805 are missing (first alpaca_eval/802" in ran.err
    assert "--partial" in ran.err


def test_partial_outputs_count_as_unread(run: Run, rows: Any) -> None:
    ran = run("score", own(rows[:-3]), *JUDGE, "--partial", "--json", "out.json")
    assert ran.status == 0, ran.err
    assert results()[0]["scores"][1]["n_unread"] == 3
    assert "3 unread, the score is kept at 99.6% coverage" in ran.out


def test_a_score_from_too_few_verdicts_is_withheld(run: Run, rows: Any) -> None:
    ran = run("score", own(rows[:600]), *JUDGE, "--partial", "--json", "out.json")
    assert [s["value"] for s in results()[0]["scores"][:3]] == [None] * 3
    assert "withheld [" in ran.out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "it is empty"),
        ('[{"instruction": "Q", "outp', "may be cut short"),
        ('[{"question_id": 81, "turns": ["Q"]}]', "is this an AlpacaEval model_outputs.json"),
        ('[{"instruction": "Q", "output": "A"}]', "is it of another benchmark"),
        ('[{"instruction": "Q", "output": "A"}, {"instruction": "Q", "output": "B"}]', "row 1"),
        ("[]", "an empty list"),
        ("[1]", "JSON objects"),
    ],
)
@pytest.mark.usefixtures("mirror")
def test_damaged_or_foreign_outputs_get_one_clear_line(
    run: Run, content: str, message: str
) -> None:
    Path("bad.json").write_text(content)
    ran = run("score", "replay:bad.json", *JUDGE)
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert message in ran.err


def test_a_preference_out_of_range_gets_one_clear_line(run: Run, rows: Any) -> None:
    rows[7]["preference"] = 3.5
    Path("bad.json").write_text(json.dumps(rows))
    ran = run("rescore", "alpaca_eval", "--judgments", "bad.json")
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "preference from 1 to 2" in ran.err
    assert "row 7, came 3.5" in ran.err


def test_a_judge_reply_without_m_is_unread_and_counted(run: Run, rows: Any) -> None:
    rows[5]["raw_completion"]["logprobs"]["content"][0]["top_logprobs"] = [
        {"token": "Neither", "logprob": -0.1}
    ]
    Path("judge.json").write_text(json.dumps(rows))
    words = ["-b", "alpaca_eval", "-j", "replay:judge.json", "--json", "out.json", "--items"]
    ran = run("score", own(rows), *words)
    assert ran.status == 0, ran.err
    (unread,) = [item for item in results()[0]["items"] if item["value"] is None]
    assert unread["id"] == "alpaca_eval/5"
    assert unread["cause"] == "neither m nor M among the 1 likeliest tokens"


@pytest.mark.usefixtures("mirror")
def test_a_results_folder_that_cannot_be_written_is_refused_first(run: Run) -> None:
    Path("file").touch()
    ran = run("score", SERIES, "-b", "alpaca_eval", "--out", "file/below")
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "can be written at file/below" in ran.err


@pytest.mark.usefixtures("mirror")
def test_a_full_disk_keeps_what_was_stored(run: Run) -> None:
    words = ["score", SERIES, "-b", "alpaca_eval", "--limit", "40"]
    run(*words, "--json", "calm.json")
    with largest_file(100_000):
        ran = run(*words, "--out", "elsewhere")
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "expected to write elsewhere" in ran.err
    assert "every answer is in the store" in ran.err
    assert run(*words, "--json", "again.json").status == 0
    assert Path("again.json").read_bytes() == Path("calm.json").read_bytes()


def test_judgments_by_another_judge_do_not_pass_for_the_official_ones(run: Run, rows: Any) -> None:
    for row in rows:
        row["annotator"] += ", openai:gpt-4.1"
    Path("theirs.json").write_text(json.dumps(rows))
    mine = ["score", own(rows), "-b", "alpaca_eval", "--judgments", "theirs.json"]
    ran = run(*mine)
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "came some by 'openai:gpt-4.1'" in ran.err
    assert run(*mine, "-j", "openai:gpt-4.1").status == 0
    ran = run("rescore", "alpaca_eval", "--judgments", "theirs.json")
    assert "openai:gpt-4.1 judging" in ran.out


def test_judgments_of_another_model_are_refused(run: Run, rows: Any) -> None:
    other = [row | {"output_2": row["output_2"] + "!"} for row in rows]
    ran = run("score", own(other), "-b", "alpaca_eval", "--judgments", f"asset:{FULL}")
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "none of 805 fits; are they of another model?" in ran.err


def test_judgments_without_raw_answers_are_refused(run: Run, rows: Any) -> None:
    Path("bare.json").write_text(json.dumps([row | {"raw_completion": None} for row in rows]))
    ran = run("score", own(rows), "-b", "alpaca_eval", "--judgments", "bare.json")
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "without what the judge was asked or what it answered" in ran.err


def test_a_bad_import_can_be_mended_by_a_good_one(run: Run, rows: Any) -> None:
    wrong = json.loads(json.dumps(rows))
    for row in wrong:
        if row["raw_completion"]:
            token = row["raw_completion"]["logprobs"]["content"][0]
            token["top_logprobs"] = [{"token": "M", "logprob": -0.1}]
    Path("wrong.json").write_text(json.dumps(wrong))
    words = ["score", own(rows), "-b", "alpaca_eval", "--json", "out.json", "--judgments"]
    run(*words, "wrong.json")
    assert 100 * value(results()[0], "win_rate") == pytest.approx(50, abs=3)
    run(*words, f"asset:{FULL}")
    assert 100 * value(results()[0], "win_rate") == pytest.approx(2.59, abs=0.005)


@pytest.mark.usefixtures("mirror")
def test_a_series_own_judgments_are_left_out_under_another_judge(run: Run) -> None:
    ran = run("score", SERIES, "-b", "alpaca_eval", "-j", f"replay:asset:{FULL}")
    assert "published judgments left out, a series' own are by the official judge" in ran.lines[0]


@pytest.mark.usefixtures("mirror")
def test_runs_that_ask_something_else_do_not_overwrite_each_other(run: Run) -> None:
    for limit in ("20", "40", "20"):
        assert run("score", SERIES, "-b", "alpaca_eval", "--limit", limit).status == 0
    assert len(list(Path("results").glob("alpacafarm-*"))) == 2


@pytest.mark.usefixtures("mirror")
def test_a_model_that_refuses_every_prompt_ends_the_run(run: Run, tmp_path: Path) -> None:
    make_checkpoint(tmp_path / "small", window=64)
    ran = run("score", f"hf:{tmp_path / 'small'}", *JUDGE, "--limit", "3")
    assert ran.status == 2
    assert "refused all 3 prompts" in ran.lines[-1]
    assert "lower --max-tokens" in ran.lines[-1]


@pytest.mark.usefixtures("mirror")
def test_rescored_judgments_list_their_items(run: Run) -> None:
    words = ["rescore", "alpaca_eval", "--judgments", f"asset:{FULL}", "--json", "out.json"]
    assert run(*words, "--items").status == 0
    items = results()[0]["items"]
    assert items[804]["id"] == "alpaca_eval/804"
    assert sum(item["value"] for item in items) / 805 == pytest.approx(0.0259, abs=1e-4)


def test_rows_that_cannot_be_compared_are_marked(run: Run, rows: Any) -> None:
    folder = Path("judged")
    folder.mkdir()
    (folder / "all.json").write_text(json.dumps(rows))
    (folder / "some.json").write_text(json.dumps(rows[:800]))
    ran = run("rescore", "alpaca_eval", "--judgments", str(folder))
    assert "rows differ in prompts: '805', '800'" in ran.out


@pytest.mark.usefixtures("mirror")
def test_a_judge_that_labelled_the_training_data_is_marked(run: Run) -> None:
    judge = f"replay:asset:{FULL}"
    Path("run.yaml").write_text(
        f"name: run\njudge: {judge}\ncheckpoints:\n"
        f"  - {{name: base, model: '{judge}', trained_by_judge: '{judge}'}}\n"
    )
    assert "also labelled its training data" in run("score", "run.yaml", "-b", "alpaca_eval").out


@pytest.mark.usefixtures("mirror")
def test_verify_recomputes_the_published_numbers(run: Run) -> None:
    ran = run("verify", "alpaca_eval", "--json", "checks.json")
    assert (ran.status, ran.err) == (0, "")
    checks = json.loads(Path("checks.json").read_text())["checks"]
    assert {check["benchmark"] for check in checks} == {"alpaca_eval@2.0", "alpaca_eval@1.0"}
    assert all(check["holds"] for check in checks)
    assert "NOT PROVEN" not in ran.out


def test_a_check_that_does_not_hold_exits_with_1(
    run: Run, mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    partial = tmp_path / "partial" / "alpaca_eval"
    partial.mkdir(parents=True)
    shutil.copytree(mirror / "alpaca_eval" / "leaderboards", partial / "leaderboards")
    monkeypatch.delenv("ITERBENCH_ASSETS")
    ran = run("verify", "alpaca_eval@1.0", "--assets", str(partial.parent))
    assert ran.status == 1
    assert "NOT PROVEN" in ran.out


def answers(file: str, answer: str) -> str:
    """A recorded model that answers every prompt of the small world with these words."""
    from train.demo.sets import prompts

    rows = [{"instruction": asked, "output": answer} for asked in prompts("test")]
    Path(file).write_text(json.dumps(rows))
    return f"replay:{file}"


def test_a_baseline_of_ones_own_takes_the_place_of_the_published_one(run: Run) -> None:
    short, long = answers("short.json", "*a."), answers("long.json", "*a.xxxx")
    ran = run(
        "score", short, long, "-b", "tiny_instruct", "--baseline", short, "--json", "out.json"
    )
    assert ran.status == 0, ran.err
    assert "against replay:short.json" in ran.out
    same, longer = results()
    assert value(same, "win_rate") == 0.5
    # the judge gives 0.3 for each of 4 more characters and the world takes 0.12: s(0.72)
    assert value(longer, "win_rate") == pytest.approx(0.6726, abs=1e-4)
    assert longer["identity"]["baseline"] == "replay:short.json"
    assert len(longer["identity"]["baseline recording"]) == 64


def test_a_dry_run_asks_a_baseline_nothing(run: Run) -> None:
    make_checkpoint(Path("tiny"))
    words = ("-b", "tiny_instruct", "--limit", "3", "--baseline", "hf:./tiny", "--dry-run")
    ran = run("score", answers("short.json", "*a."), *words)
    assert ran.status == 0, ran.err
    with sqlite3.connect("results/store.sqlite") as store:
        assert store.execute("SELECT count(*) FROM answers").fetchone() == (0,)


@pytest.mark.parametrize(
    ("model", "words", "said"),
    [
        ("hf:./tiny", ["--temperature", "0"], "expected a temperature above 0 for the best of 8"),
        ("replay:x.json", [], "can answer again for best_of of 'a', came a recording"),
    ],
)
def test_a_best_of_that_could_not_differ_is_refused(
    run: Run, model: str, words: list[str], said: str
) -> None:
    make_checkpoint(Path("tiny"))
    best_of = "{n: 8, judge: tiny_gold}"
    Path("s.yaml").write_text(
        f"name: s\ncheckpoints: [{{name: a, model: '{model}', best_of: {best_of}}}]"
    )
    ran = run("score", "s.yaml", "-b", "tiny_instruct", "--limit", "2", *words)
    assert (ran.status, said in ran.lines[-1]) == (2, True), ran.err


@pytest.mark.parametrize("wrong", [["hf:./nowhere"], ["hf:./tiny", "-j", "tiny_evl"]])
def test_a_baseline_is_asked_only_when_every_name_is_known(run: Run, wrong: list[str]) -> None:
    make_checkpoint(Path("tiny"))
    ran = run("score", *wrong, "-b", "tiny_instruct", "--limit", "3", "--baseline", "hf:./tiny")
    assert (ran.status, len(ran.lines)) == (2, 1), ran.err


def test_a_dry_run_counts_what_a_baseline_would_be_asked(run: Run) -> None:
    make_checkpoint(Path("tiny"))
    words = ("-b", "tiny_instruct", "--limit", "3", "--baseline", "hf:./tiny", "--dry-run")
    run("score", "scripted:a", *words, "--json", "p.json")
    plans = json.loads(Path("p.json").read_text())["plan"]
    assert (plans[0]["checkpoint"], plans[0]["to_answer"]) == ("baseline", 3)


def test_a_checkpoint_may_answer_with_the_best_of_several_samples(run: Run) -> None:
    from train.demo.checkpoint import make_base

    make_base(Path("tiny"))
    Path("series.yaml").write_text(
        "name: s\ncheckpoints:\n"
        "- {name: once, model: 'hf:./tiny'}\n"
        "- {name: best, model: 'hf:./tiny', best_of: {n: 8, judge: tiny_gold}}\n"
    )
    words = ("-b", "tiny_instruct", "-j", "tiny_gold", "--limit", "12", "--max-tokens", "8")
    ran = run("score", "series.yaml", *words, "--json", "out.json")
    assert ran.status == 0, ran.err
    once, best = results()
    assert value(best, "win_rate") > value(once, "win_rate")
    assert best["identity"]["model best of"] == "8"
    assert best["identity"]["model judge length weight"] == "0.0"
    with sqlite3.connect("results/store.sqlite") as store:
        assert store.execute("SELECT count(*) FROM answers").fetchone() == (12 * 8,)
