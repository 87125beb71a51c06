import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DataError
from train.preferences import Preference, both_orders, preferences, split

ROW = {"prompt": "p", "chosen": "good", "rejected": "bad"}


def test_rows_become_comparisons() -> None:
    assert preferences([ROW | {"source": "people"}], "f") == [Preference("p", "good", "bad")]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"prompt": "p", "chosen": "a"}, "f, row 2: expected 'rejected' to be a text, came None"),
        (ROW | {"chosen": [1]}, r"row 2: expected 'chosen' to be a text, came \[1\]"),
    ],
)
def test_a_row_that_is_no_comparison_is_told(row: dict[str, object], fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        preferences([ROW, row], "f")


def of(*prompts: str) -> list[Preference]:
    return [Preference(prompt, f"good {n}", "bad") for n, prompt in enumerate(prompts)]


@given(st.lists(st.sampled_from("abcdefgh")), st.floats(0.01, 0.99), st.integers(0, 9))
def test_no_prompt_is_both_learned_from_and_tried_with(
    prompts: list[str], held_out: float, seed: int
) -> None:
    pairs = of("y", "z", *prompts)
    kept, held = split(pairs, held_out, seed)
    assert sorted(kept + held) == sorted(pairs)
    assert kept
    assert held
    assert not {pair.prompt for pair in kept} & {pair.prompt for pair in held}


def test_a_tenth_of_the_prompts_is_a_tenth() -> None:
    kept, held = split(of(*map(str, range(50))), 0.1, 0)
    assert (len(kept), len(held)) == (45, 5)


def test_the_seed_chooses_whatever_the_order_of_the_rows() -> None:
    pairs = of(*map(str, range(30)))
    chosen = [set(split(given, 0.2, seed)[1]) for given, seed in ((pairs, 0), (pairs[::-1], 0))]
    assert chosen[0] == chosen[1] != set(split(pairs, 0.2, 1)[1])


def test_equal_responses_teach_nothing() -> None:
    kept, held = split([*of("a", "b"), Preference("c", "same", "same")], 0.5, 0)
    assert "c" not in {pair.prompt for pair in kept + held}


@pytest.mark.parametrize("pairs", [[], of("a", "a"), [*of("a"), Preference("b", "x", "x")]])
def test_fewer_than_two_prompts_are_refused(pairs: list[Preference]) -> None:
    with pytest.raises(DataError, match=r"to two prompts or more, came [01];"):
        split(pairs, 0.5, 0)


def test_both_orders_are_all_in_one_and_then_all_in_the_other() -> None:
    orders = [tuple(pair) for pair in both_orders(of("a", "b"))]
    assert orders[:2] == [("a", "good 0", "bad"), ("b", "good 1", "bad")]
    assert orders[2:] == [("a", "bad", "good 0"), ("b", "bad", "good 1")]
