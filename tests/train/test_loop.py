"""The outer loop, from a recipe to a series file, on a network that has learnt nothing yet."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from harness.models.local.weights import fingerprint
from tests.command import Ran, Run
from train.demo.checkpoint import make_base
from train.loop import turns
from train.recipe import read_recipe

PROMPTS = [f"{word}:{'abcdefgh'[n : n + 2]}=" for word in ("copy", "sort") for n in range(6)]
RECIPE: dict[str, Any] = {
    "name": "tiny",
    "base": "hf:./base",
    "prompts": {"source": "./prompts.jsonl", "parts": 2},
    "held_out": ["tiny_instruct"],
    "stages": [
        {
            "repeat": 2,
            "data": {
                "kind": "compared",
                "judge": "tiny_long",
                "rubric": "tiny_instruct",
                "samples": 3,
                "max_tokens": 6,
            },
            "objective": {"name": "sppo", "eta": 5},
            "training": {"learning_rate": 1e-3, "batch_size": 2, "micro_batch": 2},
        }
    ],
}

Train = Callable[..., Ran]


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return make_base(tmp_path_factory.mktemp("network") / "base")


@pytest.fixture
def folder(tmp_path: Path, network: Path) -> Path:
    (tmp_path / "base").symlink_to(network)
    lines = [json.dumps({"prompt": prompt}) for prompt in PROMPTS]
    (tmp_path / "prompts.jsonl").write_text("\n".join(lines))
    return tmp_path


@pytest.fixture
def train(run: Run, folder: Path) -> Train:
    """Trains a recipe like the one above; `stage` and the other words are changes to it."""

    def trained(*words: str, stage: dict[str, Any] | None = None, **changes: Any) -> Ran:
        stages = [RECIPE["stages"][0] | (stage or {})]
        (folder / "recipe.yaml").write_text(yaml.safe_dump(RECIPE | {"stages": stages} | changes))
        return run("train", "recipe.yaml", *words)

    return trained


def made(folder: Path) -> Path:
    """The folder of the one run."""
    [series] = (folder / "results").glob("*/series.yaml")
    return series.parent


def data(**changes: Any) -> dict[str, Any]:
    return {"data": RECIPE["stages"][0]["data"] | changes}


def questions(folder: Path) -> int:
    """How many answers are in the store."""
    with sqlite3.connect(folder / "results" / "store.sqlite") as store:
        [[n]] = store.execute("SELECT count(*) FROM answers")
    return int(n)


def test_a_recipe_becomes_a_series_that_score_takes(train: Train, run: Run, folder: Path) -> None:
    ran = train()
    assert ran.status == 0, ran.err
    series = yaml.safe_load((made(folder) / "series.yaml").read_text())
    assert [c["name"] for c in series["checkpoints"]] == ["base", "iter1", "iter2"]
    assert series["checkpoints"][2] == {
        "name": "iter2",
        "model": "hf:./iter2",
        "parent": "iter1",
        "method": "sppo",
        "trained_by_judge": "tiny_long",
    }
    scored = run("score", str(made(folder) / "series.yaml"), "-b", "tiny_instruct", "--limit", "5")
    assert scored.status == 0, scored.err
    assert "| iter2 " in scored.out


def test_each_iteration_has_prompts_of_its_own(train: Train, folder: Path) -> None:
    train()
    said = [
        {json.loads(line)["said"][0] for line in file.read_text().splitlines()}
        for file in sorted(made(folder).glob("iter*.data/examples.jsonl"))
    ]
    assert said[0] <= set(PROMPTS[:6])
    assert said[1] <= set(PROMPTS[6:])


def test_each_iteration_goes_on_from_the_one_before(train: Train, folder: Path) -> None:
    train()
    jobs = [json.loads((made(folder) / f"iter{n}.data" / "job.json").read_text()) for n in (1, 2)]
    assert [Path(job["base"]).name for job in jobs] == ["base", "iter1"]
    with sqlite3.connect(folder / "results" / "store.sqlite") as store:
        said = store.execute("SELECT identity FROM identities").fetchall()
    answered = {json.loads(identity)["weights"] for (identity,) in said}
    assert answered == {fingerprint(folder / "base"), fingerprint(made(folder) / "iter1")}


@pytest.mark.parametrize("repeats", [(2,), (1, 1)])
def test_the_next_part_of_the_prompts_comes_next_whichever_way_stages_are_written(
    repeats: tuple[int, ...], folder: Path
) -> None:
    stages = [RECIPE["stages"][0] | {"repeat": repeat} for repeat in repeats]
    (folder / "recipe.yaml").write_text(yaml.safe_dump(RECIPE | {"stages": stages}))
    assert [turn.part for turn in turns(read_recipe(folder / "recipe.yaml"))] == [0, 1]


def test_prompts_of_a_stages_own_begin_with_their_first_part(folder: Path) -> None:
    own = RECIPE["stages"][0] | {"repeat": 1, "prompts": {"source": "./own.jsonl", "parts": 2}}
    stages = [RECIPE["stages"][0], own]
    (folder / "recipe.yaml").write_text(yaml.safe_dump(RECIPE | {"stages": stages}))
    assert [turn.part for turn in turns(read_recipe(folder / "recipe.yaml"))] == [0, 1, 0]


def test_the_steps_are_told_in_one_file(train: Train, folder: Path) -> None:
    ran = train()
    lines = [json.loads(s) for s in (made(folder) / "metrics.jsonl").read_text().splitlines()]
    assert {line["iteration"] for line in lines} == {1, 2}
    assert all({"step", "loss", "log_ratio_chosen", "kl"} <= line.keys() for line in lines)
    assert "tiny: what was trained" in ran.out


def test_a_line_of_figures_that_was_cut_short_stops_nothing(train: Train, folder: Path) -> None:
    train(stage={"repeat": 1})
    with (made(folder) / "metrics.jsonl").open("a") as stream:
        stream.write('{"iteration": 1, "st')
    ran = train(stage={"repeat": 1})
    assert (ran.status, "| iter1 " in ran.out) == (0, True), ran.err


@pytest.mark.parametrize("line", [b"\0\0\n", b"[]\n", b"{}\n", b"\xff\n"])
def test_figures_that_were_damaged_are_one_clear_line(
    train: Train, folder: Path, line: bytes
) -> None:
    train(stage={"repeat": 1})
    (made(folder) / "metrics.jsonl").write_bytes(line)
    ran = train(stage={"repeat": 1})
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "expected the figures of a training in" in ran.err


def test_two_commands_do_not_train_in_one_folder(train: Train, folder: Path) -> None:
    train(stage={"repeat": 1})
    (made(folder) / "iter1").rename(folder / "before")
    with (made(folder) / ".lock").open("w") as held:
        flock(held, LOCK_EX)
        ran = train(stage={"repeat": 1})
    assert (ran.status, "but another command does" in ran.lines[-1]) == (2, True), ran.err
    assert train(stage={"repeat": 1}).status == 0


def test_a_second_run_does_nothing_again(train: Train, folder: Path) -> None:
    train()
    weights = made(folder) / "iter2" / "model.safetensors"
    before = weights.stat().st_mtime_ns, questions(folder)
    assert train().status == 0
    assert (weights.stat().st_mtime_ns, questions(folder)) == before


def test_an_iteration_that_is_missing_is_made_from_stored_answers(
    train: Train, folder: Path
) -> None:
    train()
    run = made(folder)
    whole = (run / "iter2" / "model.safetensors").read_bytes()
    asked = questions(folder)
    for path in (run / "iter2", run / "iter2.data"):
        path.rename(folder / path.name)
    assert train().status == 0
    assert questions(folder) == asked
    assert (run / "iter2" / "model.safetensors").read_bytes() == whole


@pytest.mark.parametrize(
    ("changed", "source"),
    [
        ("base", "./prompts.jsonl"),
        ("prompts.jsonl", "./prompts.jsonl"),
        ("prompts.jsonl", "prompts.jsonl"),
    ],
)
def test_another_base_or_other_prompts_make_another_run(
    train: Train, folder: Path, changed: str, source: str
) -> None:
    asked: dict[str, Any] = {"prompts": {"source": source, "parts": 2}, "stage": {"repeat": 1}}
    assert train(**asked).status == 0
    if changed == "base":
        (folder / "base").unlink()
        make_base(folder / "base", seed=1)
    else:
        lines = (folder / changed).read_text().splitlines()
        (folder / changed).write_text("\n".join(lines[::-1]))
    assert train(**asked).status == 0
    assert len([*(folder / "results").glob("tiny-*/iter1")]) == 2


def test_a_run_is_known_under_every_path_of_its_recipe(
    train: Train, run: Run, folder: Path
) -> None:
    train(stage={"repeat": 1})
    assert run("train", str(folder / "recipe.yaml")).status == 0
    assert len([*(folder / "results").glob("*/iter1")]) == 1


def test_a_run_that_was_moved_goes_on_where_it_is(train: Train, folder: Path) -> None:
    train(stage={"repeat": 1})
    (made(folder) / "iter1").rename(folder / "before")
    (folder / "results").rename(folder / "moved")
    assert train("--out", "moved", stage={"repeat": 1}).status == 0
    [again] = (folder / "moved").glob("*/iter1/model.safetensors")
    assert again.read_bytes() == (folder / "before" / "model.safetensors").read_bytes()


@pytest.mark.parametrize("objective", [{"name": "kto", "beta": 0.1}, {"name": "dpo", "beta": 0.1}])
def test_other_objectives_take_the_same_pairs(
    train: Train, folder: Path, objective: dict[str, Any]
) -> None:
    ran = train(stage={"objective": objective, "repeat": 1})
    assert ran.status == 0, ran.err
    assert (made(folder) / "iter1" / "model.safetensors").is_file()


def test_a_stage_may_begin_with_the_base_again(train: Train, folder: Path) -> None:
    stage = RECIPE["stages"][0] | {"repeat": 1}
    ran = train(stages=[stage, stage | {"parent": "base"}])
    assert ran.status == 0, ran.err
    series = yaml.safe_load((made(folder) / "series.yaml").read_text())
    assert [c.get("parent") for c in series["checkpoints"]] == [None, "base", "base"]
    job = json.loads((made(folder) / "iter2.data" / "job.json").read_text())
    assert Path(job["base"]).name == "base"


@pytest.mark.slow
@pytest.mark.parametrize("kill_at", ["iter1: answering", "iter1: step", "iter2: training"])
def test_a_killed_run_goes_on(train: Train, run: Run, folder: Path, kill_at: str) -> None:
    calm = train("--out", "calm", "--store", "calm/store.sqlite")
    assert calm.status == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "run_eval", "train", "recipe.yaml"],
        cwd=folder,
        stderr=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(kill_at):
            break
    process.send_signal(signal.SIGKILL)
    process.stderr.close()
    assert process.wait() == -signal.SIGKILL
    assert run("train", "recipe.yaml").status == 0
    [there] = (folder / "calm").glob("*/iter2/model.safetensors")
    assert (made(folder) / "iter2" / "model.safetensors").read_bytes() == there.read_bytes()


def test_ctrl_c_leaves_a_run_that_goes_on(folder: Path, train: Train) -> None:
    (folder / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
    process = subprocess.Popen(
        [sys.executable, "-m", "run_eval", "train", "recipe.yaml"],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    while not process.stderr.readline().startswith("iter1: step"):
        time.sleep(0)
    process.send_signal(signal.SIGINT)
    *_, last = process.stderr.read().splitlines()
    process.stderr.close()
    assert process.wait() == 130
    assert last.startswith("stopped; what arrived is stored")
    assert train().status == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"base": "hf:./nowhere"}, "nowhere is no folder here"),
        ({"prompts": {"source": "./held.jsonl"}}, "expected no training prompt that tiny_instruct"),
        ({"prompts": {"source": "./absent.jsonl"}}, "absent.jsonl"),
        ({"prompts": None}, "expected prompts to sample responses to, came none"),
        ({"held_out": ["tiny_instrukt"]}, "no benchmark is called 'tiny_instrukt'; did you mean"),
        (
            {"stage": data(judge="tiny_lang")},
            "no judge is called 'tiny_lang'; did you mean 'tiny_long'?",
        ),
        ({"stage": data(judge="replay:./x.json")}, "x.json"),
        ({"stage": {"objective": {"name": "spo", "eta": 5}}}, "'spo'"),
        ({"stage": {"objective": {"name": "sppo", "beta": 5}}}, "did you mean 'eta'?"),
        (
            {"stage": {"objective": {"name": "tuna", "margin": 0.1, "mle_weight": 1}}},
            "for the objective 'tuna'",
        ),
    ],
)
def test_what_cannot_be_is_one_clear_line(
    train: Train, folder: Path, changes: dict[str, Any], said: str
) -> None:
    from train.demo.sets import prompts

    (folder / "held.jsonl").write_text(json.dumps({"prompt": prompts("test")[0].upper()}))
    ran = train(**changes)
    assert ran.status == 2
    assert ran.lines[-1].startswith("error: ")
    assert said in ran.lines[-1]


SFT = {"objective": {"name": "sft"}}
DPO = {"objective": {"name": "dpo", "beta": 1}}
TUNA = {"objective": {"name": "tuna", "margin": 0.1, "mle_weight": 1}}
RANKED: dict[str, Any] = {
    "kind": "ranked",
    "demonstrations": "./originals.jsonl",
    "samples": 2,
    "max_tokens": 6,
    "rank": {"by": "probabilistic", "teacher": "self"},
}
ABSENT = "expected a readable file at absent.jsonl"


def write_originals(folder: Path) -> None:
    """Somebody's response to each prompt."""
    rows = [json.dumps({"prompt": prompt, "response": "*a."}) for prompt in PROMPTS]
    (folder / "originals.jsonl").write_text("\n".join(rows))


