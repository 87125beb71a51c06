"""TinyInstruct: prompts of the demonstration's world, each answer compared with a noisy writer's.

The shape is AlpacaEval's: one baseline, a judge with a weakness for long responses, and a win rate
that takes the length out again. What is right is known besides, so that accuracy needs no judge.
Versions differ in their prompts: `test` is reported, `selection` is for choosing hyper-parameters,
`hard` has longer words than anyone was trained on.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from random import Random

from harness.pairing import against
from harness.types import (
    Assets,
    Benchmark,
    Card,
    Decoding,
    Files,
    Generation,
    Prompt,
    Response,
    Score,
    Verdict,
)
from train.demo.benchmarks.tiny_instruct import files
from train.demo.benchmarks.tiny_instruct.checks import verify
from train.demo.benchmarks.tiny_instruct.rubric import RUBRIC
from train.demo.benchmarks.tiny_instruct.scores import METRICS, scores
from train.demo.people import noisy
from train.demo.sets import SIZES, prompts

DECODING = Decoding(max_tokens=24, temperature=1.0)
"""Sampled: a network that learnt from noisy writers is right at once when it answers greedily."""


@lru_cache
def questions(version: str) -> tuple[Prompt, ...]:
    """The prompts of a version, in the world's order."""
    return tuple(
        Prompt(f"tiny_instruct/{version}/{number}", (text,), DECODING)
        for number, text in enumerate(prompts(version))
    )


@lru_cache
def baseline(version: str) -> tuple[Generation, ...]:
    """A noisy writer's answers, such as the first checkpoint learns from: 60 in 100 are right."""
    return tuple(
        Generation(asked, "noisy", (Response(noisy(text, Random(f"baseline {text}"))),))
        for asked in questions(version)
        for text in asked.turns
    )


def aggregate(verdicts: Sequence[Verdict], _assets: Assets) -> list[Score]:
    """Length-controlled win rate first, then win rate, accuracy and average length."""
    return scores(verdicts)


def identify(version: str, _assets: Assets) -> Mapping[str, str]:
    """A digest of prompts and baseline: they are drawn here, not read from an official file."""
    drawn = [(answer.prompt.turns, answer.text) for answer in baseline(version)]
    return {
        "baseline": "noisy",
        "baseline sha256": hashlib.sha256(repr(drawn).encode()).hexdigest(),
    }


def _benchmark(version: str, notes: str) -> Benchmark:
    known = partial(questions, version)
    return Benchmark(
        card=Card(
            name="tiny_instruct",
            version=version,
            title=f"TinyInstruct ({version})",
            paper="2405.00675",
            source="https://github.com/uclaml/SPPO/tree/5e61c4e90822fe526d8bbe1a50a6e85a85c30911",
            licence="Apache-2.0",
            judge="tiny_eval",
            n_prompts=SIZES[version],
            metrics=METRICS,
            assets=(),
            min_coverage=0.95,
            notes=notes,
        ),
        load=lambda _: [*questions(version)],
        compare=against(lambda _: baseline(version)),
        grader=lambda _: RUBRIC,
        aggregate=aggregate,
        files=Files(
            read_outputs=lambda rows, _: files.read_outputs(rows),
            write_outputs=files.write_outputs,
            read_judgments=lambda rows, _: files.read_judgments(known, rows),
            write_judgments=files.write_judgments,
            rescore=lambda rows, _: files.rescore(known, rows),
        ),
        verify=lambda _: verify(version),
        identify=partial(identify, version),
    )


BENCHMARK = _benchmark("test", "a world of the demonstration's own, shaped as the paper's table 1")
VERSIONS = (
    BENCHMARK,
    _benchmark("selection", "for choosing hyper-parameters; not to be reported"),
    _benchmark("hard", "words of six letters, where training has three to five"),
)
"""The first is what `tiny_instruct` without a version means."""
