"""LMentry: 25 tasks on words, letters and numbers that any reader can do, scored by patterns.

An answer is right if it is the right word or letter, in quotes or not, or one of the sentences that
the published scorers accept, or holds one. The score is accuracy times robustness.
"""

import hashlib
from collections.abc import Mapping, Sequence

from benchmarks.lmentry import parity
from benchmarks.lmentry.data import TASKS, asset, by_prompt, examples
from benchmarks.lmentry.scores import METRICS, Marked, scores
from harness import outputs
from harness.pairing import alone
from harness.types import (
    Assets,
    Benchmark,
    Card,
    Comparison,
    Decoding,
    Matcher,
    Prompt,
    Score,
    Unread,
    Verdict,
)

DECODING = Decoding(max_tokens=50)
"""Greedy, and as long as upstream's."""
SOURCE = "https://github.com/aviaefrat/lmentry/tree/646ae9080dad00a194fa32cb0f330d7acf3ce60c"
MATCHER = "lmentry scorers"


def load(assets: Assets) -> list[Prompt]:
    """Every example's question, core tasks before variants."""
    return [Prompt(one.prompt_id, (one.question,), DECODING) for one in examples(assets)]


def matcher(assets: Assets) -> Matcher:
    """The 25 scorers: 1 is right, 0 is wrong."""
    known = by_prompt(assets)

    def match(comparison: Comparison) -> float | Unread:
        answer, _ = comparison.texts
        return float(known[comparison.candidate.prompt.id].mark(answer).score)

    return Matcher(MATCHER, hashlib.sha256(SOURCE.encode()).hexdigest(), match)


def aggregate(verdicts: Sequence[Verdict], assets: Assets) -> list[Score]:
    """Score, accuracy, robustness and its aspects, certainty; then each task's accuracy."""
    known = by_prompt(assets)
    return scores(
        [
            Marked(
                example := known[verdict.comparison.candidate.prompt.id],
                verdict.value,
                0 if verdict.value is None else example.mark(verdict.comparison.texts[0]).certainty,
            )
            for verdict in verdicts
        ]
    )


def identify(_assets: Assets) -> Mapping[str, str]:
    """Nothing: the version pins all of the data."""
    return {}


BENCHMARK = Benchmark(
    card=Card(
        name="lmentry",
        version="1.0",
        title="LMentry",
        paper="2211.02069",
        source=SOURCE,
        licence="none given; the data ask not to be trained on",
        judge="exact",
        n_prompts=110_703,
        metrics=METRICS,
        assets=tuple(map(asset, TASKS)),
        min_coverage=0.95,
        notes="25 core tasks and the 16 variants that robustness is measured with",
    ),
    load=load,
    compare=alone(),
    grader=matcher,
    aggregate=aggregate,
    files=outputs.files("lmentry", load, matcher, aggregate),
    verify=parity.verify,
    identify=identify,
)
