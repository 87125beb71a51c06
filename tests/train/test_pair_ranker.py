import json
import math
from itertools import islice
from pathlib import Path
from random import Random
from shutil import copytree
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness import registry
from harness.errors import DataError, ModelError
from harness.models.pairrm import build
from harness.types import Model, ModelOptions, Rubric
from tests.command import Run
from tests.records import comparison, prompt, rubric
from tests.tiny.pair_ranker import make_pair_ranker
from train.demo.people import expert, noisy
from train.demo.sets import drawn
from train.demo.world import utility
from train.pair_ranker import Lessons, Taught, pair_loss, teach
from train.preferences import Preference

pytestmark = pytest.mark.usefixtures("own_cache")
pytest_plugins = ["tests.tiny.fixtures"]
QUICK = Lessons(learning_rate=3e-3, epochs=2, batch_size=16, held_out=0.3)
HURRIED = Lessons(learning_rate=1e-3, epochs=0.1, batch_size=4)


def told(n: int) -> list[Preference]:
    """Experts' responses in the demonstration's world against worse ones of noisy writers."""
    rng = Random(0)
    asked = islice(drawn("demonstrations"), n)
    pairs = [Preference(p, expert(p, rng), noisy(p, rng)) for p in asked]
    return [p for p in pairs if utility(p.prompt, p.chosen) > utility(p.prompt, p.rejected)]


FEW = told(12)


def quiet(_line: str) -> None:
    pass


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Taught, list[str]]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    said: list[str] = []
    folder = tmp_path_factory.mktemp("judge") / "made"
    taught = teach(told(400), folder, QUICK, said.append)
    torch.set_num_threads(threads)
    return folder, taught, said


Made = tuple[Path, Taught, list[str]]


def test_the_loss_worked() -> None:
    """Logits 1 and -1 are right in both orders: log(1 + 1/e). Told apart by place alone, one
    order costs as much as the other gains: 1/2 more."""
    both, place = pair_loss(torch.tensor([1.0, 1.0]), torch.tensor([-1.0, 1.0])).tolist()
    assert both == pytest.approx(math.log(1 + math.exp(-1)))
    assert place == pytest.approx(both + 0.5)


def test_what_tells_nothing_costs_log_2() -> None:
    assert pair_loss(torch.zeros(1), torch.zeros(1)).item() == pytest.approx(math.log(2))


def test_pairs_of_new_prompts_are_told_apart(made: Made) -> None:
    """By chance it would be one half."""
    accuracy = made[1].accuracy
    assert accuracy.metric == "held_out_accuracy"
    assert accuracy.value is not None
    assert accuracy.value >= 0.75
    assert accuracy.interval is not None
    assert accuracy.interval[0] > 0.6
    assert accuracy.n + made[1].learned == len(told(400))


def test_it_is_told_how_it_goes(made: Made) -> None:
    assert made[2][-1].startswith("judge: step 26/26, loss ")


def test_the_folder_is_a_judge(made: Made) -> None:
    def open_model(name: str, _rubric: Rubric) -> Model:
        return build(name, ModelOptions())

    judge = registry.judge(f"pairrm:{made[0]}", rubric(), open_model)
    asked = "reverse:abcd="
    right = comparison("*dcba.", "*dcbb.xxxxxx", prompt(asked))
    there, back = judge([right, right.swap()])
    assert there.value is not None
    assert there.value > 0.6
    assert back.value == 1 - there.value


def test_the_layout_is_the_published_one(made: Made) -> None:
    settings = json.loads((made[0] / "config.json").read_text())
    tokens = json.loads((made[0] / "tokenizer.json").read_text())["added_tokens"]
    ids = {token["content"]: token["id"] for token in tokens}
    marks = ("source", "cand1", "cand2")
    assert [settings[f"{mark}_prefix_id"] for mark in marks] == [
        ids[f"<|{name}|>"] for name in ("source", "candidate1", "candidate2")
    ]
    assert (settings["model_type"], settings["n_tasks"]) == ("deberta-v2", 1)
    assert "head_layer.4.weight" in load_file(made[0] / "model.safetensors")


def test_the_same_lessons_make_the_same_judge(tmp_path: Path) -> None:
    for name in ("one", "other"):
        teach(FEW, tmp_path / name, HURRIED, quiet)
    one, other = (load_file(tmp_path / n / "model.safetensors") for n in ("one", "other"))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return make_pair_ranker(tmp_path / "base")


