import gzip
import json
import re
from math import isclose
from pathlib import Path
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.pricing import (
    either,
    estimate_tokens,
    longest,
    most,
    paid,
    price,
    total,
)
from harness.types import Decoding, Prompt, Response, Usage


def test_prompt_and_completion_tokens_have_prices_of_their_own() -> None:
    cost = price("openai:gpt-4-1106-preview", Usage(1_000_000, 100_000))
    assert cost is not None
    assert isclose(cost, 10 + 3)


def test_a_snapshot_may_cost_other_than_its_alias() -> None:
    usage = Usage(1000, 1000)
    assert price("openai:gpt-4o-2024-05-13", usage) != price("openai:gpt-4o", usage)


@pytest.mark.parametrize(
    "name", ["hf:/models/iter3", "replay:answers.json", "scripted", "vllm:a/b"]
)
def test_a_model_on_the_own_machine_costs_nothing(name: str) -> None:
    assert price(name, Usage(1000, 1000)) == 0.0


@pytest.mark.parametrize(
    "name", ["openai:gpt-4-turbo-of-tomorrow", "http://host:1/v1#gpt-4", "anthropic:gpt-4"]
)
def test_a_price_that_is_not_known_is_not_guessed(name: str) -> None:
    assert price(name, Usage(1000, 1000)) is None


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("What is 2 + 2?", 6),
        ("1234567", 3),
        ('"""\n\n\nM', 3),
        ("日本語", 3),
        ("extraordinarily", 2),
    ],
)
def test_a_token_is_a_short_word_or_three_digits_or_a_run_of_signs(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


@given(st.text(), st.text())
def test_the_estimates_of_two_texts_add_up(before: str, after: str) -> None:
    assert estimate_tokens(before + " " + after) == estimate_tokens(before) + estimate_tokens(after)


def filled(template: str, row: dict[str, str]) -> str:
    return re.sub(r"\{(instruction|output_[12])\}", lambda name: row[name[1]], template)


def test_estimates_are_near_what_a_judge_has_counted(mirror: Path) -> None:
    files = mirror / "alpaca_eval"
    folder = files / "evaluators_configs" / "alpaca_eval_clf_gpt4_turbo"
    template = re.sub(r"<\|im_\w+\|>\w*", "", (folder / "alpaca_eval_clf.txt").read_text())
    with gzip.open(files / "annotations_full" / "claude-2.json.gz") as lines:
        rows = [row for row in json.load(lines) if row["raw_completion"]]
    errors = [
        estimate_tokens(filled(template, row)) / row["raw_completion"]["total_tokens"] - 1
        for row in rows
    ]
    assert abs(fmean(errors)) < 0.03
    assert fmean(map(abs, errors)) < 0.03


def test_tokens_from_a_cache_of_prompts_have_a_price_of_their_own() -> None:
    cost = price("openai:gpt-4.1", Usage(1_000_000, 0, cached_tokens=400_000))
    assert cost is not None
    assert isclose(cost, 0.6 * 2 + 0.4 * 0.5)


def test_a_cached_price_that_is_not_known_is_not_guessed() -> None:
    assert price("openai:gpt-4-turbo", Usage(10, 1, cached_tokens=4)) is None


@pytest.mark.parametrize("name", ["openai:gpt-4.1", "anthropic:claude-opus-4-6"])
def test_a_batch_costs_half(name: str) -> None:
    usage = Usage(1000, 100, cached_tokens=10)
    direct, batched = price(name, usage), price(name, usage._replace(batched=True))
    assert direct is not None
    assert batched is not None
    assert isclose(batched, direct / 2)


def test_each_turn_is_read_with_what_was_said_before_it() -> None:
    # The system message has 1 token, each turn 1, each answer at most 10.
    prompt = Prompt("p", ("one", "two"), Decoding(10), "sir")
    assert longest(prompt) == Usage((1 + 1) + (1 + 1 + 10 + 1), 20)


@pytest.mark.parametrize(("batched", "usd"), [(False, 2 * 2 + 10 * 8), (True, 2 + 10 * 4)])
def test_the_most_that_prompts_can_cost_is_the_price_of_their_longest_answers(
    *, batched: bool, usd: float
) -> None:
    prompts = [Prompt("p", ("one two",), Decoding(10))]
    most_usd = most("openai:gpt-4.1", prompts, batched=batched)
    assert most_usd is not None
    assert isclose(most_usd, usd / 1e6)


def test_who_sells_no_batches_has_one_price() -> None:
    assert most("hf:a", [Prompt("p", ("one",), Decoding(10))], batched=True) == 0.0


def test_one_unknown_price_makes_the_sum_unknown() -> None:
    assert most("openai:nobody", [Prompt("p", ("one",), Decoding(10))]) is None
    assert most("openai:nobody", []) == 0.0


def test_several_answers_are_added_up() -> None:
    answers = [Response("a", usage=Usage(10, 2, 1)), Response("b", usage=Usage(20, 3, 4))]
    assert total(answers) == Usage(30, 5, 5)
    paid_usd = paid("openai:gpt-4.1", answers)
    assert paid_usd is not None
    assert isclose(paid_usd, (25 * 2 + 5 * 0.5 + 5 * 8) / 1e6)


@pytest.mark.parametrize("name", ["openai:gpt-4.1", "openai:nobody", "hf:a"])
def test_both_prices_of_a_prompt_are_those_of_a_list_with_it_alone(name: str) -> None:
    prompt = Prompt("p", ("one two",), Decoding(10))
    assert either(name, prompt) == (most(name, [prompt]), most(name, [prompt], batched=True))
