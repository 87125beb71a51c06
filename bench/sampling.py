"""Tokens per second of our sampling against transformers' own `generate`, on the same network.

    OMP_NUM_THREADS=1 python -m bench.sampling

A random three-layer Llama draws nearly uniformly from 40 words, so that lengths are geometric: of
mean 8 where 5 of the words end an answer, of mean 40 where 1 does. Each prompt is answered five
times with top_p 0.95. Both are given token ids, the prompts sorted by length, and give back text.
They take turns, three rounds; transformers with either of its caches, both at several batch sizes.
The best median of each is compared.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from statistics import median
from typing import Any, NamedTuple

import torch
from transformers import AutoModelForCausalLM, GenerationConfig, LlamaConfig

from harness.models.local.network import Network
from harness.models.local.sampling import Request
from harness.types import Decoding

WORDS = 40
SAMPLES = 5
TOP_P = 0.95
ROUNDS = 3


class Setting(NamedTuple):
    """What is asked."""

    name: str
    prompts: int
    lengths: tuple[int, int]
    """Fewest and most tokens of a prompt."""
    stop_ids: range
    max_tokens: int
    batch_sizes: tuple[int, ...]
    """In samples."""


SETTINGS = (
    Setting("short", 300, (8, 16), range(5), 24, (80, 320, 1500)),
    Setting("long", 20, (180, 220), range(1), 128, (25, 50, 100)),
)


class Words:
    """A tokenizer that writes numbers."""

    def decode(self, ids: list[int], **_: Any) -> str:
        """The numbers as text."""
        return " ".join(map(str, ids))


def make_model() -> Any:
    """The network, 0.4 million weights."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=WORDS,
        hidden_size=96,
        intermediate_size=384,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=512,
        pad_token_id=0,
    )
    auto: Any = AutoModelForCausalLM
    return auto.from_config(config).eval()


def make_prompts(setting: Setting) -> list[list[int]]:
    """Random words, the shortest prompt first."""
    random = Random(0)
    lengths = sorted(random.randint(*setting.lengths) for _ in range(setting.prompts))
    return [random.choices(range(len(setting.stop_ids), WORDS), k=length) for length in lengths]


def ours(model: Any, setting: Setting, size: int) -> int:
    """Answers every prompt; how many tokens were drawn."""
    network = Network(model, Words(), frozenset(setting.stop_ids))
    requests = [
        Request(ids, Decoding(setting.max_tokens, temperature=1.0, top_p=TOP_P), seed=n)
        for n, ids in enumerate(ids for ids in make_prompts(setting) for _ in range(SAMPLES))
    ]
    starts = range(0, len(requests), size)
    answers = [one for at in starts for one in network.respond(requests[at : at + size])]
    return sum(answer.usage.completion_tokens for answer in answers)


def theirs(model: Any, setting: Setting, size: int, cache: str) -> int:
    """The same with `generate`."""
    options = GenerationConfig.from_dict(
        {
            "do_sample": True,
            "top_p": TOP_P,
            "top_k": 0,
            "max_new_tokens": setting.max_tokens,
            "num_return_sequences": SAMPLES,
            "eos_token_id": list(setting.stop_ids),
            "pad_token_id": 0,
            "cache_implementation": cache,
        }
    )
    prompts = make_prompts(setting)
    drawn = 0
    for at in range(0, len(prompts), size // SAMPLES):
        batch = prompts[at : at + size // SAMPLES]
        width = max(map(len, batch))
        ids = torch.tensor([[0] * (width - len(row)) + row for row in batch])
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in batch])
        with torch.inference_mode():
            rows = model.generate(input_ids=ids, attention_mask=mask, generation_config=options)
        for row in rows[:, width:].tolist():
            ends = (n for n, token in enumerate(row, 1) if token in setting.stop_ids)
            answer = row[: next(ends, len(row))]
            Words().decode(answer)
            drawn += len(answer)
    return drawn


def rates(samplers: Mapping[str, Callable[[], int]]) -> dict[str, float]:
    """Median tokens per second of each, after a round that does not count."""
    measured: dict[str, list[float]] = {name: [] for name in samplers}
    for _ in range(1 + ROUNDS):
        for name, sample in samplers.items():
            start = time.perf_counter()
            drawn = sample()
            measured[name].append(drawn / (time.perf_counter() - start))
    return {name: median(values[1:]) for name, values in measured.items()}


def main() -> None:
    """Prints the tables."""
    model = make_model()
    for setting in SETTINGS:
        samplers: dict[str, Callable[[], int]] = {}
        for size in setting.batch_sizes:
            samplers[f"ours, {size}"] = partial(ours, model, setting, size)
            for cache in ("dynamic", "static"):
                name = f"transformers {cache}, {size}"
                samplers[name] = partial(theirs, model, setting, size, cache)
        measured = rates(samplers)
        print(f"{setting.name + ': sampler, batch size':<36}{'tokens/s':>10}")
        for name, rate in measured.items():
            print(f"{name:<36}{rate:>10.0f}")
        best = [
            max(rate for name, rate in measured.items() if name.startswith(who))
            for who in ("ours", "transformers")
        ]
        print(f"{'best of ours / of transformers':<36}{best[0] / best[1]:>10.2f}\n")


if __name__ == "__main__":
    main()
