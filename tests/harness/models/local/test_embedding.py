"""A text's vector is the mean of the last layer over its own tokens."""

from pathlib import Path

import numpy as np
import pytest
import torch

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