@pytest.mark.parametrize(
    "stage",
    [
        {"data": RANKED, **TUNA},
        {"data": {"kind": "demonstrations", "sources": [{"file": "./originals.jsonl"}]}, **SFT},
    ],
    ids=lambda stage: stage["data"]["kind"],
)
def test_other_kinds_of_data_go_the_same_way(
    train: Train, folder: Path, stage: dict[str, Any]
) -> None:
    write_originals(folder)
    ran = train(stages=[RECIPE["stages"][0] | {"repeat": 1} | stage])
    assert ran.status == 0, ran.err
    assert (made(folder) / "iter1" / "model.safetensors").is_file()


def test_demonstrations_that_a_benchmark_asks_are_refused(train: Train, folder: Path) -> None:
    from train.demo.sets import prompts

    held = {"prompt": prompts("test")[0], "response": "*a."}
    (folder / "demonstrations.jsonl").write_text(json.dumps(held))
    sources = [{"file": "./demonstrations.jsonl"}]
    ran = train(stage={"data": {"kind": "demonstrations", "sources": sources}, **SFT}, prompts=None)
    assert ran.status == 2
    assert "expected no training prompt that tiny_instruct asks, came 1" in ran.lines[-1]
    assert not [*(folder / "results").glob("*/iter1*")]


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (data(judge="tiny_lang"), "no judge is called 'tiny_lang'; did you mean 'tiny_long'?"),
        (data(rubric="tiny_instrukt"), "did you mean 'tiny_instruct'?"),
        ({"prompts": {"source": "./absent.jsonl"}}, "absent.jsonl"),
        ({"prompts": {"source": "./prompts.jsonl", "parts": 50}}, "50 different prompts for 50"),
        ({"prompts": {"source": "./held.jsonl"}}, "expected no training prompt that tiny_inst"),
        (
            {"data": {"kind": "demonstrations", "sources": [{"file": "./absent.jsonl"}]}, **SFT},
            ABSENT,
        ),
        ({"data": {"kind": "judgments", "ranked": "./absent.jsonl"}, **SFT}, ABSENT),
        (data(judge="tiny_additive:self"), "states no preference"),
        (data(judge="jury:tiny_long,tiny_additive:self"), "states no preference"),
        (data(kind="rated") | DPO, "the judge 'tiny_long' gives no ratings"),
        (data(kind="rated", judge="self") | DPO, "'tiny_instruct' rates nobody alone"),
        (
            {
                "data": {
                    "kind": "judgments",
                    "ranked": "./ranked.jsonl",
                    "judge": "tiny_long",
                    "rubric": "tiny_instruct",
                },
                **SFT,
            },
            "the judge 'tiny_long' gives no ratings",
        ),
        ({"data": RANKED | {"demonstrations": "./absent.jsonl"}, **TUNA}, ABSENT),
        ({"data": RANKED | {"rank": {"by": "proxy", "ranker": "./absent"}}, **TUNA}, "absent"),
        (
            {"data": RANKED | {"rank": {"by": "contextual", "judge": "opnai:gpt-4.1"}}, **TUNA},
            "did you mean 'openai:gpt-4.1'?",
        ),
        (
            data(
                kind="rated", judge="tiny_additive:self", generate={"model": "hf:./absent", "n": 1}
            )
            | DPO,
            "absent is no folder",
        ),
        ({"training": {"learning_rate": 1e-3, "report_to": ["comet_ml"]}}, "expected comet_ml to"),
        ({"training": {"learning_rate": 1e-3, "launch": "./absent.yaml"}}, "absent.yaml"),
    ],
)
def test_what_a_later_stage_lacks_is_told_before_the_first(
    train: Train, folder: Path, later: dict[str, Any], said: str
) -> None:
    from train.demo.sets import prompts

    (folder / "held.jsonl").write_text(json.dumps({"prompt": prompts("test")[0].upper()}))
    write_originals(folder)
    ranked = {"prompt": "copy:ab=", "responses": [{"text": t, "rank": 1} for t in "ab"]}
    (folder / "ranked.jsonl").write_text(json.dumps(ranked))
    stage = RECIPE["stages"][0] | {"repeat": 1}
    ran = train(stages=[stage, stage | later])
    assert (ran.status, said in ran.lines[-1]) == (2, True), ran.err
    assert not [*(folder / "results").glob("*/iter1*")]


