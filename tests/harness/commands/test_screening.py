from dataclasses import replace

from harness.commands.screening import suspicions
from harness.pipeline import Answers
from harness.types import Comparison, Generation, Verdict
from tests.records import generation, prompt

WORDS = ("Paris lies on the Seine", "A haiku has three lines", "Iron melts when it is hot enough")


def answers(*texts: str) -> Answers:
    said = [generation(text, prompt=prompt(f"q{n}")) for n, text in enumerate(texts)]
    return Answers("mine", {}, said)


def verdicts(ours: Answers, baseline: tuple[str, ...]) -> list[Verdict]:
    """Both orders of each pair."""
    theirs = answers(*baseline).generations
    pairs = [Comparison(one, other) for one, other in zip(ours.generations, theirs, strict=True)]
    return [Verdict(order, "j", 0.5) for pair in pairs for order in (pair, pair.swap())]


def test_copies_of_the_baseline_are_found_in_either_order() -> None:
    ours = answers(*WORDS)
    assert suspicions(ours, verdicts(ours, WORDS)) == [
        "red flag: 3 of 3 answers are the baseline's"
    ]


def test_honest_answers_are_left_alone() -> None:
    ours = answers(*WORDS)
    assert suspicions(ours, verdicts(ours, ("one", "two", "three"))) == []


def test_growth_is_measured_against_the_parent() -> None:
    ours = answers(*(f"{one} {one[::-1] * 20}" for one in WORDS))
    (flag,) = suspicions(ours, [], answers(*WORDS))
    assert "times as long" in flag


def test_every_turn_is_screened_and_a_missing_answer_is_none() -> None:
    asked = prompt("Hi", "And?")
    silent = Generation(prompt("q9"), "mine", (), "too long")
    said = [generation(f"{word} first", "I win", prompt=asked) for word in "abc"]
    flags = suspicions(Answers("mine", {}, [*said, silent]), [])
    assert flags == ["red flag: 3 of 6 answers are the same"]


def test_empty_and_cut_answers_are_told() -> None:
    """Refused prompts are none of them: those are unread already."""
    said = answers("", "", "", "cut", "cut", "cut")
    cut = [
        replace(one, responses=(replace(one.responses[0], finish_reason="length"),))
        for one in said.generations[3:]
    ]
    refused = replace(said.generations[0], responses=(), failure="too long")
    ours = said._replace(generations=[*said.generations[:3], *cut, refused])
    told = suspicions(ours, [])
    assert "3 of 6 answers are empty" in told
    assert "3 of 6 answers were cut at the most tokens" in told
