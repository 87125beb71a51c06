"""Real pair rankers, small enough to make in a moment: a random two-layer DeBERTa of two heads."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import DebertaV2Config, PreTrainedTokenizerFast

from harness.models.local.pair_encoding import MARKS
from harness.models.local.pair_ranking import PairRanker
from tests.tiny.checkpoint import LETTERS

SPECIAL = ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]")

SHAPE: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    # As DeBERTa v3, with few enough buckets that far tokens share some.
    "relative_attention": True,
    "position_buckets": 16,
    "max_position_embeddings": 64,
    "pos_att_type": ["p2c", "c2p"],
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "position_biased_input": False,
    "type_vocab_size": 0,
    # Wide enough that logits differ: the usual 0.02 makes all rows alike.
    "initializer_range": 0.15,
}


def make_pair_ranker(folder: Path, *, seed: int = 0, **settings: Any) -> Path:
    """Save a random pair ranker in the layout of llm-blender/PairRM-hf; returns the folder.

    Args:
        folder: Made if absent.
        seed: Of the weights.
        **settings: Entries of config.json beside those of SHAPE.
    """
    tokenizer = make_tokenizer()
    tokenizer.add_tokens(list(MARKS))
    config = DebertaV2Config(vocab_size=len(tokenizer), **(SHAPE | settings))
    torch.manual_seed(seed)
    network = PairRanker(config)
    # The head's own initialisation leaves logits near 0.
    for name in ("head_layer.1.weight", "head_layer.4.weight"):
        torch.nn.init.normal_(network.get_parameter(name), std=0.4)
    config.save_pretrained(folder)
    save_file(network.state_dict(), folder / "model.safetensors", {"format": "pt"})
    tokenizer.save_pretrained(folder)
    return folder


def as_published(ranker: Path, folder: Path, **settings: Any) -> Path:
    """A pair ranker written anew in the layout of llm-blender/PairRM; returns the folder.

    The encoder's settings and tokenizer, without the marks, are in its folder `encoder`.
    """
    folder.mkdir()
    config = json.loads((ranker / "config.json").read_text())
    encoder = folder.with_name("encoder")
    make_tokenizer().save_pretrained(encoder)
    # More rows than tokens, as published: the weights know better.
    (encoder / "config.json").write_text(json.dumps(config | {"vocab_size": 300}))
    told = {"ranker_type": "pairranker", "model_type": "deberta", "model_name": str(encoder)}
    (folder / "config.json").write_text(json.dumps(told | settings))
    torch.save(load_file(ranker / "model.safetensors"), folder / "pytorch_model.bin")
    return folder


def make_tokenizer() -> Any:
    """A tokenizer with one token for each ASCII character; it knows no marks."""
    vocab = {token: place for place, token in enumerate((*SPECIAL, *LETTERS))}
    tokenizer = Tokenizer(BPE(vocab, [], unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    backend: Any = PreTrainedTokenizerFast
    names = ("pad_token", "cls_token", "sep_token", "unk_token", "mask_token")
    return backend(tokenizer_object=tokenizer, **dict(zip(names, SPECIAL, strict=True)))
