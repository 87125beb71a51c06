import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file
from transformers import AutoModel, AutoTokenizer

from harness.errors import ModelError
from harness.models.local.pair_encoding import PUBLISHED, Budgets, Encoder, Pair, Row
from harness.models.local.pair_ranking import PairRanker, Scorer, padded, read_ranker
from tests.tiny.pair_ranker import make_pair_ranker

pytestmark = pytest.mark.usefixtures("own_cache")
pytest_plugins = ["tests.tiny.fixtures"]

PAIRS = [
    Pair("hello!", "hi!", "go away!"),
    Pair("hello!", "go away!", "hi!"),
    Pair("Say something long.", "word " * 25, "a"),
    Pair("Say nothing.", "", "word " * 12),
    Pair("Why? " * 12, "since " * 15, "because it is so " * 5),
    Pair("", "", "x"),
]


class Slow:
    """One pair at a time, without batches and padding, by transformers and NumPy alone."""

    def __init__(self, folder: Path, budgets: Budgets) -> None:
        tensors = load_file(folder / "model.safetensors")
        self.head = {n: t for n, t in tensors.items() if n.startswith("head_layer")}
        self.encoder: Any = AutoModel.from_pretrained(folder)
        prefix = "pretrained_model."
        self.encoder.load_state_dict(
            {n.removeprefix(prefix): torch.tensor(t) for n, t in tensors.items() if prefix in n}
        )
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.budgets = budgets

    def logit(self, pair: Pair) -> float:
        source = self._cut(f"<|source|>{pair.source}", self.budgets.source)
        room = (self.budgets.source + 2 * self.budgets.candidate - len(source)) // 2
        first = self._cut(f"<|candidate1|>{pair.first}", room)
        second = self._cut(f"<|candidate2|>{pair.second}", room)
        ids = source + first + second
        with torch.no_grad():
            hidden = self.encoder(torch.tensor([ids])).last_hidden_state[0].numpy()
        marks = ("<|source|>", "<|candidate1|>", "<|candidate2|>")
        begins, one, other = (
            hidden[ids.index(self.tokenizer.convert_tokens_to_ids(mark))] for mark in marks
        )
        return self._score(begins, one) - self._score(begins, other)

    def _cut(self, text: str, length: int) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        ends = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        return [ends[0], *ids[: length - 2], ends[1]]

    def _score(self, source: NDArray[np.float32], candidate: NDArray[np.float32]) -> float:
        joined = np.concatenate([source, candidate])
        inner = np.tanh(self.head["head_layer.1.weight"] @ joined + self.head["head_layer.1.bias"])
        outer = self.head["head_layer.4.weight"] @ inner + self.head["head_layer.4.bias"]
        return float(outer[0])


@pytest.fixture(scope="module")
def ranker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pair_ranker(tmp_path_factory.mktemp("pairs") / "ranker")


def encoder(folder: Path, budgets: Budgets = PUBLISHED) -> Encoder:
    return Encoder(AutoTokenizer.from_pretrained(folder), budgets)


def rows(folder: Path, budgets: Budgets = PUBLISHED) -> list[Row]:
    encoded = encoder(folder, budgets).encode(PAIRS)
    return [encoded.row(place) for place in range(len(PAIRS))]


def scorer(folder: Path) -> Scorer:
    return Scorer(read_ranker(folder, folder, "float32"), 0)


@pytest.mark.parametrize("budgets", [PUBLISHED, Budgets(40, 30)])
@pytest.mark.parametrize("seed", [1, 2])
def test_logits_are_those_of_one_slow_pass_for_each_pair(
    tmp_path: Path, seed: int, budgets: Budgets
) -> None:
    folder = make_pair_ranker(tmp_path / "ranker", seed=seed)
    slow = Slow(folder, budgets)
    expected = [slow.logit(pair) for pair in PAIRS]
    assert scorer(folder)(rows(folder, budgets)) == pytest.approx(expected, abs=1e-5)
    assert np.ptp(expected) > 0.1, "a network that tells pairs apart"


