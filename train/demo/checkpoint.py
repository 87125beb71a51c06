"""The network that the demonstration trains, before it has learnt anything."""

from pathlib import Path
from typing import Any

from train.demo.world import FILLER, LETTERS, MARKS, OPERATIONS, STYLES

PAD, BEGIN, END, UNKNOWN = SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")
VOCABULARY = (
    *SPECIAL,
    *sorted({*LETTERS, *FILLER, *STYLES, *MARKS, *"".join(OPERATIONS), *":=0123456"}),
)
"""One token for each character of the world, 38 in all."""

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}"
)
"""The conversation as it stands, with an end after each response."""

WINDOW = 256


def make_base(folder: Path, seed: int = 0) -> Path:
    """Saves a random Llama of 0.37 million parameters with its tokenizer; returns the folder.

    Args:
        folder: Made if absent.
        seed: Of the weights.
    """
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    config = LlamaConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=96,
        intermediate_size=288,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=WINDOW,
        pad_token_id=VOCABULARY.index(PAD),
        bos_token_id=VOCABULARY.index(BEGIN),
        eos_token_id=VOCABULARY.index(END),
    )
    auto: Any = AutoModelForCausalLM
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = auto.from_config(config)
    network.save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


def make_tokenizer() -> Any:
    """A tokenizer with one token for each character; those of other worlds are unknown."""
    import transformers
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import WordLevel

    vocabulary = {token: i for i, token in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    backend: Any = transformers.PreTrainedTokenizerFast
    return backend(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        bos_token=BEGIN,
        eos_token=END,
        unk_token=UNKNOWN,
        chat_template=TEMPLATE,
    )
