from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.errors import ModelError
from harness.models.hf import HuggingFace
from harness.models.local import scoring
from harness.models.local.loading import loaded
from harness.models.local.pairs import Row, Told
from harness.models.local.scoring import can_share, score

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")

COMMON = list(range(10, 60))
ROWS = [
    Row([*COMMON, 61, 62], [62, 63]),
    Row([*COMMON, 61], [70]),
    Row([*COMMON, 61], [71]),
    Row(COMMON[:30] + list(range(90, 70, -1)), [9, 8, 7]),
    Row([12], [13]),
]


@pytest.fixture
def network(model: HuggingFace, checkpoint: Path) -> Any:
    del checkpoint
    with loaded(model.checkpoint) as weights:
        return weights


def one_by_one(network: Any, rows: list[Row]) -> list[Told]:
    """The slow, obvious way: each row by itself, every logit."""
    found = []
    for row in rows:
        with torch.inference_mode():
            logps = network(torch.tensor([row.ids])).logits[0].float().log_softmax(-1)
        read = logps[row.first :]
        values = [float(line[target]) for line, target in zip(read, row.targets, strict=True)]
        best = [int(line.argmax()) for line in read]
        found.append(Told(values, best == row.targets))
    return found


def assert_same(ours: list[Told], theirs: list[Told]) -> None:
    assert [one.likeliest for one in ours] == [one.likeliest for one in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert one.logprobs == pytest.approx(other.logprobs, abs=1e-5)


def test_a_tree_of_rows_says_what_each_row_says(network: Any) -> None:
    assert can_share(network, ROWS)
    assert_same(score(network, ROWS), one_by_one(network, ROWS))


@pytest.mark.parametrize("most", [1, 20, 55])
def test_small_passes_go_on_from_the_ones_before(
    network: Any, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "most_nodes", lambda _: most)
    assert_same(score(network, ROWS), one_by_one(network, ROWS))


def test_a_network_that_reads_no_trees_reads_the_rows_side_by_side(network: Any) -> None:
    class Deaf(torch.nn.Module):
        """It takes no positions, and so cannot be shown a tree."""

        device, dtype, config = network.device, network.dtype, network.config

        def forward(self, input_ids: Any, attention_mask: Any = None, **_: Any) -> Any:
            return network(input_ids, attention_mask=attention_mask)

    assert not can_share(Deaf(), ROWS)
    assert_same(score(Deaf(), ROWS), one_by_one(network, ROWS))


def test_a_network_that_does_not_heed_the_mask_is_found_out(network: Any) -> None:
    class Heedless(torch.nn.Module):
        """It lets every token see all before it."""

        device, dtype, config = network.device, network.dtype, network.config

        def forward(self, input_ids: Any, position_ids: Any = None, **others: Any) -> Any:
            mask = others.pop("attention_mask", None)
            seen = None if mask is None else torch.zeros_like(mask)
            return network(input_ids, position_ids=position_ids, attention_mask=seen, **others)

        forward.__signature__ = __import__("inspect").signature(network.forward)  # type: ignore[attr-defined]

    assert not can_share(Heedless(), ROWS)
    assert_same(score(Heedless(), ROWS), one_by_one(network, ROWS))


def test_rows_beyond_a_sliding_window_are_not_shown_as_a_tree(
    network: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network.config, "sliding_window", 40, raising=False)
    assert not can_share(network, ROWS)
    assert can_share(network, ROWS[-1:])


@pytest.mark.parametrize(("width", "nodes"), [(32, 256), (2048, 2048), (8192, 4096)])
def test_a_wider_network_reads_more_at_once(
    network: Any, width: int, nodes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network.config, "hidden_size", width)
    assert scoring.most_nodes(network) == nodes


def test_no_rows_are_no_work(network: Any) -> None:
    assert score(network, []) == []


def test_weights_that_overflow_are_told(network: Any) -> None:
    class Broken(torch.nn.Module):
        device, dtype, config = network.device, network.dtype, network.config

        def forward(self, input_ids: Any, **_: Any) -> Any:
            out = network(input_ids)
            out.logits = out.logits * torch.nan
            return out

    with pytest.raises(ModelError, match="no finite numbers"):
        score(Broken(), ROWS)


def test_memory_that_is_too_small_is_met_with_smaller_passes(
    network: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    monkeypatch.setattr(scoring, "most_nodes", lambda _: 1024)

    def full(model: Any, rows: Any, most: int) -> Any:
        asked.append(most)
        if most > 300:
            raise torch.OutOfMemoryError
        return real(model, rows, most)

    real = scoring._shared
    monkeypatch.setattr(scoring, "can_share", lambda *_: True)
    monkeypatch.setattr(scoring, "_shared", full)
    assert_same(score(network, ROWS), one_by_one(network, ROWS))
    assert asked == [1024, 512, 256]
    monkeypatch.setattr(scoring, "_FEWEST_NODES", 512)
    with pytest.raises(ModelError, match="does not fit into the memory"):
        score(network, ROWS)


def test_log_softmax_is_in_float32_for_half_precision_too(network: Any) -> None:
    row = Row(COMMON, [61])
    half = deepcopy(network).to(torch.bfloat16)  # other tests meet the same weights in memory
    with torch.inference_mode():
        expected = half(torch.tensor([COMMON])).logits[0, -1].float().log_softmax(-1)[61]
    [told] = score(half, [row])
    assert told.logprobs == pytest.approx([float(expected)], abs=0.05)
    assert told.logprobs[0] != float(torch.tensor(told.logprobs[0]).bfloat16())
