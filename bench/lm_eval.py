"""Log-likelihoods of multiple choice: ours beside lm-eval's own HFLM, and a re-run from the store.

Run: OMP_NUM_THREADS=1 python -m bench.lm_eval
"""

import json
import os
import random
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

from harness.models.hf import build
from harness.store import Cached, Store
from harness.types import Decoding, ModelOptions, Prompt

BATCHES = (1, 4, 16, 64)
"""Sizes that HFLM is tried with; its best counts."""
WORDS = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "is",
    "that",
    "it",
    "was",
    "for",
    "on",
    "are",
    "as",
    "with",
    "his",
    "they",
    "at",
    "be",
    "this",
    "from",
    "have",
    "or",
]


def make(folder: Path) -> None:
    """A Llama of 9 million weights, half of them in its vocabulary of 8192."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedTokenizerFast

    torch.manual_seed(0)
    vocabulary = ["<unk>", "<s>", "</s>", *WORDS, *(f"w{n}" for n in range(8192 - 3 - len(WORDS)))]
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=256,
        intermediate_size=704,
        num_hidden_layers=6,
        num_attention_heads=8,
        max_position_embeddings=2048,
        bos_token_id=1,
        eos_token_id=2,
    )
    auto: Any = AutoModelForCausalLM
    auto.from_config(config).save_pretrained(folder)
    table = {word: n for n, word in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordLevel(table, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend: Any = PreTrainedTokenizerFast
    wrapped = backend(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    wrapped.save_pretrained(folder)


def text(n: int) -> str:
    """Words."""
    return " ".join(random.choices([*WORDS, *(f"w{n}" for n in range(2000))], k=n))


def few_shot(documents: int) -> list[Prompt]:
    """As ARC: examples of its own before each question, four choices of some words."""
    return [
        ask(f"arc/{n}", text(280), *(f" {text(random.randint(3, 9))}" for _ in range(4)))
        for n in range(documents)
    ]


def letters(documents: int) -> list[Prompt]:
    """As MMLU: the same five examples before all questions of a subject, four letters."""
    examples = text(400)
    return [
        ask(f"mmlu/{n}", f"{examples} {text(80)}", " w1", " w2", " w3", " w4")
        for n in range(documents)
    ]


def zero_shot(documents: int) -> list[Prompt]:
    """As PIQA: a short question, two long choices."""
    return [ask(f"piqa/{n}", text(15), f" {text(20)}", f" {text(20)}") for n in range(documents)]


def ask(name: str, context: str, *choices: str) -> Prompt:
    """A prompt with choices."""
    return Prompt(name, (context,), Decoding(0), choices=choices, raw=True)


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """How much processor time it takes, and what comes of it."""
    start = process_time()
    found = work()
    return process_time() - start, found


def reference(folder: Path) -> Callable[[Sequence[Prompt], int], list[float]]:
    """HFLM on the same weights."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    lm = HFLM(pretrained=str(folder), device="cpu", dtype="float32")

    def run(prompts: Sequence[Prompt], size: int) -> list[float]:
        lm.batch_size_per_gpu = size
        pairs = [(prompt.turns[0], choice) for prompt in prompts for choice in prompt.choices]
        asked = [Instance("loglikelihood", {}, pair, n) for n, pair in enumerate(pairs)]
        return [found for found, _ in lm.loglikelihood(asked, disable_tqdm=True)]

    return run


def main() -> None:
    """Prints a line of ratios for each kind of task, and writes them where the first word says."""
    random.seed(1)
    lines: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "model"
        make(folder)
        theirs, ours = reference(folder), build(f"hf:{folder}", ModelOptions())
        kinds = {"few-shot": few_shot(24), "letters": letters(48), "zero-shot": zero_shot(96)}
        ours.generate(kinds["zero-shot"][:2])  # loads the weights
        theirs(kinds["zero-shot"][:2], 2)
        for kind, prompts in kinds.items():
            lines[kind] = compared(theirs, ours, prompts, Path(place) / f"{kind}.sqlite")
            print(kind, json.dumps(lines[kind]))


def compared(
    theirs: Callable[[Sequence[Prompt], int], list[float]],
    ours: Any,
    prompts: Sequence[Prompt],
    file: Path,
) -> dict[str, float]:
    """Ratios of one kind of task."""
    timed = {size: seconds(partial(theirs, prompts, size)) for size in BATCHES}
    best = min(timed, key=lambda size: timed[size][0])
    reference_seconds, expected = timed[best]
    with Store(file) as store:
        cached = Cached(ours, store, "bench")
        first, answers = seconds(lambda: cached.generate(prompts))
        again, _ = seconds(lambda: cached.generate(prompts))
    found = [response.logprob for answer in answers for response in answer.responses]
    requests = len(expected)
    return {
        "requests": requests,
        "HFLM's best batch": best,
        "HFLM requests/s": round(requests / reference_seconds, 1),
        "ours requests/s": round(requests / first, 1),
        "times as fast": round(reference_seconds / first, 2),
        "re-run times as fast": round(first / again, 1),
        "largest difference": max(abs(a - b) for a, b in zip(found, expected, strict=True)),
    }


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    main()