@pytest.mark.parametrize("settings", [{"conv_kernel_size": 3}, {"pos_att_type": ["c2p"]}])
def test_other_encoders_are_read_by_transformers(tmp_path: Path, settings: dict[str, Any]) -> None:
    folder = make_pair_ranker(tmp_path / "ranker", **settings)
    slow = Slow(folder, PUBLISHED)
    expected = [slow.logit(pair) for pair in PAIRS]
    assert scorer(folder)(rows(folder)) == pytest.approx(expected, abs=1e-5)


def test_what_learns_and_what_answers_agree(ranker: Path) -> None:
    network = read_ranker(ranker, ranker, "float32")
    with torch.inference_mode():
        learning = network(*padded(rows(ranker), 0)).tolist()
    assert Scorer(network, 0)(rows(ranker)) == pytest.approx(learning, abs=1e-5)


def test_padding_changes_no_logit(ranker: Path) -> None:
    score, found = scorer(ranker), rows(ranker)
    alone = [score([row])[0] for row in found]
    assert score(found) == pytest.approx(alone, abs=1e-5)
    assert score(found[::-1]) == pytest.approx(alone[::-1], abs=1e-5)


def test_several_tasks_are_averaged(tmp_path: Path) -> None:
    folder = make_pair_ranker(tmp_path / "ranker", n_tasks=3)
    network = read_ranker(folder, folder, "float32")
    hidden, marks = torch.randn(1, 9, 32), torch.tensor([[1, 3, 5]])
    source, first, second = hidden[0, [1, 3, 5]]
    one, other = (network.head_layer(torch.cat([source, c])) for c in (first, second))
    assert len(one) == 3
    assert network.preference(hidden, marks).item() == pytest.approx(
        (one.mean() - other.mean()).item(), abs=1e-6
    )


def test_nothing_is_dropped_out_of_what_answers(ranker: Path) -> None:
    assert not read_ranker(ranker, ranker, "float32").training


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_lower_precision_is_nearly_as_good(ranker: Path, dtype: str) -> None:
    full = scorer(ranker)(rows(ranker))
    half = Scorer(read_ranker(ranker, ranker, dtype), 0)(rows(ranker))
    assert half == pytest.approx(full, abs=0.1)


def test_logits_that_are_no_numbers_end_the_run(ranker: Path) -> None:
    network = read_ranker(ranker, ranker, "float32")
    torch.nn.init.constant_(network.get_parameter("head_layer.4.weight"), math.nan)
    with pytest.raises(ModelError, match=r"no finite numbers in torch.float32; try"):
        Scorer(network, 0)(rows(ranker))


class Cramped(Scorer):
    """Memory for so many rows."""

    room = 2

    def _logits(self, rows: Any) -> list[float]:
        if len(rows) > self.room:
            raise torch.OutOfMemoryError("out of memory")
        return super()._logits(rows)


def test_what_does_not_fit_into_memory_is_read_in_halves(ranker: Path) -> None:
    network, found = read_ranker(ranker, ranker, "float32"), rows(ranker)
    assert Cramped(network, 0)(found) == pytest.approx(Scorer(network, 0)(found), abs=1e-5)


def test_a_pair_that_does_not_fit_alone_ends_the_run(ranker: Path) -> None:
    cramped = Cramped(read_ranker(ranker, ranker, "float32"), 0)
    cramped.room = 0
    with pytest.raises(ModelError, match="a pair of 26 tokens does not fit into the memory of cpu"):
        cramped(rows(ranker)[:1])


def test_the_names_of_weights_are_the_published_ones(ranker: Path) -> None:
    names = set(load_file(ranker / "model.safetensors"))
    heads = {f"head_layer.{n}.{kind}" for n in (1, 4) for kind in ("weight", "bias")}
    assert {name for name in names if not name.startswith("pretrained_model.")} == heads
    assert "pretrained_model.embeddings.word_embeddings.weight" in names


def test_the_vocabulary_is_that_of_the_weights(ranker: Path, tmp_path: Path) -> None:
    config = json.loads((ranker / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"vocab_size": 10}))
    assert read_ranker(ranker, tmp_path, "float32").vocabulary == config["vocab_size"]
    assert isinstance(read_ranker(ranker, tmp_path, "float32"), PairRanker)
