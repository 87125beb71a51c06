"""Classes of prompts: how they are asked for, read, written and found again."""

import pytest

from harness.classes import (
    KINDS,
    PUBLISHED,
    Classes,
    questions,
    read_answers,
    read_class,
    read_rows,
    written,
)
from harness.errors import DataError
from tests.records import generation, prompt

PROMPTS = [prompt("How do I boil an egg?", id="s/0"), prompt("Prove it.", id="s/1")]
COOKING = Classes("Cooking / Recipes", "2", "1 paragraph")


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_counts_are_of_all_805_prompts(kind: str) -> None:
    assert sum(PUBLISHED[kind].values()) == 805


def test_there_are_twenty_categories_ten_degrees_and_five_lengths() -> None:
    assert [len(PUBLISHED[kind]) for kind in KINDS] == [20, 10, 5]


def test_each_prompt_is_asked_about_twice_and_quoted() -> None:
    asked = questions(PROMPTS)
    assert [one.id for one in asked] == [
        "s/0/category",
        "s/0/demands",
        "s/1/category",
        "s/1/demands",
    ]
    assert all("boil an egg" in one.turns[0] for one in asked[:2])


def test_a_question_names_every_class_that_may_be_chosen() -> None:
    category, demands = (one.turns[0] for one in questions(PROMPTS[:1]))
    assert all(name in category for name in PUBLISHED["category"])
    assert all(name in demands for name in PUBLISHED["expected_length"])


def test_a_prompt_with_braces_is_asked_about_as_it_is() -> None:
    assert "{asked} {0}" in questions([prompt("{asked} {0}")])[0].turns[0]


@pytest.mark.parametrize(
    ("said", "kind", "name"),
    [
        ("Eggs.\nCategory: Cooking / Recipes", "category", "Cooking / Recipes"),
        ("Category: Cooking / Recipes \n", "category", "Cooking / Recipes"),
        ("Category: A\nCategory: Cooking / Recipes", "category", "Cooking / Recipes"),
        ("Category: Cooking", "category", None),
        ("It is Category: Cooking / Recipes", "category", None),
        ("Complexity: 10\nLength: 1 sentence", "complexity", "10"),
        ("Complexity: 11", "complexity", None),
        ("Complexity: 3/10", "complexity", None),
        ("Complexity: 10\nLength: 1-3 sentences", "expected_length", "1-3 sentences"),
        ("", "expected_length", None),
    ],
)
def test_only_the_form_asked_is_read(said: str, kind: str, name: str | None) -> None:
    assert read_class(generation(said), kind) == name


def test_answers_are_read_two_by_two() -> None:
    said = (
        "Category: Cooking / Recipes",
        "Complexity: 2\nLength: 1 paragraph",
        "no",
        "Complexity: 9",
    )
    assert read_answers([generation(one) for one in said]) == [COOKING, Classes(None, "9", None)]


def test_classes_that_are_written_are_read_again() -> None:
    given = [COOKING, Classes(None, None, None)]
    rows = written(PROMPTS, given)
    assert rows[0]["complexity"] == 2
    assert read_rows(rows, PROMPTS) == {"s/0": given[0], "s/1": given[1]}


def test_rows_without_an_id_are_found_by_their_instruction() -> None:
    twins = [prompt("same", id="s/0"), prompt("same", id="s/1")]
    rows = [{"instruction": "same", "category": "Cooking / Recipes"}]
    assert {*read_rows(rows, twins)} == {"s/0", "s/1"}


def test_rows_of_other_prompts_are_left_out() -> None:
    assert {*read_rows(written(PROMPTS, [COOKING, COOKING]), PROMPTS[:1])} == {"s/0"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"category": None}], "under 'id' or 'instruction' in row 0"),
        ([{"id": "s/0"}, {"id": "s/0"}], "row 1 repeats s/0"),
        ([{"id": "s/0", "complexity": 12}], "under 'complexity' in row 0"),
        ([{"id": "t/0"}], "came none"),
    ],
)
def test_files_of_another_form_are_refused(rows: list[dict[str, object]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_rows(rows, PROMPTS)
