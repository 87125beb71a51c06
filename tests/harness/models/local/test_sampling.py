import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from scipy.stats import chisquare

from harness.models.local.sampling import Draws, Ends, Request, draw, noise, nucleus, score, seed_of
from harness.types import Decoding, Prompt

PROMPT = Prompt("a", ("First?", "Second?"), Decoding(8, temperature=0.7), system="Be brief.")
LOGITS = torch.tensor([2.0, 1.0, 0.5, 0.0, -3.0])


def drawn(n: int, temperature: float = 1.0, top_p: float | None = None) -> list[int]:
    """How often each token is drawn in `n` rows with seeds 0, 1, 2 …"""
    uniform_S = torch.tensor([noise(seed, 1)[0] for seed in range(n)], dtype=torch.float64)
    top_p_S = None if top_p is None else torch.full((n,), top_p)
    tokens_S = draw(LOGITS.expand(n, -1), torch.full((n,), temperature), top_p_S, uniform_S)
    return tokens_S.bincount(minlength=len(LOGITS)).tolist()


def request(n: int = 8, seed: int = 0, **decoding: Any) -> Request:
    return Request([1], replace(Decoding(n), **decoding), seed)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_are_drawn_as_often_as_the_softmax_says(temperature: float) -> None:
    expected = torch.softmax(LOGITS.double() / temperature, -1) * 20_000
    assert chisquare(drawn(20_000, temperature), expected.numpy()).pvalue > 0.001


def test_top_p_draws_from_the_nucleus_in_proportion() -> None:
    counts = drawn(20_000, top_p=0.8)  # 0.57 + 0.21 fall short of 0.8, 0.13 more is enough
    expected = torch.softmax(LOGITS[:3].double(), -1) * 20_000
    assert counts[3:] == [0, 0]
    assert chisquare(counts[:3], expected.numpy()).pvalue > 0.001


def test_steps_of_one_sequence_are_independent_draws() -> None:
    counts = torch.tensor(noise(7, 20_000)).mul(10).long().bincount()
    pairs = torch.tensor(noise(7, 20_000)).mul(4).long().view(-1, 2) @ torch.tensor([4, 1])
    assert chisquare(counts.numpy()).pvalue > 0.001
    assert chisquare(pairs.bincount().numpy()).pvalue > 0.001


@pytest.mark.parametrize("top_p", [0.1, 0.5, 0.9, 0.99])
def test_the_nucleus_is_that_of_transformers(top_p: float) -> None:
    from transformers import TopPLogitsWarper

    logits_S_V = torch.randn(50, 40, generator=torch.Generator().manual_seed(0))
    ids_S_1 = torch.zeros(50, 1, dtype=torch.long)
    theirs = TopPLogitsWarper(top_p)(ids_S_1, logits_S_V) > -math.inf
    ours = nucleus(torch.softmax(logits_S_V.double(), -1), torch.full((50,), top_p)) > 0
    assert torch.equal(ours, theirs)


def test_a_row_of_top_p_1_keeps_every_token() -> None:
    rounded = torch.tensor([[1.0, 1e-20]])
    assert nucleus(rounded, torch.ones(1)).tolist() == rounded.tolist()


def test_tokens_that_tie_at_the_edge_of_the_nucleus_stay() -> None:
    probs = torch.tensor([[0.4, 0.2, 0.2, 0.2]])
    assert nucleus(probs, torch.tensor([0.5])).tolist() == probs.tolist()


@pytest.mark.parametrize(("uniform", "token"), [(0.0, 1), (1 - 2**-53, 2)])
def test_a_token_of_probability_zero_is_never_drawn(uniform: float, token: int) -> None:
    logits = torch.tensor([[-math.inf, 0.3, 0.1, -math.inf]])
    uniform_S = torch.tensor([uniform], dtype=torch.float64)
    assert draw(logits, torch.ones(1), None, uniform_S).item() == token


def test_a_longer_run_begins_with_a_shorter_one() -> None:
    assert noise(5, 100)[:10] == noise(5, 10)


@pytest.mark.parametrize(
    "other",
    [
        replace(PROMPT, turns=("First?", "Other?")),
        replace(PROMPT, system=None),
        replace(PROMPT, decoding=replace(PROMPT.decoding, sample=1)),
        replace(PROMPT, decoding=replace(PROMPT.decoding, temperature=0.8)),
    ],
)
def test_another_request_has_another_seed(other: Prompt) -> None:
    assert seed_of(other, 0) != seed_of(PROMPT, 0)


def test_each_turn_has_a_seed_of_its_own() -> None:
    assert seed_of(PROMPT, 0) != seed_of(PROMPT, 1)


def test_a_prompt_of_another_name_has_the_same_seed() -> None:
    assert seed_of(replace(PROMPT, id="b"), 0) == seed_of(PROMPT, 0)


def test_seeds_stay_what_they_are_in_stored_runs() -> None:
    assert seed_of(PROMPT, 0) == 185482790805799091253295874579398666750


def test_scores_are_log_probabilities_likeliest_first() -> None:
    [scored] = score(LOGITS[None], torch.tensor([3]), k=2)
    logps = torch.log_softmax(LOGITS, -1).tolist()
    assert scored.chosen == pytest.approx(logps[3])
    assert [token for token, _ in scored.top] == [0, 1]
    assert [logprob for _, logprob in scored.top] == pytest.approx(logps[:2])


