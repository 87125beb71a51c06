"""Real checkpoints, small enough to make in a moment: a random two-layer Llama that reads ASCII."""

from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE

from harness.models.local.loading import draw_no_bars

CHATML = (
    "{% for message in messages %}"
    "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ("<pad>", "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<unk>")
# Printable ASCII, space and line break, as the byte-level pre-tokenizer writes them.
LETTERS = (*map(chr, range(33, 127)), "Ġ", "Ċ")


def make_checkpoint(
    folder: Path,
    *,
    template: str | None = CHATML,
    seed: int = 0,
    shard_size: str = "1GB",
    window: int = 512,
) -> Path:
    """Save a random network and its tokenizer as transformers would; returns the folder.

    Args:
        folder: Made if absent.
        template: The chat template, or None to ship none.
        seed: Of the weights.
        shard_size: Most bytes of one weights file: "60KB" gives several.
        window: Most tokens of prompt and answer together.
    """
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(SPECIAL) + len(LETTERS),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=window,
        # Wide enough for confident, varied answers: the usual 0.02 makes all tokens alike.
        initializer_range=0.3,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=4,
    )
    auto: Any = AutoModelForCausalLM
    model = auto.from_config(config)
    for token in (*range(4), 5):  # never the likeliest: special tokens are not seen in texts
        model.lm_head.weight.data[token] = 0
    draw_no_bars()
    model.save_pretrained(folder, max_shard_size=shard_size)
    make_tokenizer(template).save_pretrained(folder)
    return folder


def make_tokenizer(template: str | None = CHATML) -> Any:
    """A tokenizer with one token for each ASCII character; all others are unknown."""
    import transformers

    vocab = {token: i for i, token in enumerate((*SPECIAL, *LETTERS))}
    tokenizer = Tokenizer(BPE(vocab, [], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    backend: Any = transformers.PreTrainedTokenizerFast
    return backend(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="<|im_end|>",
        unk_token="<unk>",
        chat_template=template,
    )