def test_a_pair_ranker_goes_on_learning(base: Path, tmp_path: Path) -> None:
    slow = Lessons(base=f"pairrm:{base}", epochs=0.1, batch_size=4, learning_rate=1e-9)
    teach(FEW, tmp_path / "out", slow, quiet)
    before, after = (load_file(f / "model.safetensors") for f in (base, tmp_path / "out"))
    assert before.keys() == after.keys()
    assert all(torch.allclose(before[name], after[name], atol=1e-6) for name in before)


def test_an_encoder_alone_is_given_a_head_and_marks(base: Path, tmp_path: Path) -> None:
    """As published encoders are: names begin with deberta, other heads are there, no marks."""
    tensors = load_file(base / "model.safetensors")
    encoder = {
        name.replace("pretrained_model.", "deberta."): tensor
        for name, tensor in tensors.items()
        if not name.startswith("head_layer.")
    }
    save_file(
        encoder | {"mask_predictions.dense.weight": torch.ones(2)}, base / "model.safetensors"
    )
    teach(FEW, tmp_path / "out", Lessons(base=str(base), epochs=0.1, learning_rate=1e-9), quiet)
    made = load_file(tmp_path / "out" / "model.safetensors")
    assert made.keys() == tensors.keys()
    name = "pretrained_model.encoder.layer.1.output.dense.weight"
    assert torch.allclose(made[name], tensors[name], atol=1e-6)


def edited(folder: Path, **values: Any) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_a_base_of_another_kind_is_refused(base: Path, tmp_path: Path) -> None:
    edited(base, model_type="bert")
    with pytest.raises(ModelError, match="expected an encoder of the type 'deberta-v2'"):
        teach(FEW, tmp_path / "out", Lessons(base=str(base)), quiet)


def test_a_base_that_lacks_weights_is_refused(base: Path, tmp_path: Path) -> None:
    edited(base, num_hidden_layers=3)
    with pytest.raises(ModelError, match=r"lacks 16 tensors, the first is .*layer\.2\."):
        teach(FEW, tmp_path / "out", Lessons(base=str(base)), quiet)


def test_no_judge_is_overwritten(made: Made) -> None:
    with pytest.raises(DataError, match="expected a new folder for the judge"):
        teach(FEW, made[0], HURRIED, quiet)


def test_what_a_killed_run_left_is_no_part_of_the_judge(made: Made, tmp_path: Path) -> None:
    copytree(made[0], tmp_path / "out.partial")
    teach(FEW, tmp_path / "out", HURRIED, quiet)
    build(f"pairrm:{tmp_path / 'out'}", ModelOptions())
    assert not (tmp_path / "out.partial").exists()


def test_a_loss_that_is_no_number_ends_the_lessons(base: Path, tmp_path: Path) -> None:
    tensors = load_file(base / "model.safetensors")
    tensors["head_layer.4.weight"] *= math.nan
    save_file(tensors, base / "model.safetensors")
    with pytest.raises(ModelError, match="a number at step 1, came nan; lower the learning rate"):
        teach(FEW, tmp_path / "out", Lessons(base=str(base)), quiet)
    assert not (tmp_path / "out").exists()


def test_a_judge_is_taught_on_the_command_line(run: Run, tmp_path: Path) -> None:
    rows = "\n".join(json.dumps(pair._asdict()) for pair in FEW)
    Path("pairs.jsonl").write_text(rows)
    command = "train-judge pairs.jsonl --out judge --epochs 1 --learning-rate 1e-3 --json out.json"
    ran = run(*command.split())
    assert ran.status == 0
    assert "pairrm:judge" in ran.out
    data = json.loads(Path("out.json").read_text())
    assert (data["judge"], data["learned"]) == ("pairrm:judge", len(FEW) - 1)
    assert build("pairrm:judge", ModelOptions()).name == "pairrm:judge"


def test_comparisons_that_are_none_are_one_line_and_status_2(run: Run) -> None:
    Path("pairs.jsonl").write_text('{"prompt": "a"}')
    ran = run("train-judge", "pairs.jsonl", "--out", "judge")
    assert ran.status == 2
    assert "pairs.jsonl, row 1: expected 'chosen' to be a text" in ran.err
