"""The nine NLP tasks of Self-Rewarding Language Models (arXiv 2401.10020, Table 9), by lm-eval.

`nlp9` takes official files and `nlp9:hub` the data of the Hugging Face hub.
"""

from functools import partial

from harness.lm_eval.local import MMLU
from harness.lm_eval.opening import Part, Suite, only
from harness.lm_eval.package import defined
from harness.lm_eval.suite import benchmark, over_hub
from harness.types import Benchmark, Card

_BY_COMPLETION = {
    "metric_list": [{"metric": "acc_mutual_info", "aggregation": "mean", "higher_is_better": True}]
}
"""How likely a choice is after the question, compared with how likely it is after nothing."""

PARTS = (
    Part("arc_easy", only("arc_easy"), "acc", shots=0),
    Part("arc_challenge", only("arc_challenge"), "acc", shots=0),
    Part("hellaswag", only("hellaswag"), "acc_norm", shots=0),
    Part("siqa", only("social_iqa"), "acc", shots=0),
    Part("piqa", only("piqa"), "acc", shots=0),
    Part("gsm8k", only("gsm8k"), "exact_match", "strict-match", shots=8),
    Part("mmlu", partial(defined, MMLU, "mmlu_"), "acc", shots=5),
    Part("obqa", only("openbookqa"), "acc_mutual_info", shots=0, config=_BY_COMPLETION),
    Part("nq", only("nq_open"), "exact_match", shots=0),
)

CARD = Card(
    name="nlp9",
    version="1.0",
    title="Nine NLP tasks of Self-Rewarding",
    paper="2401.10020",
    source="https://github.com/EleutherAI/lm-evaluation-harness/tree/4e7e0d47f33bc71070c1d38394bafbb52b117163",
    licence="MIT (code); CC BY-SA 4.0, CC BY 4.0, MIT, Apache-2.0, AFL-3.0 (data)",
    judge="exact",
    n_prompts=36853,
    metrics=("mean", *(part.name for part in PARTS)),
    assets=(
        "arc/easy_test.jsonl",
        "arc/easy_train.jsonl",
        "arc/challenge_test.jsonl",
        "arc/challenge_train.jsonl",
        "hellaswag/validation.jsonl",
        "siqa/validation.jsonl",
        "piqa/validation.jsonl",
        "gsm8k/test.jsonl",
        "gsm8k/train.jsonl",
        "mmlu/test.jsonl",
        "mmlu/dev.jsonl",
        "openbookqa/test.jsonl",
        "openbookqa/train.jsonl",
        "nq_open/dev.jsonl",
    ),
    min_coverage=0.95,
    notes=(
        "The paper gives neither shots nor settings; ours: GSM8K 8 shots, MMLU 5, all others none, "
        "which are those of the published figures of Llama 2 that its table repeats. Multiple "
        "choice by the highest log-probability: acc, for HellaSwag by length (acc_norm), for OBQA "
        "compared with the choice after nothing (acc_mutual_info). No chat template. The mean is "
        "ours, the paper has none"
    ),
)


def build(rest: str) -> Benchmark:
    """The nine over the hub's data.

    Raises:
        SpecError: Something else than "hub" follows the name.
    """
    return over_hub(CARD, PARTS, rest)


BENCHMARK = benchmark(CARD, Suite(PARTS))
