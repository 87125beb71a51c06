"""AGIEval, the nine English subsets zero-shot, and their mean accuracy, by lm-eval's tasks.

`agieval` takes official files and `agieval:hub` the data of the Hugging Face hub.
"""

from harness.lm_eval.local import EXAMS
from harness.lm_eval.opening import Part, Suite, only
from harness.lm_eval.suite import benchmark, over_hub
from harness.types import Benchmark, Card

PARTS = tuple(
    Part(name, only(f"agieval_{name}"), "acc", shots=0)
    for name in (subset.replace("-", "_") for subset in EXAMS)
)

CARD = Card(
    name="agieval",
    version="1.0",
    title="AGIEval, English",
    paper="2304.06364",
    source="https://github.com/ruixiangcui/AGIEval/tree/5c77d073fda993f1652eaae3cf5d04cc5fd21d40",
    licence="MIT",
    judge="exact",
    n_prompts=3546,
    metrics=("mean", *(part.name for part in PARTS)),
    assets=tuple(f"agieval/{subset}.jsonl" for subset in EXAMS),
    min_coverage=0.95,
    notes=(
        "Zero-shot, as OpenChat reports it: eight subsets of multiple choice by the highest "
        "log-probability, and math by the answer that is written, by lm-eval 0.4.13's tasks. "
        "Prompts are AGIEval's own, without chat template. The mean is plain over subsets"
    ),
)


def build(rest: str) -> Benchmark:
    """The nine over the hub's data.

    Raises:
        SpecError: Something else than "hub" follows the name.
    """
    return over_hub(CARD, PARTS, rest)


BENCHMARK = benchmark(CARD, Suite(PARTS))
