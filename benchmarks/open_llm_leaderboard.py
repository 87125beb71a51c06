"""Open LLM Leaderboard, version 1: six tasks of lm-eval with few-shot examples, and their mean.

`open_llm_leaderboard` takes official files and `open_llm_leaderboard:hub` the data of the Hugging
Face hub. ARC-challenge 25-shot, HellaSwag 10-shot, MMLU 5-shot (mean of 57 subjects), TruthfulQA
mc2, Winogrande 5-shot, GSM8K 5-shot.
"""

from functools import partial

from harness.lm_eval.local import MMLU
from harness.lm_eval.opening import Part, Suite, only
from harness.lm_eval.package import defined
from harness.lm_eval.suite import benchmark, over_hub
from harness.types import Benchmark, Card

PARTS = (
    Part("arc_challenge", only("arc_challenge"), "acc_norm", shots=25),
    Part("hellaswag", only("hellaswag"), "acc_norm", shots=10),
    Part("mmlu", partial(defined, MMLU, "mmlu_"), "acc", shots=5),
    Part("truthfulqa_mc2", only("truthfulqa_mc2"), "acc", shots=0),
    Part("winogrande", only("winogrande"), "acc", shots=5),
    Part("gsm8k", only("gsm8k"), "exact_match", "strict-match", shots=5),
)

CARD = Card(
    name="open_llm_leaderboard",
    version="1.0",
    title="Open LLM Leaderboard v1",
    paper="2405.00675",
    source="https://github.com/EleutherAI/lm-evaluation-harness/tree/4e7e0d47f33bc71070c1d38394bafbb52b117163",
    licence="MIT (code); CC BY-SA 4.0, MIT, Apache-2.0 (data)",
    judge="exact",
    n_prompts=28659,
    metrics=("mean", *(part.name for part in PARTS)),
    assets=(
        "arc/challenge_test.jsonl",
        "arc/challenge_train.jsonl",
        "hellaswag/validation.jsonl",
        "mmlu/test.jsonl",
        "mmlu/dev.jsonl",
        "truthfulqa/mc_task.json",
        "winogrande/validation_xl.jsonl",
        "gsm8k/test.jsonl",
        "gsm8k/train.jsonl",
    ),
    min_coverage=0.95,
    notes=(
        "Shots: ARC 25, HellaSwag 10, MMLU 5, TruthfulQA 0 (six fixed questions), Winogrande 5, "
        "GSM8K 5. Prompts are given as they are, without chat template. Definitions are those of "
        "lm-eval 0.4.13; the leaderboard ran an older one. Of official files the training splits "
        "of HellaSwag and Winogrande are absent, so their examples come from the evaluated split"
    ),
)


def build(rest: str) -> Benchmark:
    """The leaderboard over the hub's data.

    Raises:
        SpecError: Something else than "hub" follows the name.
    """
    return over_hub(CARD, PARTS, rest)


BENCHMARK = benchmark(CARD, Suite(PARTS))
