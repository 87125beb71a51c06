"""A training: from a checkpoint and examples to the next checkpoint."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from harness.errors import DataError, ModelError
from harness.models.hf import build
from harness.types import Decoding, ModelOptions, Prompt
from tests.full_disk import largest_file
from tests.train.jobs import (
    EXAMPLES,
    SETTINGS,
    THREES,
    WORDS,
    Write,
    assert_alike,
    steps,
    trained,
    weights,
)
from train.examples import Answer, Example
from train.fit import fit
from train.objectives import IGNORED
from train.recipe import Training
from train.rows import open_writer

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")


def test_the_new_checkpoint_is_one_that_the_engine_asks(job: Write, tmp_path: Path) -> None:
    fit(job())
    model = build(f"hf:{tmp_path / 'iter1'}", ModelOptions())
    [answer] = model.generate([Prompt("a", ("Colour 1?",), Decoding(4))])
    assert answer.failure is None
    assert (tmp_path / "iter1" / "model.safetensors").is_file()
    assert not [*(tmp_path / "iter1").glob("*.bin")]  # pickles run code


@pytest.mark.parametrize("objective", [*SETTINGS, "sft", "c_rlft"])
def test_every_objective_trains_and_its_loss_falls(job: Write, objective: str) -> None:
    examples = THREES if objective == "tuna" else EXAMPLES
    data = job(objective, examples, epochs=3, schedule="constant")
    fit(data)
    losses = [step["loss"] for step in steps(data) if "loss" in step]
    assert len(losses) == 9
    assert sum(losses[-3:]) < sum(losses[:3])


@pytest.mark.parametrize(
    ("objective", "loss"),
    [
        ("dpo", 0.693147),  # log 2
        ("ipo", 25.0),  # (1 / (2 * 0.1))^2
        ("kto", 0.5),
        ("sppo_hard", 12.5),  # 2 (5/2)^2
    ],
)
def test_the_first_loss_is_that_of_policy_and_reference_being_one(
    job: Write, objective: str, loss: float
) -> None:
    data = job(objective, steps=1)
    fit(data)
    assert steps(data)[0]["loss"] == pytest.approx(loss, rel=1e-3)


@pytest.mark.parametrize("objective", ["sft", "c_rlft"])
def test_the_first_loss_is_the_weighted_mean_over_tokens_of_the_whole_step(
    job: Write, checkpoint: Path, objective: str
) -> None:
    examples = [
        Example(e.said, e.responses[:1], {"weight": 1 / (i + 1)}) for i, e in enumerate(EXAMPLES)
    ]
    data = job(objective, examples, batch_size=12, micro_batch=4, steps=1)
    fit(data)
    auto: Any = AutoModelForCausalLM
    network = auto.from_pretrained(checkpoint)
    total = tokens = 0.0
    for row in open_writer(checkpoint, None, Training(learning_rate=1.0)).rows(examples):
        [response] = row.responses
        labels = torch.tensor([[IGNORED] * len(row.prompt) + response])
        weight = row.facts["weight"] if objective == "c_rlft" else 1.0
        mean = network(torch.tensor([row.prompt + response]), labels=labels).loss.item()
        total, tokens = total + weight * mean * len(response), tokens + weight * len(response)
    assert steps(data)[0]["loss"] == pytest.approx(total / tokens, rel=1e-3)


@pytest.mark.parametrize("objective", ["dpo", "sft", "c_rlft", "tuna"])
def test_micro_batches_do_not_change_the_update(job: Write, objective: str) -> None:
    unequal = [
        Example(e.said, e.responses, {"weight": 1.0 if i % 3 else 0.1})
        for i, e in enumerate(THREES)
    ]
    whole, parts, single = (
        trained(job(objective, unequal, f"m{micro}", batch_size=12, micro_batch=micro))
        for micro in (12, 4, 1)
    )
    assert_alike(whole, parts)
    assert_alike(whole, single)


def test_only_ratios_of_weights_matter(job: Write) -> None:
    def weighted(scale: float) -> list[Example]:
        return [
            Example(e.said, e.responses[:1], {"weight": scale * (1 + i % 2)})
            for i, e in enumerate(EXAMPLES)
        ]

    assert_alike(
        trained(job("c_rlft", weighted(1.0), "one")),
        trained(job("c_rlft", weighted(7.0), "seven")),
    )


def test_a_weight_of_nothing_is_a_row_that_is_not_there(job: Write) -> None:
    both = [Example(e.said, e.responses[:1], {"weight": 1.0}) for e in EXAMPLES[:4]]
    muted = [Example(e.said, e.responses[:1], {"weight": 0.0}) for e in EXAMPLES[4:8]]
    with_muted = job("c_rlft", both + muted, "muted", batch_size=8, micro_batch=8)
    without = job("c_rlft", both, "gone", batch_size=4)
    assert_alike(trained(with_muted), trained(without))


def test_a_step_whose_rows_weigh_nothing_moves_nothing(job: Write, checkpoint: Path) -> None:
    muted = [Example(e.said, e.responses[:1], {"weight": 0.0}) for e in EXAMPLES]
    assert_alike(trained(job("c_rlft", muted)), weights(checkpoint))


def test_an_even_preference_teaches_nothing(job: Write, checkpoint: Path) -> None:
    even = [
        Example(e.said, e.responses, {"p_chosen": 0.5, "p_rejected": 0.5}) for e in EXAMPLES[:4]
    ]
    assert_alike(trained(job("sppo", even, max_grad_norm=1e9)), weights(checkpoint))


def test_dpo_widens_the_gap_between_responses_that_begin_alike(job: Write) -> None:
    alike = [
        Example((f"Colour {n}?",), (Answer(f"{word} and b"), Answer(f"{word} and a")))
        for n, word in enumerate(WORDS[:4])
    ]
    data = job("dpo", alike, epochs=6, schedule="constant", learning_rate=3e-3)
    fit(data)
    gaps = [
        step["log_ratio_chosen"] - step["log_ratio_rejected"]
        for step in steps(data)
        if "loss" in step
    ]
    assert gaps[0] == pytest.approx(0, abs=1e-3)
    assert gaps[-1] > max(gaps[0], 0.1)


def test_a_training_may_stop_inside_its_schedule(job: Write) -> None:
    """3 epochs of 3 steps: a third of 9 rises, 0, 1/3, 2/3, and here nothing more happens."""
    data = job(epochs=1, schedule_epochs=3, warmup=1 / 3, learning_rate=3e-3)
    fit(data)
    rates = [step["learning_rate"] for step in steps(data) if "loss" in step]
    assert rates == pytest.approx([0.0, 1e-3, 2e-3])


def test_a_template_of_the_recipe_goes_with_the_checkpoint(job: Write, tmp_path: Path) -> None:
    own = "{{ bos_token }}{% for m in messages %}{{ m['content'] }}<|im_end|>{% endfor %}"
    fit(job("sft", [Example(e.said, e.responses[:1]) for e in EXAMPLES], template=own))
    assert build(f"hf:{tmp_path / 'iter1'}", ModelOptions()).template.text == own  # type: ignore[attr-defined]


def test_a_training_that_is_done_is_not_done_again(job: Write, tmp_path: Path) -> None:
    data = job()
    fit(data)
    before = (tmp_path / "iter1" / "model.safetensors").stat().st_mtime_ns
    fit(data)
    assert (tmp_path / "iter1" / "model.safetensors").stat().st_mtime_ns == before


def test_a_loss_that_is_no_number_is_one_clear_error(job: Write, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"loss that is a number at step \d+ of iteration 1"):
        fit(job("ipo_sum", learning_rate=1e30, epochs=3, max_grad_norm=1e9))
    assert not (tmp_path / "iter1").exists()


def test_weights_that_the_last_step_broke_are_not_kept(job: Write, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="expected weights that are numbers after iteration 1"):
        fit(job("sft", steps=1, learning_rate=1e38, max_grad_norm=1e38, optimizer="rmsprop"))
    assert not (tmp_path / "iter1").exists()


def test_data_of_another_kind_are_refused(job: Write) -> None:
    with pytest.raises(DataError, match="for the objective 'sppo'"):
        fit(job("sppo", [Example(e.said, e.responses) for e in EXAMPLES]))


def test_a_program_that_cannot_train_says_one_line(job: Write) -> None:
    data = job("sppo", [Example(e.said, e.responses) for e in EXAMPLES])
    command = [sys.executable, "-m", "train.fit", str(data)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert ran.stderr.splitlines()[-1].startswith("error: expected rows of 2 or more responses")


def test_a_full_disk_is_one_clear_error(job: Write, tmp_path: Path) -> None:
    with largest_file(20_000), pytest.raises(DataError, match="make room"):
        fit(job())


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["sppo", "c_rlft", "kto"])
@pytest.mark.parametrize("n", [12, 9])
def test_two_processes_make_the_same_checkpoint_as_one(
    job: Write, objective: str, n: int, tmp_path: Path
) -> None:
    micro = 4 if objective == "kto" else 2  # its baseline is that of all processes' passes
    size: dict[str, Any] = {"batch_size": 8, "epochs": 1}
    alone = trained(job(objective, EXAMPLES[:n], "alone", **size, micro_batch=2 * micro))
    data = job(objective, EXAMPLES[:n], "both", **size, micro_batch=micro)
    # `accelerate launch` starts a single process where there is no GPU.
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run([*command, "-m", "train.fit", str(data)], check=True, env=environment)
    assert_alike(weights(tmp_path / "both"), alone)
    told = [
        [step["log_ratio_chosen"] for step in steps(one) if "log_ratio_chosen" in step]
        for one in (tmp_path / "alone.data", data)
    ]
    assert told[1] == pytest.approx(told[0], abs=1e-3)
