"""A text's vector is the mean of the last layer over its own tokens."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForMaskedLM, BertModel, BertTokenizer

from harness.errors import DataError
from harness.models.local.embedding import embed
from harness.models.local.loading import Checkpoint, load_tokenizer, loaded
from harness.models.local.weights import fingerprint

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")
TEXTS = ["one", "a longer text, of many more tokens than the others", "three words here"]


@pytest.fixture
def record(checkpoint: Path) -> Checkpoint:
    return Checkpoint(checkpoint, fingerprint(checkpoint), "float32")


def test_it_is_the_mean_of_the_last_hidden_state(record: Checkpoint) -> None:
    ids = torch.tensor([load_tokenizer(record)(TEXTS[2])["input_ids"]])
    with loaded(record) as model, torch.inference_mode():
        expected = model(ids, output_hidden_states=True).hidden_states[-1][0].mean(0)
    assert embed(record, [TEXTS[2]])[0] == pytest.approx(expected.numpy(), abs=1e-6)


def test_vectors_stand_in_the_order_of_texts_whatever_shares_their_batch(
    record: Checkpoint,
) -> None:
    together = embed(record, TEXTS)
    assert together.shape == (3, 32)
    assert together == pytest.approx(np.concatenate([embed(record, [t]) for t in TEXTS]), abs=1e-5)


def test_a_text_beyond_the_window_is_read_up_to_there(record: Checkpoint) -> None:
    assert embed(record, ["x" * 600]) == pytest.approx(embed(record, ["x" * 900]))


def test_an_empty_text_is_refused(record: Checkpoint) -> None:
    with pytest.raises(DataError, match="leave empty texts out"):
        embed(record, ["a", ""])


def encoder(folder: Path, kind: type[Any]) -> Checkpoint:
    """An encoder with random weights and the words of the texts, saved as sentence models are."""
    words = sorted({word for text in TEXTS for word in re.findall(r"\w+|,", text)})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    BertTokenizer(str(folder / "vocab.txt"), model_max_length=512).save_pretrained(folder)
    torch.manual_seed(0)
    sizes: Any = {"hidden_size": 16, "intermediate_size": 32, "max_position_embeddings": 12}
    layers: Any = {"num_hidden_layers": 2, "num_attention_heads": 2}
    config = BertConfig(vocab_size=len(vocabulary), **sizes, **layers)
    kind(config).save_pretrained(folder)
    return Checkpoint(folder, fingerprint(folder), "float32")


@pytest.mark.parametrize("kind", [BertModel, BertForMaskedLM])
def test_an_encoder_with_or_without_a_pooler_gives_its_mean_too(
    tmp_path: Path, kind: type[Any]
) -> None:
    record = encoder(tmp_path, kind)
    model: Any = BertModel.from_pretrained(tmp_path, add_pooling_layer=False)
    model.eval()
    ids = torch.tensor([load_tokenizer(record)(TEXTS[2])["input_ids"]])
    with torch.inference_mode():
        expected = model(ids).last_hidden_state[0].mean(0)
    assert embed(record, TEXTS)[2] == pytest.approx(expected.numpy(), abs=1e-6)


def test_an_encoder_reads_a_long_text_up_to_its_window(tmp_path: Path) -> None:
    record = encoder(tmp_path, BertModel)
    long = " ".join(["words"] * 30)
    assert embed(record, [long]) == pytest.approx(embed(record, [" ".join(["words"] * 10)]))
