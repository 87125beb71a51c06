from collections import Counter
from typing import Any

import pytest

from benchmarks.mt_bench.questions import (
    ORIGINAL_REFERENCES,
    Question,
    load,
    load_questions,
    load_references,
    question_id,
)
from harness.errors import DataError
from harness.types import Assets, Decoding
from tests.benchmarks.mt_bench.records import MATHS, PLAIN, SHELF, answer_row


@pytest.mark.parametrize(
    ("category", "temperature"), [("roleplay", 0.7), ("stem", 0.1), ("extraction", 0.0)]
)
def test_a_question_is_sampled_as_its_category_is(category: str, temperature: float) -> None:
    decoding = Question(1, category, ("a", "b")).prompt.decoding
    assert decoding == Decoding(max_tokens=1024, temperature=temperature)


def test_there_are_ten_official_questions_of_two_turns_in_each_of_eight_categories(
    official: Assets,
) -> None:
    questions = load_questions(official)
    assert [one.id for one in questions] == list(range(81, 161))
    assert Counter(len(one.turns) for one in questions) == {2: 80}
    assert set(Counter(one.category for one in questions).values()) == {10}


def test_a_prompt_tells_its_question() -> None:
    assert [question_id(prompt) for prompt in load(SHELF)] == [81, 111]


def test_references_are_found_by_both_turns_of_the_question() -> None:
    references = load_references(ORIGINAL_REFERENCES, SHELF)
    assert references.answers == {MATHS.turns: ("2", "3")}
    assert PLAIN.turns not in references.answers


def test_the_thirty_official_references_are_of_three_categories(official: Assets) -> None:
    references = load_references(ORIGINAL_REFERENCES, official)
    assert len(references.answers) == 30
    assert references.digest.startswith("f957a5bc977b")


@pytest.mark.parametrize("rows", [[answer_row(81)], [answer_row(111, "2")]])
def test_a_question_that_needs_a_reference_and_has_none_is_refused(
    rows: list[dict[str, Any]],
) -> None:
    lacking = SHELF.put(ORIGINAL_REFERENCES, rows)
    with pytest.raises(DataError, match=r"reference answer to both turns of question 111 \(math\)"):
        load_references(ORIGINAL_REFERENCES, lacking)


def test_each_category_is_sampled_at_its_published_temperature(official: Assets) -> None:
    found = {one.category: one.prompt.decoding.temperature for one in load_questions(official)}
    assert found == {
        "writing": 0.7,
        "roleplay": 0.7,
        "reasoning": 0,
        "math": 0,
        "coding": 0,
        "extraction": 0,
        "stem": 0.1,
        "humanities": 0.1,
    }
