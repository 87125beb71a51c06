import pytest

from benchmarks.lmentry.numbers import in_words, spellings


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (20, "twenty"),
        (99, "ninety-nine"),
        (100, "one hundred"),
        (101, "one hundred and one"),
        (342, "three hundred and forty-two"),
    ],
)
def test_numbers_are_said(number: int, said: str) -> None:
    assert in_words(number) == said


def test_a_number_is_spelt_in_three_ways() -> None:
    assert spellings(57) == ("57", "fifty-seven", "fifty seven")


@pytest.mark.parametrize("number", [-1, 1000])
def test_other_numbers_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="from 0 to 999"):
        in_words(number)
