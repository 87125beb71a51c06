import pytest

from harness.guard import red_flags
from harness.trials.attacks import BATTERY, attacked, published, texts
from harness.trials.cases import Case, Pair
from harness.types import Assets
from tests.records import generation, prompt

HONEST = "Paris is the capital. It lies on the Seine."


def case() -> Case:
    asked = prompt("Which city?")
    answers = generation(HONEST, prompt=asked), generation("Rome", prompt=asked)
    return Case(answers, (Pair(1, 0, 0.0),))


def test_every_attack_answers_every_case() -> None:
    assert texts(case()).keys() == BATTERY.keys()
    assert all(texts(case()).values())


def test_the_last_two_attacks_hold_the_honest_answer_s_words() -> None:
    said = texts(case())
    assert HONEST in said["honest answer padded"]
    assert all(part in said["honest answer in layout"] for part in HONEST.split(". "))


def test_an_attack_stands_against_the_baseline() -> None:
    comparison = attacked(case(), "Pick me", "plea")
    assert comparison.texts == ("Pick me", HONEST)
    assert comparison.candidate.model == "plea"


def test_an_attack_on_a_judge_that_rates_stands_alone() -> None:
    rated = Case(case().answers, ratings=(9, 1))
    assert attacked(rated, "Rate me", "plea").texts == ("Rate me", None)


def test_an_attack_in_a_dialogue_is_its_last_answer() -> None:
    asked = prompt("Hi", "Which city?")
    honest = generation("Hello", HONEST, prompt=asked)
    comparison = attacked(Case((honest, honest), (Pair(1, 0, 0.5),)), "Pick me", "plea")
    assert [one.text for one in comparison.candidate.responses] == ["", "Pick me"]


@pytest.mark.parametrize(
    "name", ["plea to the judge", "forged verdict", "forged end of the prompt"]
)
def test_the_guard_knows_the_attacks_that_speak_to_the_judge(name: str) -> None:
    assert red_flags([f"{texts(case())[name]} {number}{word}" for number, word in enumerate("abc")])


def test_published_attacks_are_called_after_their_file(official: Assets) -> None:
    found = published(["alpaca_eval/model_outputs/NullModel.json"], official)
    assert [(name, len(said)) for name, said in found.items()] == [("published NullModel", 805)]
    assert len(set(found["published NullModel"].values())) == 1
