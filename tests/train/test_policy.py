"""The network that is trained."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, GPT2Config, MistralConfig

from harness.errors import DataError, ModelError, SpecError
from tests.tiny.checkpoint import make_tokenizer
from tests.train.jobs import EXAMPLES, Write, assert_alike, steps, trained, weights
from train.fit import fit
from train.forward import apart, collate, response_logps, together
from train.policy import choose_layout
from train.recipe import Training
from train.rows import Row, open_writer

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")


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
        assert choose_layout(network, [inside]) is together
        assert choose_layout(network, [inside, beyond]) is apart


def test_a_network_with_a_window_is_trained_on_what_it_reads_of_each_response_alone(
    job: Write, tmp_path: Path
) -> None:
    sizes: Any = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    heads: Any = {"num_attention_heads": 2, "num_key_value_heads": 2, "initializer_range": 0.3}
    config = MistralConfig(vocab_size=102, sliding_window=8, **sizes, **heads)
    base = architecture(tmp_path / "mistral", config)
    data = job(base=base, steps=1)
    fit(data)
    auto: Any = AutoModelForCausalLM
    network = auto.from_pretrained(base).requires_grad_(requires_grad=False)
    told = json.loads((data / "reference.json").read_bytes())
    rows = open_writer(base, None, Training(learning_rate=1.0)).rows(EXAMPLES)
    for row, logps in zip(rows, told, strict=True):
        [alone] = response_logps(network, collate([row], layout=apart)).tolist()
        assert logps == pytest.approx(alone, abs=1e-2)


def test_lora_targets_that_are_not_there_are_named(job: Write) -> None:
    with pytest.raises(SpecError, match="expected lora targets that"):
        fit(job(lora={"targets": ["nowhere"]}))


def test_lora_begins_alike_whenever_it_begins(job: Write) -> None:
    found = []
    for state in (1, 2):
        torch.manual_seed(state)
        found.append(trained(job(name=f"run{state}", lora={"r": 4, "alpha": 8.0})))
    assert_alike(*found)


def test_lora_moves_the_weights_and_leaves_a_whole_checkpoint(job: Write, checkpoint: Path) -> None:
    found = trained(job(lora={"r": 4, "alpha": 8.0}))
    base = weights(checkpoint)
    assert found.keys() == base.keys()
    assert any(not torch.equal(found[name], base[name]) for name in base)


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


def test_flags_that_cannot_be_saved_do_not_cost_the_training(
    job: Write, copy: Path, tmp_path: Path
) -> None:
    flags = {"temperature": 0.9, "top_p": 0.6, "eos_token_id": [2, 4]}
    (copy / "generation_config.json").write_text(json.dumps(flags))
    fit(job(base=copy, save_every=1))
    saved = json.loads((tmp_path / "iter1" / "generation_config.json").read_text())
    assert saved["eos_token_id"] == [2, 4]
    assert "temperature" not in saved
