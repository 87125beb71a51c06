import json
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.errors import DataError, ModelError
from harness.models.local.pair_encoding import Budgets
from harness.models.local.pair_files import PairFiles, named_encoder, pair_files
from harness.models.local.pair_ranking import read_ranker, read_tensors
from tests.tiny.pair_ranker import as_published, make_pair_ranker

pytestmark = pytest.mark.usefixtures("own_cache")
pytest_plugins = ["tests.tiny.fixtures"]


@pytest.fixture(scope="module")
def ranker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pair_ranker(tmp_path_factory.mktemp("pairs") / "ranker")


@pytest.fixture
def copy(ranker: Path, tmp_path: Path) -> Path:
    return copytree(ranker, tmp_path / "copy")


def edit(folder: Path, **values: Any) -> Path:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))
    return folder


def retensor(folder: Path, **changes: torch.Tensor | None) -> Path:
    """Replaces tensors by name, with two underscores for a full stop; None takes one out."""
    file = folder / "model.safetensors"
    named = {name.replace("__", "."): tensor for name, tensor in changes.items()}
    tensors = {**load_file(file), **named}
    kept = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    save_file(kept, file, {"format": "pt"})
    return folder


def published(ranker: Path, tmp_path: Path, **settings: Any) -> PairFiles:
    folder = as_published(ranker, tmp_path / "published", **settings)
    return pair_files(folder, Path(named_encoder(folder) or ""))


def test_one_folder_may_hold_everything(ranker: Path) -> None:
    assert named_encoder(ranker) is None
    assert pair_files(ranker) == PairFiles(ranker, ranker, Budgets(1224, 412))


def test_settings_of_the_training_program_name_the_encoder(ranker: Path, tmp_path: Path) -> None:
    files = published(ranker, tmp_path)
    assert (files.weights, files.settings) == (tmp_path / "published", tmp_path / "encoder")


def test_budgets_are_the_files_own(copy: Path, ranker: Path, tmp_path: Path) -> None:
    told = {"source_maxlength": 128, "candidate_maxlength": 64}
    assert pair_files(edit(copy, **told)).budgets == (128, 64)
    assert published(ranker, tmp_path, **told).budgets == (128, 64)


@pytest.mark.parametrize("length", [3, "128", None, 12.5])
def test_budgets_that_are_none_are_refused(copy: Path, length: Any) -> None:
    with pytest.raises(DataError, match="whole numbers above 3, came 1224 and"):
        pair_files(edit(copy, candidate_maxlength=length))


def test_a_fingerprint_tells_weights_apart_and_not_places(ranker: Path, copy: Path) -> None:
    same = pair_files(ranker).fingerprint()
    assert pair_files(copy).fingerprint() == same
    retensor(copy, head_layer__4__bias=torch.ones(1))
    assert pair_files(copy).fingerprint() != same


def test_a_borrowed_tokenizer_is_part_of_the_fingerprint(ranker: Path, tmp_path: Path) -> None:
    files = published(ranker, tmp_path)
    before = files.fingerprint()
    edit(files.settings, layer_norm_eps=0.1)
    assert files.fingerprint() != before


@pytest.mark.parametrize(
    ("folder", "fault"),
    [
        ({}, "it has no config.json"),
        ({"config.json": "{"}, "is not JSON"),
        ({"config.json": '{"ranker_type": "pairranker"}'}, "names no encoder: .* came None"),
    ],
)
def test_settings_that_name_nothing_are_refused(
    tmp_path: Path, folder: dict[str, str], fault: str
) -> None:
    for name, text in folder.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=fault):
        named_encoder(tmp_path)


def test_another_kind_of_encoder_is_refused(copy: Path) -> None:
    with pytest.raises(ModelError, match=r"of the type 'deberta-v2' in .*copy, came 'bert'"):
        pair_files(edit(copy, model_type="bert"))


@pytest.mark.parametrize("absent", ["model.safetensors", "tokenizer.json"])
def test_an_absent_file_is_told(copy: Path, absent: str) -> None:
    (copy / absent).unlink()
    with pytest.raises(DataError, match=f"{copy} (holds no weights|has no tokenizer)"):
        pair_files(copy)


BIAS = "head_layer__4__bias"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({BIAS: None}, r"it lacks 1 tensors \(head_layer.4.bias\);"),
        ({"score": torch.ones(1)}, r"it has unknown 1 tensors \(score\);"),
        ({BIAS: torch.ones(3)}, r"misshapen 1 tensors \(head_layer.4.bias is \[3\], not \[1\]\);"),
        (
            {BIAS: None, "linear": torch.ones(1)},
            r"it lacks 1 tensors \(head_layer.4.bias\); it has unknown 1 tensors \(linear\); name",
        ),
    ],
)
def test_weights_that_do_not_fit_are_told_by_name(
    copy: Path, changes: dict[str, torch.Tensor | None], fault: str
) -> None:
    with pytest.raises(ModelError, match=fault):
        read_ranker(retensor(copy, **changes), copy, "float32")


def test_of_many_that_do_not_fit_the_first_are_named(copy: Path) -> None:
    absent = dict.fromkeys(
        f"head_layer__{n}__{kind}" for n in (1, 4) for kind in ("weight", "bias")
    )
    with pytest.raises(ModelError, match=r"lacks 4 tensors \(head_layer.1.weight, .* and 1 more\)"):
        read_ranker(retensor(copy, **absent), copy, "float32")


def test_counted_positions_of_old_files_are_passed_over(copy: Path) -> None:
    old = "pretrained_model__embeddings__position_ids"
    read_ranker(retensor(copy, **{old: torch.arange(9)}), copy, "float32")


def test_shards_are_read_together(ranker: Path, copy: Path) -> None:
    tensors = load_file(copy / "model.safetensors")
    (copy / "model.safetensors").unlink()
    names = sorted(tensors)
    shards = {"one.safetensors": names[:5], "two.safetensors": names[5:]}
    for file, held in shards.items():
        save_file({name: tensors[name] for name in held}, copy / file, {"format": "pt"})
    where = {name: file for file, held in shards.items() for name in held}
    (copy / "model.safetensors.index.json").write_text(json.dumps({"weight_map": where}))
    whole = read_tensors(ranker)
    assert {n: t.tolist() for n, t in read_tensors(copy).items()} == {
        n: t.tolist() for n, t in whole.items()
    }


class Bomb:
    """Runs when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit('code in a weights file was run')",)


def test_code_in_a_weights_file_is_never_run(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    torch.save({"head": Bomb()}, copy / "pytorch_model.bin")
    with pytest.raises(DataError, match=r"pytorch_model.bin holds no weights that can be read"):
        read_tensors(copy)
