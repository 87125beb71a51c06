import json
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest

from harness.errors import DataError, ModelError, UnknownNameError
from harness.models.local.loading import (
    Checkpoint,
    load_tokenizer,
    loaded,
    release,
    resolve_dtype,
    stop_ids,
)
from harness.models.local.weights import fingerprint
from tests.tiny.checkpoint import make_checkpoint

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")


def of(folder: Path, dtype: str = "float32") -> Checkpoint:
    return Checkpoint(folder, fingerprint(folder), dtype)


def edit(file: Path, **values: object) -> None:
    content = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(content | values))


def load(checkpoint: Checkpoint) -> Any:
    with loaded(checkpoint) as model:
        return model


def test_a_checkpoint_is_loaded_once(checkpoint: Path) -> None:
    assert load(of(checkpoint)) is load(of(checkpoint))


def test_another_checkpoint_makes_the_first_one_leave(checkpoint: Path, tmp_path: Path) -> None:
    first = load(of(checkpoint))
    load(of(make_checkpoint(tmp_path / "other", seed=1)))
    assert load(of(checkpoint)) is not first


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_weights_have_the_precision_that_was_asked_for(checkpoint: Path, dtype: str) -> None:
    assert str(load(of(checkpoint, dtype)).dtype) == f"torch.{dtype}"


def test_shards_hold_the_same_weights_as_one_file(tmp_path: Path) -> None:
    whole = load(of(make_checkpoint(tmp_path / "whole"))).state_dict()
    parts = load(of(make_checkpoint(tmp_path / "parts", shard_size="60KB"))).state_dict()
    assert all(whole[name].equal(parts[name]) for name in whole | parts)


def test_weights_that_changed_since_the_run_began_are_refused(copy: Path) -> None:
    before = of(copy)
    edit(copy / "config.json", changed=True)
    with pytest.raises(DataError, match="changed after this run began"):
        load(before)


def test_a_tensor_that_is_absent_is_not_made_up(copy: Path) -> None:
    edit(copy / "config.json", num_hidden_layers=3)
    with pytest.raises(DataError, match=r"lacks 9 of the tensors .* model.layers.2"):
        load(of(copy))


def test_a_tensor_of_another_shape_is_not_made_up(copy: Path) -> None:
    edit(copy / "config.json", vocab_size=200)
    with pytest.raises(ModelError, match=f"cannot load {copy}: .*size"):
        load(of(copy))


def test_an_architecture_that_transformers_lacks_is_told(copy: Path) -> None:
    edit(copy / "config.json", model_type="tomorrows")
    with pytest.raises(ModelError, match=rf"cannot load {copy}: .*tomorrows"):
        load(of(copy))


