import json
import math
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

import train.ranker
from harness.errors import DataError, ModelError
from train.examples import Answer, Example
from train.job import Job
from train.ranker import Teaching, main, ranking_loss, scores, teach
from train.recipe import Training

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")
QUICK = Teaching(learning_rate=3e-3, epochs=8, batch_size=5, max_length=48)
PAIRS = [("Say q", "zzzz"), ("Say q", "zz"), ("Say q", "a"), ("Say q", "aaaaa and more")]


def ranking(asked: str, *responses: str) -> Example:
    """Responses, the best first; the original is last and would be the worst."""
    return Example((asked,), tuple(map(Answer, (*responses, "zzzzzz"))))


EASY = [ranking(f"Say {letter}", "zzzz", "zz", "a", "aaaaa") for letter in "abcdefghij"]


@pytest.fixture(scope="module")
def ranker(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ranker") / "made"
    teach(str(checkpoint), EASY, folder, QUICK)
    return folder


def edited(folder: Path, name: str, **values: Any) -> None:
    file = folder / name
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


@given(
    st.integers(2, 5).flatmap(
        lambda n: st.lists(
            st.lists(st.floats(-5, 5, width=32), min_size=n, max_size=n), min_size=1, max_size=3
        )
    )
)
def test_the_loss_is_the_mean_over_all_pairs(rows: list[list[float]]) -> None:
    n = len(rows[0])
    expected = [
        sum(math.log1p(math.exp(row[k] - row[j])) for k in range(n) for j in range(k))
        / (n * (n - 1) / 2)
        for row in rows
    ]
    assert ranking_loss(torch.tensor(rows)).tolist() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("n", [2, 4, 7])
def test_equal_scores_cost_log_2_whatever_their_number(n: int) -> None:
    loss_B = ranking_loss(torch.full((3, n), 1.5))
    assert loss_B.tolist() == pytest.approx([math.log(2)] * 3)


def test_the_loss_worked() -> None:
    """Scores 1 and 0 cost log(1 + 1/e) in the right order, and 1 more in the wrong one."""
    right, wrong = ranking_loss(torch.tensor([[1.0, 0.0], [0.0, 1.0]])).tolist()
    assert right == pytest.approx(math.log(1 + math.exp(-1)))
    assert wrong == pytest.approx(right + 1)


def test_the_better_is_raised_and_the_worse_is_lowered() -> None:
    """At equal scores each pair moves both by s(0) / 3: the first is in two pairs, as is each."""
    scores_B_N = torch.zeros(1, 3, requires_grad=True)
    ranking_loss(scores_B_N).sum().backward()  # type: ignore[no-untyped-call]
    assert scores_B_N.grad is not None
    assert scores_B_N.grad[0].tolist() == pytest.approx([-1 / 3, 0, 1 / 3])


def test_an_easy_order_is_learnt(ranker: Path) -> None:
    found = scores(ranker, [("Say q", text) for text in ("zzzz", "zz", "a", "aaaaa")])
    assert found == sorted(found, reverse=True)


def test_the_original_is_not_ranked(checkpoint: Path, ranker: Path, tmp_path: Path) -> None:
    """Ranked as the worst, the original's many z would be bad, and fewer the better."""
    last = [Example(one.said, (*one.responses, Answer("zzzzzz"))) for one in EASY]
    teach(str(checkpoint), last, tmp_path / "last", QUICK)
    (kept, poor), (lost, bad) = (
        scores(folder, [("Say q", "zzzzzz"), ("Say q", "a")])
        for folder in (ranker, tmp_path / "last")
    )
    assert kept > poor
    assert lost < bad


def test_the_same_lessons_make_the_same_ranker(
    checkpoint: Path, ranker: Path, tmp_path: Path
) -> None:
    teach(str(checkpoint), EASY, tmp_path / "again", QUICK)
    assert scores(tmp_path / "again", PAIRS) == pytest.approx(scores(ranker, PAIRS), abs=1e-5)


@pytest.mark.parametrize("batch_size", [1, 3, 4])
def test_batches_do_not_change_scores(ranker: Path, batch_size: int) -> None:
    one_by_one = [scores(ranker, [pair])[0] for pair in PAIRS]
    assert scores(ranker, PAIRS, batch_size=batch_size) == pytest.approx(one_by_one, abs=1e-4)


def test_scores_come_in_the_order_of_the_pairs(ranker: Path) -> None:
    found = scores(ranker, PAIRS)
    assert scores(ranker, PAIRS[::-1]) == pytest.approx(found[::-1], abs=1e-4)
    assert scores(ranker, []) == []


def test_the_padding_side_of_a_tokenizer_does_not_matter(ranker: Path, tmp_path: Path) -> None:
    left = copytree(ranker, tmp_path / "left")
    edited(left, "tokenizer_config.json", padding_side="left", truncation_side="right")
    assert scores(left, PAIRS) == pytest.approx(scores(ranker, PAIRS), abs=1e-6)


def test_what_is_too_long_loses_its_beginning(ranker: Path) -> None:
    """48 tokens, one for each character: all of them are the response's."""
    response = "za" * 24
    one, other = scores(ranker, [("Say q", response), ("Ask something else", response)])
    assert one == pytest.approx(other, abs=1e-5)
    (shorter,) = scores(ranker, [("Say q", response[-40:])])
    assert shorter != pytest.approx(one, abs=1e-3)


def test_no_row_is_longer_than_the_network_reads(checkpoint: Path, tmp_path: Path) -> None:
    teach(str(checkpoint), EASY, tmp_path / "r", Teaching(max_length=10_000, epochs=0.1))
    settings = json.loads((tmp_path / "r" / "tokenizer_config.json").read_text())
    assert settings["model_max_length"] == 512


def test_a_tokenizer_without_padding_pads_with_its_end(copy: Path, tmp_path: Path) -> None:
    edited(copy, "tokenizer_config.json", pad_token=None)
    edited(copy, "config.json", pad_token_id=None)
    teach(str(copy), EASY, tmp_path / "r", QUICK)
    together = scores(tmp_path / "r", PAIRS)
    assert together == pytest.approx([scores(tmp_path / "r", [one])[0] for one in PAIRS], abs=1e-4)
    assert together[0] > together[3]


def test_a_tokenizer_with_nothing_to_pad_with_is_refused(copy: Path, tmp_path: Path) -> None:
    edited(copy, "tokenizer_config.json", pad_token=None, eos_token=None)
    with pytest.raises(ModelError, match="expected a token to pad with"):
        teach(str(copy), EASY, tmp_path / "r", QUICK)


@pytest.mark.parametrize(
    ("examples", "lengths"),
    [
        ([], "[]"),
        ([ranking("a", "b")], "[1]"),
        ([ranking("a", "b", "c"), ranking("a", "b", "c", "d")], "[2, 3]"),
    ],
)
def test_rankings_are_all_of_one_length(
    checkpoint: Path, tmp_path: Path, examples: Sequence[Example], lengths: str
) -> None:
    with pytest.raises(DataError) as error:
        teach(str(checkpoint), examples, tmp_path / "r", QUICK)
    assert f"came lengths {lengths};" in str(error.value)


def test_no_ranker_is_overwritten(checkpoint: Path, ranker: Path) -> None:
    with pytest.raises(DataError, match=r"expected a new folder for the ranker, but .* is there"):
        teach(str(checkpoint), EASY, ranker, QUICK)


def test_what_a_killed_run_left_is_no_part_of_the_ranker(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "r.partial").mkdir()
    (tmp_path / "r.partial" / "model-00001-of-00002.safetensors").touch()
    teach(str(checkpoint), EASY, tmp_path / "r", Teaching(epochs=0.1))
    assert len(list(tmp_path.rglob("*.safetensors"))) == 1


def test_a_loss_that_is_no_number_ends_the_lessons(copy: Path, tmp_path: Path) -> None:
    spoil(copy, "model.norm.weight")
    with pytest.raises(ModelError, match="a number at step 1, came nan; lower the learning rate"):
        teach(str(copy), EASY, tmp_path / "r", QUICK)
    assert not (tmp_path / "r").exists()


def test_scores_that_are_no_numbers_are_refused(ranker: Path, tmp_path: Path) -> None:
    broken = copytree(ranker, tmp_path / "broken")
    spoil(broken, "score.weight")
    with pytest.raises(ModelError, match=r"expected scores that are numbers from .*broken"):
        scores(broken, PAIRS)


@pytest.mark.parametrize("labels", [{"0": "score"}, {"0": "a", "1": "b"}])
def test_a_checkpoint_without_a_head_is_no_ranker(copy: Path, labels: dict[str, str]) -> None:
    edited(copy, "config.json", id2label=labels)
    with pytest.raises(DataError, match="came a checkpoint without a head of one score; make one"):
        scores(copy, PAIRS)


def test_a_head_of_several_scores_is_no_ranker(ranker: Path, tmp_path: Path) -> None:
    two = copytree(ranker, tmp_path / "two")
    edited(two, "config.json", id2label={"0": "a", "1": "b"}, label2id={"a": 0, "b": 1})
    tensors = load_file(two / "model.safetensors")
    tensors["score.weight"] = tensors["score.weight"].repeat(2, 1)
    save_file(tensors, two / "model.safetensors", {"format": "pt"})
    with pytest.raises(DataError, match="without a head of one score"):
        scores(two, PAIRS)


def test_a_base_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such"):
        teach(f"hf:{tmp_path}/no such", EASY, tmp_path / "r", QUICK)


def test_what_cannot_be_loaded_is_told_in_one_line(copy: Path, tmp_path: Path) -> None:
    edited(copy, "config.json", model_type="nothing")
    with pytest.raises(ModelError, match=r"^cannot load .*copy as a ranker: ") as error:
        teach(f"hf:{copy}", EASY, tmp_path / "r", QUICK)
    assert "\n" not in str(error.value)


def spoil(folder: Path, name: str) -> None:
    """Makes a tensor no number."""
    file = folder / "model.safetensors"
    tensors = load_file(file)
    tensors[name] = tensors[name] * math.nan
    save_file(tensors, file, {"format": "pt"})


@pytest.fixture
def data(checkpoint: Path, tmp_path: Path) -> Path:
    """An iteration's folder."""
    training = Training(learning_rate=1e-3)
    job = Job(str(checkpoint), str(tmp_path / "iter1"), "tuna", {"margin": 0.1}, training)
    job.write(tmp_path / "iter1.data", EASY)
    return tmp_path / "iter1.data"


def test_a_ranker_is_made_of_an_iterations_data(
    checkpoint: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "r"
    main([f"hf:{checkpoint}", str(data), str(out), "--batch_size=5", "--epochs=1"])
    assert len(scores(out, PAIRS)) == 4
    assert "ranker: step 2/2, loss " in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["data", "base"])
def test_a_wrong_request_is_one_line_and_status_2(
    checkpoint: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    given = {"base": checkpoint, "data": data, "out": tmp_path / "r"} | {wrong: tmp_path / "no"}
    with pytest.raises(SystemExit) as ended:
        main([str(path) for path in given.values()])
    assert ended.value.code == 2
    assert "/no" in capsys.readouterr().err.splitlines()[-1]


def test_it_is_a_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["ranker", "base", str(tmp_path), "out"])
    with pytest.raises(SystemExit, match="2"):
        runpy.run_path(train.ranker.__file__, run_name="__main__")
