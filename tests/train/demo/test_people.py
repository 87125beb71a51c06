from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.demo.people import LONGEST_FILLER, expert, noisy, ranks, several
from train.demo.world import STYLES, Reply, correct, gold, read, utility

PROMPT = "reverse:abcd="
seeds = st.integers(0, 1 << 32)
asked = st.sampled_from([PROMPT, "copy:aaa=", "first:hab=", "length:hhhhh=", "sort:abc="])


def replies(n: int) -> list[Reply]:
    rng = Random(0)
    return [reply for _ in range(n) if (reply := read(noisy(PROMPT, rng)))]


def test_noisy_writers_are_right_in_60_of_100_and_as_verbose_as_said() -> None:
    written = replies(4000)
    assert len(written) == 4000, "all of the form"
    # standard errors: 0.008 and 0.025
    assert sum(reply.answer == "dcba" for reply in written) / 4000 == pytest.approx(0.6, abs=0.03)
    assert sum(reply.filler for reply in written) / 4000 == pytest.approx(1.15, abs=0.1)


def test_every_style_is_written_equally_often() -> None:
    written = replies(3000)
    for style in STYLES:
        assert sum(reply.style == style for reply in written) == pytest.approx(1000, abs=100)


@given(asked, seeds)
def test_wrong_answers_are_of_the_form_too(prompt: str, seed: int) -> None:
    assert read(noisy(prompt, Random(seed))) is not None


def test_the_longest_filler_leaves_room_for_the_end() -> None:
    class Rambling(Random):
        def expovariate(self, lambd: float = 1.0) -> float:
            return 100 / lambd

    reply = read(noisy(PROMPT, Rambling(0)))
    assert reply is not None
    assert reply.filler == LONGEST_FILLER


def test_a_slip_replaces_one_character_by_another_of_its_kind() -> None:
    rng = Random(0)
    wrong = {reply.answer for _ in range(400) if (reply := read(noisy("length:ab=", rng)))}
    # the other operations say a, b, ab and ba; slips are digits
    assert wrong == {"2", "a", "b", "ab", "ba", *"013456"}


@given(asked, seeds)
def test_experts_are_right_and_brief(prompt: str, seed: int) -> None:
    text = expert(prompt, Random(seed))
    assert correct(prompt, text)
    assert utility(prompt, text) == 4
    assert len(text) == len(gold(prompt)) + 2


@given(asked, seeds)
def test_the_same_seed_writes_the_same(prompt: str, seed: int) -> None:
    assert several(prompt, Random(seed)) == several(prompt, Random(seed))


@given(asked, seeds)
def test_ranked_responses_are_two_to_four_and_all_different(prompt: str, seed: int) -> None:
    found = several(prompt, Random(seed))
    assert 2 <= len(found) == len(set(found)) <= 4


def test_one_ranked_response_in_ten_is_off_the_form() -> None:
    rng = Random(0)
    found = [text for _ in range(1000) for text in several(PROMPT, rng)]
    assert len(found) / 1000 == pytest.approx(2.85, abs=0.08)
    assert sum(read(text) is None for text in found) / len(found) == pytest.approx(0.1, abs=0.02)


def test_equals_share_a_rank() -> None:
    #                      4        4       4 - 0.12    0
    texts = ["*dcba.", "+dcba!", "*dcba.x", "*h."]
    assert ranks(PROMPT, texts) == [1, 1, 3, 4]


@given(seeds)
def test_a_better_rank_is_a_higher_utility(seed: int) -> None:
    texts = several(PROMPT, Random(seed))
    ordered = sorted(zip(ranks(PROMPT, texts), texts, strict=True))
    for (rank, text), (next_rank, next_text) in pairwise(ordered):
        better = utility(PROMPT, text) > utility(PROMPT, next_text)
        assert better == (rank < next_rank)
