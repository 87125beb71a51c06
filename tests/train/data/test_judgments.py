"""Judgments that agree with people, mixed with ordinary demonstrations."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ModelError
from harness.judging import LLMJudge
from harness.models.scripted import Scripted
from harness.types import Judge
from tests import records
from train.data.judgments import Settings, build
from train.examples import Example
from train.workshop import Workshop

RANKED = [
    {"prompt": "p1", "responses": [{"text": "5", "rank": 1}, {"text": "2", "rank": 2}]},
    {"prompt": "p2", "responses": [{"text": "1", "rank": 1}, {"text": "3", "rank": 2}]},
]
"""The judge below rates a response by its own digit: on p2 people think otherwise."""


def made(folder: Path, said: list[str], **settings: object) -> list[Example]:
    def open_judge(name: str, rubric: str, sample: int = 0) -> Judge:
        assert (name, rubric, sample) == ("additive:self", "alpaca_eval", 0)
        model = Scripted(lambda asked: asked.turns[0].split(" or ")[1][0])
        return LLMJudge(records.rubric(), model)

    (folder / "ranked.jsonl").write_text("\n".join(map(json.dumps, RANKED)))
    (folder / "ift.jsonl").write_text('{"prompt": "q", "response": "a"}')
    model = Scripted(lambda _: "")
    nothing: Any = None
    workshop = Workshop(
        model, [], lambda _: model, open_judge, nothing, nothing, folder, said.append
    )
    plain = {"kind": "judgments", "ranked": "./ranked.jsonl"}
    return build(Settings.model_validate(plain | settings), workshop)


def test_the_judgments_that_agree_with_people_are_trained_on(tmp_path: Path) -> None:
    said: list[str] = []
    examples = made(tmp_path, said)
    assert [one.responses[0].text for one in examples] == ["5", "2"]
    assert said[-1].startswith("1 of 2 prompts are ordered")


def test_demonstrations_are_mixed_in_before_them(tmp_path: Path) -> None:
    examples = made(tmp_path, [], sources=[{"file": "./ift.jsonl"}])
    assert [one.responses[0].text for one in examples] == ["a", "5", "2"]


def test_the_seed_draws_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of nine 4s three are kept, as many as there are 5s; of two demonstrations one."""
    texts = ["54"] * 3 + ["43"] * 6
    rows = [
        {"prompt": f"p{n}", "responses": [{"text": text, "rank": -int(text)} for text in pair]}
        for n, pair in enumerate(texts)
    ]
    monkeypatch.setattr("tests.train.data.test_judgments.RANKED", rows)
    sources = [{"file": "./two.jsonl", "limit": 1}]
    two = [json.dumps({"prompt": "q", "response": text}) for text in "ab"]
    (tmp_path / "two.jsonl").write_text("\n".join(two))
    drawn = [made(tmp_path, [], sources=sources, seed=seed) for seed in range(6)]
    assert {examples[0].responses[0].text for examples in drawn} == {"a", "b"}
    assert len({str(examples[1:]) for examples in drawn}) > 1


def test_a_judge_that_never_agrees_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.train.data.test_judgments.RANKED", RANKED[1:])
    with pytest.raises(ModelError, match="expected judgments to learn from, came none"):
        made(tmp_path, [])
