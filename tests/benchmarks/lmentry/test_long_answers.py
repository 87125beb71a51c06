"""No answer takes long to read, whatever it is made of."""

from time import process_time

import pytest

from benchmarks.lmentry.answer import RIGHT, UNLIKELY
from benchmarks.lmentry.scorers import mark
from tests.benchmarks.lmentry.cases import CASES

LENGTH = 25_000
SECONDS = 0.4
"""Ten times what the slowest takes; a pattern that goes back over all letters takes longer."""


def pieces(task: str) -> list[str]:
    facts = CASES[task].facts
    roles = ("answer", "distractor", "query", "word", "letter", "category", "sentence")
    words = [str(facts[role]) for role in roles if role in facts]
    return [
        *words,
        *(f"{word} " for word in words),
        *(f'"{word}".,' for word in words),
        *(f"the answer is {word}\n" for word in words),
        *(f"the sentence is {word} \n" for word in words),
        *(f"a sentence starting with {word} starts with " for word in words),
        *(f"of the words {word}, and " for word in words),
        '"',
        ".",
        "é",
        "é ",
        "\n",
        "the word ",
        "of ",
        "\0",
        "y",
        "x y ",
    ]


@pytest.mark.parametrize("task", CASES)
def test_a_long_answer_is_read_in_time_linear_in_it(task: str) -> None:
    case = CASES[task]
    example = {"input": case.question, "metadata": case.facts}
    for piece in pieces(task):
        for end in ("\n!", (case.likely or case.right)[0]):
            answer = piece * (LENGTH // len(piece)) + end
            start = process_time()
            mark(task, answer, example)
            assert process_time() - start < SECONDS, (piece, end)


def test_an_answer_of_a_megabyte_is_read() -> None:
    answer = 25_000 * 'The sentence starting with "rivers" is the word rivers. ' + "\n?"
    assert mark("starts_with_word", answer, {"metadata": {"word": "rivers"}}) == UNLIKELY
    assert mark("ends_with_word", answer, {"metadata": {"word": "rivers"}}) == RIGHT
