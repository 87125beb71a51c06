import pytest

from harness.errors import SpecError
from harness.types import Unread
from tests.records import comparison, generation, prompt
from train.demo.benchmarks.tiny_instruct.rubric import RUBRIC, shows_candidate_first
from train.demo.sets import prompts


@pytest.mark.parametrize(
    ("said", "chance"), [("0", 0), ("1", 1), ("0.25", 0.25), ("1.00", 1), ("0.7", 0.7)]
)
def test_the_chance_of_the_second_response_is_read(said: str, chance: float) -> None:
    assert RUBRIC.read(generation(f" P={said}\n")) == chance


@pytest.mark.parametrize("said", ["", "2", "1.5", "-0.5", ".5", "0.", "1e-3", "0.5 or so", "nan"])
def test_other_numbers_are_unread(said: str) -> None:
    assert RUBRIC.read(generation(f"P={said}")) == Unread(f"not P= and a number: {'P=' + said!r}")


def test_a_number_alone_is_unread() -> None:
    assert isinstance(RUBRIC.read(generation("0.5")), Unread)


def test_the_baseline_is_shown_first_and_texts_stay_as_they_are() -> None:
    (asked,) = RUBRIC.ask(comparison("{first} c", "{request} b", prompt("{second} q"))).turns
    assert '<response number="1">\n{request} b\n</response>' in asked
    assert '<response number="2">\n{first} c\n</response>' in asked
    assert "<request>\n{second} q\n</request>" in asked


def test_about_half_of_the_prompts_show_the_candidate_first() -> None:
    shown = [shows_candidate_first(comparison("a", "b", prompt(one))) for one in prompts("test")]
    assert sum(shown) / 400 == pytest.approx(0.5, abs=0.1)


def test_the_order_does_not_depend_on_who_answers() -> None:
    one = comparison("a", "b", prompt("copy:ab="))
    assert shows_candidate_first(one) == shows_candidate_first(one.swap())


def test_a_response_alone_is_not_compared_with_nothing() -> None:
    with pytest.raises(SpecError, match="'tiny_instruct' rates nobody alone"):
        RUBRIC.ask(comparison("c", None))
