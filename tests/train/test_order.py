"""The order of examples, and the rate of each step."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.order import order, pace

sizes = st.lists(st.integers(1, 9), min_size=1, max_size=30)


@given(sizes, st.integers(1, 8), st.integers(1, 4))
def test_every_epoch_has_each_example_once(known: list[int], batch_size: int, epochs: int) -> None:
    got = order(known, batch_size=batch_size, rows=epochs * len(known), seed=0)
    assert sorted(got) == sorted(epochs * list(range(len(known))))


@given(sizes, st.integers(1, 8))
def test_a_step_is_sorted_by_size(known: list[int], batch_size: int) -> None:
    got = order(known, batch_size=batch_size, rows=len(known), seed=0)
    for at in range(0, len(got), batch_size):
        step = [known[index] for index in got[at : at + batch_size]]
        assert step == sorted(step)


@given(sizes, st.integers(1, 8))
def test_which_examples_share_a_step_does_not_depend_on_their_size(
    known: list[int], batch_size: int
) -> None:
    def steps(of: list[int]) -> list[set[int]]:
        got = order(of, batch_size=batch_size, rows=len(of), seed=3)
        return [set(got[at : at + batch_size]) for at in range(0, len(got), batch_size)]

    assert steps(known) == steps([1] * len(known))


def test_a_part_of_an_epoch_is_as_long_as_asked() -> None:
    assert len(order([1] * 10, batch_size=4, rows=13, seed=0)) == 13


def test_epochs_and_seeds_differ() -> None:
    first, again, other = (
        order([1] * 50, batch_size=50, rows=100, seed=seed) for seed in (0, 0, 1)
    )
    assert first == again != other
    assert first[:50] != first[50:]


@pytest.mark.parametrize(
    ("schedule", "at", "factor"),
    [
        ("linear", 0, 0.0),
        ("linear", 5, 0.5),  # half of 10 steps of warm-up
        ("linear", 10, 1.0),
        ("linear", 55, 0.6),  # half-way from 1 down to 0.2
        ("linear", 100, 0.2),
        ("linear", 500, 0.2),
        ("cosine", 55, 0.6),
        ("cosine", 32.5, 0.2 + 0.8 * (1 + math.cos(math.pi / 4)) / 2),
        ("cosine", 100, 0.2),
        ("constant", 5, 0.5),
        ("constant", 99, 1.0),
    ],
)
def test_the_rate_rises_and_falls_as_asked(schedule: str, at: int, factor: float) -> None:
    assert pace(schedule, steps=100, warmup=0.1, floor=0.2)(at) == pytest.approx(factor)


def test_without_a_warm_up_the_first_step_is_the_fastest() -> None:
    assert pace("linear", steps=10, warmup=0, floor=0)(0) == 1


def test_a_training_inside_the_warm_up_only_rises() -> None:
    # SPPO's: a schedule of 18 epochs, of which 1.8 are warm-up, left after the first
    factor = pace("linear", steps=18 * 300, warmup=0.1, floor=0)
    assert factor(300) == pytest.approx(1 / 1.8)