@pytest.mark.parametrize("content", [None, b"\xe9"])
def test_a_template_that_cannot_be_read_is_one_clear_line(
    train: Train, folder: Path, content: bytes | None
) -> None:
    if content:
        (folder / "own.jinja").write_bytes(content)
    ran = train(chat_template="./own.jinja")
    assert ran.status == 2
    assert ran.lines[-1].startswith("error: expected a chat template in UTF-8 at ")


@pytest.mark.parametrize(
    ("absent", "said"),
    [
        ("token", "has no tokenizer"),
        ("template", "ships no chat template"),
        ("model", "no weights"),
    ],
)
def test_an_incomplete_base_is_refused_at_once(
    train: Train, folder: Path, network: Path, absent: str, said: str
) -> None:
    (folder / "base").unlink()
    (folder / "base").mkdir()
    for file in network.iterdir():
        if absent not in file.name:
            (folder / "base" / file.name).symlink_to(file)
    ran = train()
    assert (ran.status, said in ran.lines[-1]) == (2, True), ran.err


def test_a_judge_that_reads_nothing_drops_all_pairs_and_says_so(train: Train, folder: Path) -> None:
    ran = train(
        stage={
            "data": {
                "kind": "rated",
                "judge": "tiny_additive:self",
                "rubric": "tiny_instruct",
                "samples": 2,
                "max_tokens": 3,
                "judgments": 1,
            },
            **DPO,
        }
    )
    assert ran.status == 2
    assert ran.lines[-1].startswith("error: expected pairs to train on, came 0 pairs")
    assert "unread" in ran.lines[-1]


@pytest.mark.slow
def test_an_accelerate_configuration_launches_the_training(train: Train, folder: Path) -> None:
    (folder / "accelerate.yaml").write_text(
        "compute_environment: LOCAL_MACHINE\ndistributed_type: 'NO'\nnum_processes: 1\n"
        "use_cpu: true\nmixed_precision: 'no'\n"
    )
    training = RECIPE["stages"][0]["training"] | {"launch": "./accelerate.yaml"}
    ran = train(stage={"repeat": 1, "training": training})
    assert ran.status == 0, ran.err
    assert (made(folder) / "iter1" / "model.safetensors").is_file()


@pytest.mark.slow
def test_a_launch_that_fails_is_one_clear_error(train: Train, folder: Path) -> None:
    (folder / "wrong.yaml").write_text("distributed_type: NONSENSE\n")
    training = RECIPE["stages"][0]["training"] | {"launch": "./wrong.yaml"}
    ran = train(stage={"repeat": 1, "training": training})
    assert ran.status == 2
    assert "expected 'accelerate launch' with ./wrong.yaml to train" in ran.lines[-1]
