import json
from dataclasses import dataclass
from typing import Any

import pytest

from benchmarks.mt_bench import BENCHMARK, CORRECTED, PAIRWISE
from benchmarks.mt_bench.parity import ASKED, PAIR_JUDGMENTS, upstream_means, verify_asking
from harness.types import Assets, Check
from tests.benchmarks.mt_bench.records import SHELF, single

GRANITE = "mt_bench/model_judgment/gpt-4_single/granite-7b-lab.jsonl"


@dataclass
class Changed:
    """Official files, one row of one of them changed; no other judgments are there."""

    official: Assets
    name: str
    changes: dict[str, Any]

    def read(self, name: str, /) -> bytes:
        content = self.official.read(name)
        if name != self.name:
            return content
        first, rest = content.split(b"\n", 1)
        return json.dumps({**json.loads(first), **self.changes}).encode() + b"\n" + rest

    def has(self, name: str, /) -> bool:
        return self.official.has(name)

    def names(self, prefix: str, /) -> list[str]:
        return [name for name in self.official.names(prefix) if name == self.name]


@pytest.fixture(scope="module")
def checks(official: Assets) -> list[Check]:
    return BENCHMARK.verify(official)


def test_every_published_mean_of_69_models_is_recomputed(checks: list[Check]) -> None:
    assert [check.claim for check in checks if not check.holds] == []
    assert [(check.n, check.limit) for check in checks[:3]] == [(69, 1e-9)] * 3


def test_every_published_rating_is_read_from_the_judges_words(checks: list[Check]) -> None:
    assert (checks[3].n, checks[3].largest) == (11208, 0)
    assert checks[3].notes == ("ratings outside 1 to 10 that upstream counts and we do not: 2",)


def test_the_judges_prompts_are_built_to_the_byte(checks: list[Check]) -> None:
    assert (checks[4].n, checks[4].largest) == (160, 0)


@pytest.mark.parametrize(
    ("model", "upstream", "ours"),
    [
        ("granite-7b-lab", "40 of 160 rows to 7.40", "38 of 160 turns, too few for a score"),
        ("mistral-orpo", "319 of 320 rows to 5.86", "60 of 160 turns, too few for a score"),
        ("gemma-SFT", "159 of 160 rows to 3.04", "159 of 160 turns, whose mean is 3.04"),
    ],
)
def test_models_that_are_counted_otherwise_are_named(
    checks: list[Check], model: str, upstream: str, ours: str
) -> None:
    assert f"{model}: upstream averages {upstream}; we read {ours}" in checks[0].notes
    assert len(checks[0].notes) == 7


def test_every_published_winner_is_read_from_the_judges_words(official: Assets) -> None:
    assert [(check.n, check.holds) for check in PAIRWISE.verify(official)] == [
        (150, True),
        (147, True),
    ]


def test_the_corrected_version_says_what_is_not_proven(official: Assets) -> None:
    reading, average = CORRECTED.verify(official)
    assert reading.holds
    assert (average.n, average.provable) == (0, False)


def holding(official: Assets, name: str, **changes: Any) -> list[bool]:
    return [check.holds for check in BENCHMARK.verify(Changed(official, name, changes))]


def test_one_altered_rating_is_noticed(official: Assets) -> None:
    """The first row of the file is of the second turn."""
    altered = holding(official, GRANITE, score=7, judgment="[[8]]")
    assert altered == [True, False, False, False, True]


def test_a_judges_prompt_that_was_altered_is_noticed(official: Assets) -> None:
    assert holding(official, ASKED, user_prompt="Q") == [True, True, True, True, False]


def test_a_winner_that_was_altered_is_noticed(official: Assets) -> None:
    altered = Changed(official, PAIR_JUDGMENTS, {"g1_winner": "tie"})
    assert [check.holds for check in PAIRWISE.verify(altered)] == [False, True]


def test_nothing_to_recompute_proves_nothing(official: Assets) -> None:
    assert not any(holding(official, "none")[:4])


def test_without_published_judgments_there_is_nothing_to_ask_or_read() -> None:
    (winners,) = PAIRWISE.verify(SHELF)
    asking = verify_asking(SHELF)
    assert [(check.n, check.holds) for check in (winners, asking)] == [(0, False)] * 2


def test_upstream_drops_minus_one_keeps_zero_and_counts_a_row_each_time() -> None:
    rows = [single(score=8), single(score=8), single(score=0), single(turn=2, score=-1)]
    rows += [single(turn=2, score=4)]
    assert upstream_means(rows) == {
        "first_turn": pytest.approx(16 / 3),
        "second_turn": 4,
        "average": 5,
    }
