import json
from dataclasses import dataclass

import pytest

from benchmarks.alpaca_eval import BENCHMARK, VERSION_1
from harness.types import Assets, Benchmark


@dataclass
class Changed:
    """Official files, one of them changed."""

    official: Assets
    name: str
    content: bytes

    def read(self, name: str, /) -> bytes:
        return self.content if name == self.name else self.official.read(name)

    def has(self, name: str, /) -> bool:
        return self.official.has(name)

    def names(self, prefix: str, /) -> list[str]:
        return [n for n in self.official.names(prefix) if "annotations" not in n or n == self.name]


def failing(assets: Assets) -> set[str]:
    return {check.claim for check in BENCHMARK.verify(assets) if not check.holds}


def test_every_published_number_of_version_2_is_recomputed(official: Assets) -> None:
    checks = BENCHMARK.verify(official)
    assert [check.claim for check in checks if not check.holds] == []
    assert [check.n for check in checks] == [28, 28, 197, 27, 27, 27, 4814]
    assert [check.limit for check in checks] == [1e-6, 1, 1e-6, 0.02, 0.15, 0.03, 1e-7]


def test_every_published_number_of_version_1_is_recomputed(official: Assets) -> None:
    (check,) = VERSION_1.verify(official)
    assert (check.holds, check.n, check.limit) == (True, 25, 0.01)


@pytest.mark.parametrize(
    ("benchmark", "model"), [(BENCHMARK, "text_davinci_003"), (VERSION_1, "mistral-orpo-beta")]
)
def test_judged_models_that_no_board_lists_are_named(
    official: Assets, benchmark: Benchmark, model: str
) -> None:
    notes = benchmark.verify(official)[0].notes
    assert notes == (f"judged but not on the board: {model}",)


def test_one_altered_judgment_is_noticed(official: Assets) -> None:
    name = "alpaca_eval/annotations/claude-2.jsonl"
    first, rest = official.read(name).split(b"\n", 1)
    altered = json.dumps({**json.loads(first), "preference": 2.0}).encode() + b"\n" + rest
    assert "win rate" in failing(Changed(official, name, altered))


def test_a_misread_raw_answer_is_noticed(official: Assets) -> None:
    name = "alpaca_eval/annotations_full/alpaca-7b.json"
    rows = json.loads(official.read(name))[:3]
    rows[1]["raw_completion"]["logprobs"]["content"][0]["top_logprobs"] = []
    wrong = Changed(official, name, json.dumps(rows).encode())
    assert "preference read from the judge's raw answer" in failing(wrong)


def test_models_that_the_board_lists_are_not_named_as_missing(official: Assets) -> None:
    name = "alpaca_eval/annotations/claude-2.jsonl"
    only = Changed(official, name, official.read(name))
    assert BENCHMARK.verify(only)[0].notes == ()


def test_nothing_to_recompute_proves_nothing(official: Assets) -> None:
    checks = BENCHMARK.verify(Changed(official, "none", b""))
    assert [check.holds for check in checks if check.n == 0] == [False] * 6


@pytest.mark.parametrize("benchmark", [BENCHMARK, VERSION_1], ids=lambda b: b.card.label)
def test_there_are_805_prompts_in_the_baselines_order(
    official: Assets, benchmark: Benchmark
) -> None:
    prompts = benchmark.load(official)
    assert [prompt.id for prompt in prompts] == [f"alpaca_eval/{i}" for i in range(805)]
    assert prompts[0].turns[0].startswith("What are the names of some famous actors")