def test_more_scores_than_tokens_are_all_of_them() -> None:
    [scored] = score(LOGITS[None], torch.tensor([0]), k=20)
    assert [token for token, _ in scored.top] == [0, 1, 2, 3, 4]


def draw_all(requests: list[Request], *steps: torch.Tensor) -> tuple[Draws, list[list[int]]]:
    """What is drawn at each step from the same logits in all rows."""
    draws, rows_B = Draws(requests, "cpu"), torch.arange(len(requests))
    tokens = [
        draws(logits_V.expand(len(requests), -1), rows_B, step).tolist()
        for step, logits_V in enumerate(steps)
    ]
    return draws, tokens


def test_greedy_rows_beside_sampled_ones_keep_their_likeliest_token() -> None:
    _, tokens = draw_all([request(), request(temperature=2.0, seed=3), request()], *[LOGITS] * 8)
    assert {(first, last) for first, _, last in tokens} == {(0, 0)}
    assert len({middle for _, middle, _ in tokens}) > 1


def test_a_row_of_top_p_1_draws_the_same_beside_one_that_cuts() -> None:
    whole, cut = request(temperature=2.0, seed=3), request(temperature=2.0, top_p=0.3, seed=3)
    _, alone = draw_all([whole], *[LOGITS] * 8)
    _, beside = draw_all([whole, cut], *[LOGITS] * 8)
    assert [first for first, _ in beside] == [only for [only] in alone]
    assert {second for _, second in beside} == {0}  # 0.40 of the mass is beyond 0.3


def test_a_row_draws_with_its_own_numbers_when_others_have_left() -> None:
    requests = [request(temperature=2.0, seed=seed) for seed in range(20)]
    draws, [together] = draw_all(requests, LOGITS)
    rows_B = torch.tensor([3, 17])
    assert draws(LOGITS.expand(2, -1), rows_B, 0).tolist() == [together[3], together[17]]


@pytest.mark.parametrize("logit", [math.nan, math.inf])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_logit_that_is_no_finite_number_is_noticed(logit: float, temperature: float) -> None:
    asked, fine = [request(temperature=temperature)], torch.tensor([-math.inf, 0.0])
    assert not draw_all(asked, fine)[0].broken
    assert draw_all(asked, fine, torch.tensor([0.0, logit]), fine)[0].broken


def test_log_probabilities_are_those_before_temperature_and_top_p() -> None:
    draws, _ = draw_all([request(temperature=0.5, top_p=0.1, top_logprobs=5)], LOGITS)
    [[scored]] = draws.scored
    expected = torch.log_softmax(LOGITS, -1).tolist()
    assert [logprob for _, logprob in scored.top] == pytest.approx(expected)


def ends_of(requests: list[Request], *steps: str, stop_ids: str = "") -> tuple[Ends, list[str]]:
    """Which rows go on (+) and which have ended (-), after each step's letters."""
    ends = Ends(requests, set(stop_ids.encode()), letters, "cpu")
    rows_B = torch.arange(len(requests))
    seen = []
    for step, drawn_now in enumerate(steps):
        goes_on = ends(torch.tensor(list(drawn_now.encode())), rows_B, step).tolist()
        seen.append("".join("+" if one else "-" for one in goes_on))
    return ends, seen


def test_each_row_ends_at_its_own_limit() -> None:
    ends, seen = ends_of([request(2), request(3)], "ax", "by", "cz")
    assert seen == ["++", "-+", "--"]
    assert [letters(tokens) for tokens in ends.drawn] == ["ab", "xyz"]


def test_a_stop_token_ends_its_row_and_is_drawn() -> None:
    ends, seen = ends_of([request(), request()], "ab", "!c", "d?", stop_ids="!?")
    assert seen == ["++", "-+", "--"]
    assert [letters(tokens) for tokens in ends.drawn] == ["a!", "bc?"]


def test_a_row_that_has_ended_does_not_go_on() -> None:
    ends, seen = ends_of([request(stop=("b",)), request()], "ax", "by", "cz", "b.", stop_ids=".")
    assert seen == ["++", "-+", "-+", "--"]
    assert [letters(tokens) for tokens in ends.drawn] == ["ab", "xyz."]


def test_rows_are_told_apart_by_their_requests_when_others_have_left() -> None:
    ends = Ends([request(stop=("a",)), request(1), request(stop=("b",))], {}, letters, "cpu")
    tokens_B, rows_B = torch.tensor(list(b"ab")), torch.tensor([2, 0])
    assert ends(tokens_B, rows_B, 0).tolist() == [True, True]
    assert ends(tokens_B, rows_B.flip(0), 1).tolist() == [False, False]
    assert [letters(tokens) for tokens in ends.drawn[::2]] == ["ba", "ab"]


def test_a_stop_string_that_spans_tokens_ends_its_row() -> None:
    _, seen = ends_of([request(stop=("bc",)), request()], "aa", "bb", "cc", "dd")
    assert seen == ["++", "++", "-+", "-+"]


def test_a_stop_string_is_looked_for_in_the_end_of_a_long_answer() -> None:
    _, seen = ends_of([request(99, stop=("yz", "longer than y"))], *"x" * 50, *"yz")
    assert seen == ["+"] * 51 + ["-"]


def letters(ids: list[int]) -> str:
    return bytes(ids).decode()