def test_code_in_a_checkpoint_does_not_run_unasked(copy: Path, tmp_path: Path) -> None:
    edit(copy / "config.json", auto_map={"AutoConfig": "own.Config"}, model_type="own")
    (copy / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(ModelError, match="trust_remote_code"):
        load(of(copy))
    assert not (tmp_path / "ran").exists()


def test_a_damaged_tokenizer_is_told(copy: Path) -> None:
    (copy / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match=f"cannot load {copy}"):
        load_tokenizer(of(copy))


def test_precision_without_a_gpu_is_float32() -> None:
    assert resolve_dtype("auto") == "float32"


def test_an_unknown_precision_is_corrected() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'bfloat16'"):
        resolve_dtype("bfloat_16")


def test_all_ends_of_the_generation_config_and_the_tokenizer_stop(copy: Path) -> None:
    edit(copy / "generation_config.json", eos_token_id=[2, 7])
    assert stop_ids(of(copy), load_tokenizer(of(copy))) == {2, 7, 4}


def test_without_a_generation_config_the_models_own_end_stops(copy: Path) -> None:
    (copy / "generation_config.json").unlink()
    edit(copy / "config.json", eos_token_id=9)
    assert stop_ids(of(copy), load_tokenizer(of(copy))) == {9, 4}


def test_a_checkpoint_may_have_no_end(copy: Path) -> None:
    edit(copy / "generation_config.json", eos_token_id=None)
    edit(copy / "tokenizer_config.json", eos_token=None)
    assert stop_ids(of(copy), load_tokenizer(of(copy))) == frozenset()


@pytest.mark.parametrize("ends", ["abc", {"a": 1}, [[1]], 2.5])
def test_ends_that_are_no_tokens_are_told(copy: Path, ends: object) -> None:
    edit(copy / "generation_config.json", eos_token_id=ends)
    with pytest.raises(DataError, match=r"generation_config\.json: expected eos_token_id to be"):
        stop_ids(of(copy), load_tokenizer(of(copy)))


def test_a_generation_config_that_is_cut_short_is_told(copy: Path) -> None:
    tokenizer = load_tokenizer(of(copy))
    (copy / "generation_config.json").write_text('{"eos')
    with pytest.raises(ModelError, match=rf"cannot load {copy}: .*generation_config\.json"):
        stop_ids(of(copy), tokenizer)


@pytest.mark.parametrize(
    "values",
    [
        {"hidden_size": "abc"},  # what huggingface_hub checks
        {"num_attention_heads": 0},  # a division by it
        {"model_type": [3]},  # a table of types
        {"dtype": "none"},  # an attribute of torch
        {"rope_parameters": {"rope_type": "linear"}},  # a key that must be there
    ],
)
def test_a_wrong_value_in_the_config_is_told(copy: Path, values: dict[str, object]) -> None:
    edit(copy / "config.json", **values)
    for read in (load, load_tokenizer):
        with pytest.raises(DataError, match=rf"cannot load {copy}: its config\.json cannot be us"):
            read(of(copy))


@pytest.mark.parametrize("values", [{"hidden_act": "none"}, {"pad_token_id": 99_999}])
def test_a_config_that_makes_no_model_is_told(copy: Path, values: dict[str, object]) -> None:
    edit(copy / "config.json", **values)
    with pytest.raises(DataError, match=r"its config\.json with these weights cannot be used"):
        load(of(copy))


@pytest.mark.parametrize("values", [{"eos_token": 3}, {"model_max_length": "abc"}])
def test_a_wrong_value_of_the_tokenizer_is_told(copy: Path, values: dict[str, object]) -> None:
    edit(copy / "tokenizer_config.json", **values)
    with pytest.raises(DataError, match=r"its tokenizer\.json or tokenizer_config\.json cannot be"):
        load_tokenizer(of(copy))


def test_a_header_with_wrong_shapes_is_told(copy: Path) -> None:
    file = copy / "model.safetensors"
    file.write_bytes(file.read_bytes().replace(b'"shape":[32]', b'"shape":[31]', 1))
    with pytest.raises(DataError, match=rf"{file} holds no weights .*; download or save it again"):
        load(of(copy))


def older(folder: Path) -> Path:
    """The folder's weights in the older format, in the same folder."""
    from safetensors.torch import load_file
    from torch import save

    whole, file = folder / "model.safetensors", folder / "pytorch_model.bin"
    save(load_file(whole), file)
    whole.unlink()
    return file


def test_older_weights_are_loaded(copy: Path) -> None:
    expected = load(of(copy)).state_dict()
    older(copy)
    found = load(of(copy)).state_dict()
    assert all(expected[name].equal(found[name]) for name in expected | found)


@pytest.mark.parametrize("content", [b"garbage" * 99, b"", b"\x80\x02.", b"PK\x03\x04" * 99, None])
def test_older_weights_that_are_damaged_are_named(copy: Path, content: bytes | None) -> None:
    file = older(copy)
    file.write_bytes(file.read_bytes()[:5000] if content is None else content)
    with pytest.raises(DataError, match=rf"{file} holds no weights .*; download or save it again"):
        load(of(copy))


def test_weights_that_are_released_leave_the_memory(copy: Path) -> None:
    held = weakref.ref(load(of(copy)))
    release()
    assert held() is None


@pytest.mark.slow
def test_the_first_model_of_a_process_leaves_the_memory(checkpoint: Path) -> None:
    program = (
        "import gc, sys, weakref; gc.disable()\n"
        "from harness.models.hf import build; from harness.models.local.loading import loaded\n"
        "from harness.types import Decoding, ModelOptions, Prompt\n"
        "model = build(sys.argv[1], ModelOptions())\n"
        "model.generate([Prompt('p', ('hi',), Decoding(1))])\n"
        "with loaded(model.checkpoint) as weights: held = weakref.ref(weights)\n"
        "del weights; model.close(); sys.exit(held() is not None)"
    )
    subprocess.run([sys.executable, "-c", program, f"hf:{checkpoint}"], check=True)


def test_weights_leave_the_memory_before_others_are_read(copy: Path) -> None:
    held = weakref.ref(load(of(copy)))
    edit(copy / "config.json", hidden_size="abc")
    with pytest.raises(DataError):
        load(of(copy))
    assert held() is None


def test_another_checkpoint_is_not_released(checkpoint: Path, copy: Path) -> None:
    first = load(of(checkpoint))
    release(of(copy, "bfloat16"))
    assert load(of(checkpoint)) is first


def test_a_tokenizer_that_is_a_sentencepiece_model_alone_is_read(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("a quick fox\nthe lazy dog\n" * 200)
    train = (
        "import sentencepiece; sentencepiece.SentencePieceTrainer.train(input='words.txt',"
        "model_prefix='spm', vocab_size=40, hard_vocab_limit=False, minloglevel=2, pad_id=0,"
        "bos_id=1, eos_id=2, unk_id=3, pad_piece='[PAD]', bos_piece='[CLS]', eos_piece='[SEP]',"
        "unk_piece='[UNK]')"
    )
    subprocess.run([sys.executable, "-c", train], cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "config.json").write_text('{"model_type": "deberta-v2"}')
    tokenizer = load_tokenizer(Checkpoint(tmp_path, "", "float32"))
    tokens = tokenizer.convert_ids_to_tokens(tokenizer("lazy fox").input_ids)
    assert "".join(tokens) == "[CLS]▁lazy▁fox[SEP]"
