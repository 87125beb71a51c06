from typing import Any

import pytest
import torch
from transformers import DebertaV2Config

from harness.models.local.disentangled import Reader, applies
from harness.models.local.pair_ranking import PairRanker
from tests.tiny.pair_ranker import SHAPE

KINDS: list[dict[str, Any]] = [
    {},
    {"share_att_key": False},
    {"norm_rel_ebd": "none"},
    {"position_buckets": 6},
    {"position_buckets": -1},
    {"type_vocab_size": 2},
    {"position_biased_input": True},
]


def encoder(**settings: Any) -> Any:
    torch.manual_seed(0)
    return PairRanker(DebertaV2Config(vocab_size=90, **(SHAPE | settings))).pretrained_model.eval()


@pytest.mark.parametrize("settings", KINDS, ids=str)
@pytest.mark.parametrize("length", [1, 2, 7, 16, 17, 40, 64])
def test_it_reads_as_transformers_does(settings: dict[str, Any], length: int) -> None:
    model = encoder(**settings)
    ids = torch.randint(1, 90, (3, length))
    mask = torch.ones_like(ids)
    mask[1, length // 2 + 1 :] = 0
    with torch.inference_mode():
        theirs = model(input_ids=ids, attention_mask=mask).last_hidden_state
        ours = Reader(model)(ids, mask)
    assert ((ours - theirs)[mask == 1]).abs().max() < 2e-5


def test_far_tokens_share_buckets_in_rows_of_any_length() -> None:
    model = encoder()
    ids = torch.randint(1, 90, (1, 150))
    with torch.inference_mode():
        theirs = model(input_ids=ids).last_hidden_state
        ours = Reader(model)(ids, torch.ones_like(ids))
    assert (ours - theirs).abs().max() < 2e-5


OTHERS: list[dict[str, Any]] = [
    {"relative_attention": False},
    {"conv_kernel_size": 3},
    {"pos_att_type": ["p2c"]},
    {"pos_att_type": None},
]


@pytest.mark.parametrize("settings", OTHERS, ids=str)
def test_it_does_not_apply_to_other_encoders(settings: dict[str, Any]) -> None:
    assert applies(encoder())
    assert not applies(encoder(**settings))
