from pathlib import Path

import pytest

from harness.assets import Library
from harness.errors import DataError
from harness.pairing import against, alone
from harness.types import Generation
from tests.records import generation, prompt

ASSETS = Library({}, [], Path("nowhere"))


def answers(*texts: str) -> list[Generation]:
    return [generation(text, prompt=prompt(f"q{n}")) for n, text in enumerate(texts)]


def test_each_answer_meets_the_baselines_answer_to_the_same_prompt() -> None:
    compare = against(lambda _: answers("x", "y", "z")[::-1])
    pairs = compare(answers("a", "b")[::-1], ASSETS)
    texts = [(pair.candidate.text, pair.baseline and pair.baseline.text) for pair in pairs]
    assert texts == [("b", "y"), ("a", "x")]


def test_a_baseline_without_an_answer_is_an_error_that_names_the_prompt() -> None:
    with pytest.raises(DataError, match=r"1 of 2 have none \(first: q1"):
        against(lambda _: answers("x"))(answers("a", "b"), ASSETS)


def test_alone_means_without_a_baseline() -> None:
    assert [c.baseline for c in alone(answers("a", "b"), ASSETS)] == [None, None]
