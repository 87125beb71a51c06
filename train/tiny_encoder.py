"""A small DeBERTa that begins at random and reads characters: what `tiny` means as a base."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import WordLevel
from transformers import DebertaV2Config, PreTrainedTokenizerFast

CHARACTERS = 4000
"""Most characters that it tells apart; the rarest are one and the same to it."""

_SHAPE: dict[str, Any] = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "relative_attention": True,
    "position_buckets": 32,
    "pos_att_type": ["p2c", "c2p"],
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "position_biased_input": False,
    # It learns from little: nothing is dropped, and signals begin strong.
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "drop_out": 0.0,
    "initializer_range": 0.1,
}

_SPECIAL = {
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "unk_token": "[UNK]",
    "mask_token": "[MASK]",
}


def save_settings(folder: Path, texts: Iterable[str]) -> Path:
    """Writes settings and a tokenizer for these texts, without weights; returns the folder."""
    tokenizer = character_tokenizer(texts)
    tokenizer.save_pretrained(folder)
    DebertaV2Config(vocab_size=len(tokenizer), **_SHAPE).save_pretrained(folder)
    return folder


def character_tokenizer(texts: Iterable[str]) -> Any:
    """A tokenizer with one token for each of the commonest characters."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    # Counted alike, the order is that of the characters and not that of the texts.
    common = sorted(counts, key=lambda letter: (-counts[letter], letter))[:CHARACTERS]
    vocabulary = {token: place for place, token in enumerate((*_SPECIAL.values(), *common))}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=_SPECIAL["unk_token"]))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    backend: Any = PreTrainedTokenizerFast
    return backend(tokenizer_object=tokenizer, **_SPECIAL)
