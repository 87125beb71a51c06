"""A training: from a checkpoint and examples to the next checkpoint."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, GPT2Config, MistralConfig

from harness.errors import DataError, ModelError, SpecError
from harness.models.hf import build
from harness.types import Decoding, ModelOptions, Prompt
from tests.full_disk import largest_file
from tests.tiny.checkpoint import make_tokenizer
from train.examples import Answer, Example
from train.fit import Job, _layout, fit, read_examples, read_job
from train.forward import apart, together
from train.recipe import Training
from train.rows import Row

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")
WORDS = ("red", "green", "blue", "yellow", "a much longer answer")
EXAMPLES = [
    Example(
        (f"Colour {number}?",),
        (Answer(WORDS[number % 5]), Answer(WORDS[(number + 2) % 5])),
        {"p_chosen": 0.9 - number / 40, "p_rejected": number / 40, "weight": 1.0, "desirable": 1.0},
    )
    for number in range(12)
]
THREES = [Example(e.said, (*e.responses, Answer("original"))) for e in EXAMPLES]
"""Two ranked responses and an original, for tuna."""
SETTINGS = {
    "dpo": {"beta": 0.1},
    "ipo": {"beta": 0.1},
    "ipo_sum": {"beta": 0.1},
    "kto": {"beta": 0.1},
    "sppo": {"eta": 5.0},
    "sppo_hard": {"eta": 5.0},
    "tuna": {"margin": 0.1, "mle_weight": 1.0},
}

Write = Callable[..., Path]


@pytest.fixture
def job(checkpoint: Path, tmp_path: Path) -> Write:
    """Writes a job and returns its folder: its checkpoint goes to `out` beside it."""

    def write(
        objective: str = "dpo",
        examples: Sequence[Example] = EXAMPLES,
        name: str = "iter1",
        base: Path = checkpoint,
        template: str | None = None,
        **training: Any,
    ) -> Path:
        plain: dict[str, Any] = {"learning_rate": 1e-3, "batch_size": 4, "micro_batch": 4}
        asked = Job(
            base=str(base),
            out=str(tmp_path / name),
            objective=objective,
            settings=SETTINGS.get(objective, {}),
            training=Training(**(plain | training)),
            chat_template=template,
            metrics=str(tmp_path / f"{name}.jsonl"),
            iteration=1,
        )
        asked.write(tmp_path / f"{name}.data", examples)
        return tmp_path / f"{name}.data"

    return write


def steps(data: Path) -> list[dict[str, Any]]:
    """The figures of the optimiser steps."""
    lines = data.with_suffix(".jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    found: dict[str, torch.Tensor] = load_file(folder / "model.safetensors")
    return found


def trained(data: Path) -> dict[str, torch.Tensor]:
    fit(data)
    return weights(data.with_suffix(""))


def assert_alike(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, other[name], rtol=1e-4, atol=2e-5)


def architecture(folder: Path, config: Any) -> Path:
    """A random network of another architecture, with the tiny tokenizer."""
    auto: Any = AutoModelForCausalLM
    torch.manual_seed(0)
    auto.from_config(config).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


def test_a_window_that_only_one_response_exceeds_is_seen() -> None:
    sizes: Any = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    heads: Any = {"num_attention_heads": 2, "num_key_value_heads": 2, "initializer_range": 0.3}
    torch.manual_seed(0)
    auto: Any = AutoModelForCausalLM
    network = auto.from_config(MistralConfig(vocab_size=50, sliding_window=32, **sizes, **heads))
    inside = Row([6] * 4, [list(range(10, 36)), list(range(12, 38))], {})
    beyond = Row([6] * 4, [list(range(5, 45)), [7]], {})
    with torch.no_grad():
        assert _layout(network, [inside]) is together
        assert _layout(network, [inside, beyond]) is apart


def test_a_job_is_read_as_it_was_written(job: Write) -> None:
    data = job(betas=(0.8, 0.9))
    assert read_examples(data) == EXAMPLES
    assert read_job(data).training.betas == (0.8, 0.9)


def test_the_new_checkpoint_is_one_that_the_engine_asks(job: Write, tmp_path: Path) -> None:
    fit(job())
    model = build(f"hf:{tmp_path / 'iter1'}", ModelOptions())
    [answer] = model.generate([Prompt("a", ("Colour 1?",), Decoding(4))])
    assert answer.failure is None
    assert (tmp_path / "iter1" / "model.safetensors").is_file()


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


@pytest.mark.parametrize("optimizer", ["adamw", "rmsprop"])
def test_a_wide_epsilon_makes_small_steps(job: Write, checkpoint: Path, optimizer: str) -> None:
    wide = job(optimizer=optimizer, epsilon=1e6)
    assert_alike(trained(wide), weights(checkpoint))


def test_an_even_preference_teaches_nothing(job: Write, checkpoint: Path) -> None:
    even = [
        Example(e.said, e.responses, {"p_chosen": 0.5, "p_rejected": 0.5}) for e in EXAMPLES[:4]
    ]
    assert_alike(trained(job("sppo", even, max_grad_norm=1e9)), weights(checkpoint))


def test_the_log_tells_true_log_ratios(job: Write) -> None:
    data = job("sppo", epochs=4, schedule="constant")
    fit(data)
    first, *_, last = [step for step in steps(data) if "loss" in step]
    assert first["log_ratio_chosen"] == pytest.approx(0, abs=1e-3)
    assert last["log_ratio_chosen"] > 0 > last["log_ratio_rejected"]
    assert {"kl", "accuracy", "length_chosen", "learning_rate", "grad_norm"} <= last.keys()


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


def test_lora_moves_the_weights_and_leaves_a_whole_checkpoint(job: Write, checkpoint: Path) -> None:
    found = trained(job(lora={"r": 4, "alpha": 8.0}))
    base = weights(checkpoint)
    assert found.keys() == base.keys()
    assert any(not torch.equal(found[name], base[name]) for name in base)


def test_lora_begins_alike_whenever_it_begins(job: Write) -> None:
    found = []
    for state in (1, 2):
        torch.manual_seed(state)
        found.append(trained(job(name=f"run{state}", lora={"r": 4, "alpha": 8.0})))
    assert_alike(*found)


def test_lora_targets_that_are_not_there_are_named(job: Write) -> None:
    with pytest.raises(SpecError, match="expected lora targets that"):
        fit(job(lora={"targets": ["nowhere"]}))


def test_a_template_of_the_recipe_goes_with_the_checkpoint(job: Write, tmp_path: Path) -> None:
    own = "{{ bos_token }}{% for m in messages %}{{ m['content'] }}<|im_end|>{% endfor %}"
    fit(job("sft", [Example(e.said, e.responses[:1]) for e in EXAMPLES], template=own))
    assert build(f"hf:{tmp_path / 'iter1'}", ModelOptions()).template.text == own  # type: ignore[attr-defined]


def test_flags_that_cannot_be_saved_do_not_cost_the_training(
    job: Write, copy: Path, tmp_path: Path
) -> None:
    flags = {"temperature": 0.9, "top_p": 0.6, "eos_token_id": [2, 4]}
    (copy / "generation_config.json").write_text(json.dumps(flags))
    fit(job(base=copy, save_every=1))
    saved = json.loads((tmp_path / "iter1" / "generation_config.json").read_text())
    assert saved["eos_token_id"] == [2, 4]
    assert "temperature" not in saved


def test_no_dropout_is_none_of_any_kind(job: Write, tmp_path: Path) -> None:
    sizes: Any = {
        "n_embd": 32,
        "n_layer": 2,
        "n_head": 2,
        "n_positions": 128,
        "initializer_range": 0.3,
    }
    config = GPT2Config(vocab_size=102, bos_token_id=1, eos_token_id=4, **sizes)
    data = job(base=architecture(tmp_path / "gpt2", config))
    fit(data)
    assert steps(data)[0]["log_ratio_chosen"] == pytest.approx(0, abs=1e-3)


def test_dropout_is_of_the_policy_and_not_of_the_reference(job: Write) -> None:
    calm, shaken = job("sft", name="calm", steps=1), job("sft", name="shaken", steps=1, dropout=0.5)
    fit(calm)
    fit(shaken)
    assert steps(calm)[0]["loss"] != pytest.approx(steps(shaken)[0]["loss"], abs=1e-3)
    first, second = job(name="first", steps=1), job(name="second", steps=1, dropout=0.5)
    fit(first)
    fit(second)
    assert (first / "reference.json").read_bytes() == (second / "reference.json").read_bytes()


def test_a_base_that_lacks_a_tensor_is_refused(job: Write, copy: Path) -> None:
    kept = weights(copy)
    del kept["model.layers.1.mlp.up_proj.weight"]
    save_file(kept, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(DataError, match="lacks 1 of the tensors"):
        fit(job("sft", base=copy))


def test_a_base_of_other_sizes_than_it_says_is_one_clear_error(job: Write, copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"intermediate_size": 48}))
    with pytest.raises(ModelError, match="cannot load"):
        fit(job("sft", base=copy))


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


def test_a_batch_must_divide_into_passes(job: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(SpecError, match="multiple of micro_batch times 4 processes, came 6 with 1"):
        fit(job(batch_size=6, micro_batch=3))


def test_a_listener_that_is_not_installed_is_named(job: Write) -> None:
    with pytest.raises(SpecError, match="expected comet_ml to be installed"):
        fit(job(report_to=("comet_ml",)))


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


def test_a_killed_training_goes_on_and_ends_the_same(job: Write, tmp_path: Path) -> None:
    calm = trained(job(name="calm", epochs=20, save_every=5))
    data = job(name="killed", epochs=20, save_every=5)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-m", "train.fit", str(data)], env=environment)
    deadline = time.monotonic() + 60
    while not list((data / "states").glob("checkpoint-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "killed").exists()
    fit(data)
    assert_alike(weights(tmp_path / "killed"), calm)
    numbers = [step["step"] for step in steps(data) if "loss" in step]
    assert sorted(set(numbers)) == list(range(1, 61))


def test_figures_that_were_cut_are_written_again(job: Write) -> None:
    data = job(epochs=2)
    data.with_suffix(".jsonl").write_text('{"iteration": 1, "step": 1}\n{"iteration": 1, "st')
    fit(data)
    assert [step["step"] for step in steps(data) if "loss" in step] == [1, 2, 3, 4, 5, 6]


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


def test_a_figure_is_the_mean_over_rows_of_unequal_passes(job: Write) -> None:
    whole, parts = (
        job(examples=EXAMPLES[:5], name=f"m{micro}", batch_size=8, micro_batch=micro)
        for micro in (8, 4)
    )
    fit(whole)
    fit(parts)
    assert steps(parts)[0]["length_chosen"] == pytest.approx(steps(whole)[0]["length_chosen"])
