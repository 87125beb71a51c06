"""Pairs per second of a pair ranker, beside a straightforward loop over padded batches.

    python -m bench.pairrm

The network is a random DeBERTa v3 in small (2 layers, 128 wide, heads of 64 as in the large one);
lengths are drawn as those of AlpacaEval: prompts of 25 tokens in the median, responses of 470. The
loop takes the pairs as they come, tokenises each batch in one call and pads it to its longest row,
as transformers' own model reads it; it is also given the batch size that suits it best. All run on
one thread, take turns, and the medians of the rounds are printed, with the largest difference
between their logits.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import permutations
from pathlib import Path
from statistics import median
from typing import Any

import torch

from harness.models.local.pair_encoding import MARKS, PUBLISHED, Encoder, Pair
from harness.models.local.pair_ranking import PairRanker, padded
from harness.models.pairrm import PairRM, build
from harness.types import Decoding, ModelOptions, Prompt

BATCH_SIZE = 16
BATCH_SIZES = (1, 4, BATCH_SIZE)
"""The loop's best one is looked for among these."""
PAIRS = 40
ROUNDS = 3
LETTERS = "abcdefghijklmnopqrstuvwxyz ,.\n"

SHAPE: dict[str, Any] = {
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 512,
    "relative_attention": True,
    "position_buckets": 256,
    "pos_att_type": ["p2c", "c2p"],
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "position_biased_input": False,
    "initializer_range": 0.05,
}


def make_ranker(folder: Path) -> Path:
    """Saves the network that is timed; its tokens are characters."""
    from safetensors.torch import save_file
    from transformers import DebertaV2Config

    from train.tiny_encoder import character_tokenizer

    tokenizer = character_tokenizer([LETTERS])
    tokenizer.add_tokens(list(MARKS))
    tokenizer.save_pretrained(folder)
    config = DebertaV2Config(vocab_size=len(tokenizer), **SHAPE)
    torch.manual_seed(0)
    save_file(PairRanker(config).state_dict(), folder / "model.safetensors", {"format": "pt"})
    config.save_pretrained(folder)
    return folder


def texts(rng: random.Random, median_length: int, spread: float, n: int) -> list[str]:
    """Texts whose lengths are log-normal, as those of AlpacaEval nearly are."""
    lengths = [max(1, int(rng.lognormvariate(0, spread) * median_length)) for _ in range(n)]
    return ["".join(rng.choices(LETTERS, k=length)) for length in lengths]


def mixed(n: int) -> list[Pair]:
    """Pairs of responses to n prompts."""
    rng = random.Random(0)
    columns = texts(rng, 25, 0.86, n), texts(rng, 470, 0.88, n), texts(rng, 470, 0.76, n)
    return [Pair(*row) for row in zip(*columns, strict=True)]


def matrix(k: int, n: int) -> list[Pair]:
    """Every ordered pair of k responses to each of n prompts."""
    rng = random.Random(1)
    groups = [(prompt, texts(rng, 470, 0.8, k)) for prompt in texts(rng, 25, 0.86, n)]
    return [Pair(prompt, *two) for prompt, group in groups for two in permutations(group, 2)]


def ours(model: PairRM, pairs: Sequence[Pair]) -> list[float]:
    """The backend, asked as the judge asks it."""
    prompts = [Prompt(f"{n}", (json.dumps(pair),), Decoding(1)) for n, pair in enumerate(pairs)]
    return [float(answer.text) for answer in model.generate(prompts)]


def loop(
    network: PairRanker, encoder: Encoder, pairs: Sequence[Pair], batch_size: int
) -> list[float]:
    """Batches as they come, each padded to its longest row."""
    found: list[float] = []
    for start in range(0, len(pairs), batch_size):
        encoded = encoder.encode(pairs[start : start + batch_size])
        rows = [encoded.row(place) for place in range(len(encoded.pairs))]
        with torch.inference_mode():
            found += network(*padded(rows, 0)).tolist()
    return found


def times(tried: Mapping[str, Callable[[], list[float]]], rounds: int) -> dict[str, float]:
    """Median seconds of each; they take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in tried}
    for _ in range(rounds):
        for name, run in tried.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return {name: median(took) for name, took in seconds.items()}


def compare(title: str, model: PairRM, folder: Path, pairs: Sequence[Pair], rounds: int) -> None:
    """Prints a table of ours and the loop at each batch size."""
    from harness.models.local.loading import Checkpoint, load_tokenizer
    from harness.models.local.pair_ranking import read_ranker

    network = read_ranker(folder, folder, "float32")
    encoder = Encoder(load_tokenizer(Checkpoint(folder, "", "float32")), PUBLISHED)
    expected = loop(network, encoder, pairs, 1)
    largest = max(abs(a - b) for a, b in zip(ours(model, pairs), expected, strict=True))
    tried: dict[str, Callable[[], list[float]]] = {
        f"loop, batch size {size}": partial(loop, network, encoder, pairs, size)
        for size in BATCH_SIZES
    }
    tried[f"ours, batch size {BATCH_SIZE}"] = lambda: ours(model, pairs)
    took = times(tried, rounds)
    same, best = took[f"loop, batch size {BATCH_SIZE}"], min([*took.values()][:-1])
    print(f"{title}: {len(pairs)} pairs, largest difference of a logit {largest:.1e}")
    print(f"  {'':<22}{'pairs/s':>9}{'× at 16':>9}{'× at best':>11}")
    for name, seconds in took.items():
        rate = len(pairs) / seconds
        print(f"  {name:<22}{rate:>9.2f}{same / seconds:>9.2f}{best / seconds:>11.2f}")


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.pairrm")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        folder = make_ranker(Path(place) / "ranker")
        model = build(f"pairrm:{folder}", ModelOptions(batch_size=BATCH_SIZE))
        compare("AlpacaEval's lengths", model, folder, mixed(asked.pairs), asked.rounds)
        compare("All pairs of 5", model, folder, matrix(5, asked.pairs // 20), asked.rounds)


if __name__ == "__main__":
    main()
