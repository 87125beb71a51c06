from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.errors import DataError, ModelError
from harness.models.scripted import Scripted
from harness.stats.rouge import rouge_l, tokens
from harness.types import UNWATCHED, Decoding, Generation, Model, Prompt, Response, Watch
from train.prompting import Generate, new_prompts

EXAMPLES = [f"example{number} asks its own{number} things" for number in range(10)]


def settings(**fields: Any) -> Generate:
    return Generate.model_validate({"model": "m", "n": 1, "tries": 1} | fields)


def sifted(*answers: str | Response, **fields: Any) -> tuple[list[str], str]:
    """What is kept of the answers and of one that is always kept, and what is told of the rest."""
    said, told = iter([*answers, "what is always kept here"]), list[str]()
    fields = {"n": len(answers) + 1} | fields
    kept = new_prompts(settings(**fields), EXAMPLES, Scripted(lambda _: next(said)), told.append)
    assert kept.pop() == "what is always kept here"
    return kept, told[0].partition("answers dropped: ")[2]


def counting() -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"request{number} names thing{number} and place{number}"


def writer() -> Scripted:
    said = counting()
    return Scripted(lambda _: next(said))


def shown(asked: Prompt) -> list[str]:
    return f"{asked.turns[0]}\n".split("\n###\n")[1:-1]


@pytest.mark.parametrize(
    ("answer", "request_"),
    [
        ("Name the capital of Peru.", "Name the capital of Peru."),
        ("  Name the capital of Peru.\n", "Name the capital of Peru."),
        ("Name the capital of Peru.\n###\nLima", "Name the capital of Peru."),
        ("###\nName the capital of Peru.\n ### \nLima", "Name the capital of Peru."),
        ("Name the sum:\n1 + 1\n\n2 ### 3", "Name the sum:\n1 + 1\n\n2 ### 3"),
    ],
)
def test_the_request_ends_at_a_line_that_divides(answer: str, request_: str) -> None:
    assert sifted(answer) == ([request_], "none")


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("", "too short"),
        ("only three words", "too short"),
        (" ".join(f"w{number}" for number in range(151)), "too long"),
        ("Describe the image that follows", "unfit for a text model"),
        ("Please go to the shop", "unfit for a text model"),
        ("write a program that adds", "unfit for a text model"),
        (Response("Name the capital of", "length"), "cut short"),
        (Response("###\nName the capital of", "length"), "cut short"),
        (EXAMPLES[3], "known already"),
        # 4 of 5 words in order on both sides: 2 * 4 / 10 = 0.8.
        ("example3 asks its own3 questions", "too similar"),
    ],
)
def test_an_answer_with_a_fault_is_dropped_and_counted(answer: str | Response, fault: str) -> None:
    assert sifted(answer) == ([], f"1 {fault}")


@pytest.mark.parametrize(
    "answer",
    [
        "four words are enough",
        " ".join(f"w{number}" for number in range(150)),
        "Imagine a mapmaker of photographs",
        "Explain how to write a program",
        Response("Name the capital of Peru.\n###\nThe cap", "length"),
        "example3 asks for other things",  # 3 of 5: 0.6
        "¿Cuál es la capital del Perú?",
    ],
)
def test_an_answer_without_fault_is_kept(answer: str | Response) -> None:
    assert len(sifted(answer)[0]) == 1


def test_the_limits_are_settings() -> None:
    """ "b c d" and "b c e" have 2 * 2 / 6 in common, which 0.7 would let pass."""
    fields = {"min_words": 1, "max_words": 5, "similarity": 0.6}
    kept, told = sifted("a", "b c d e f g", "b c d", "b c e", **fields)
    assert (kept, told) == (["a", "b c d"], "1 too long, 1 too similar")


def test_new_prompts_differ_from_each_other() -> None:
    first, close = "Name the capital city of Peru", "Name the capital city of Chile"
    assert sifted(first, first, close) == ([first], "1 known already, 1 too similar")


def test_similarity_at_the_limit_is_too_much() -> None:
    """7 of 10 words in order on both sides: 2 * 7 / 20 = 0.7."""
    words = [f"w{number}" for number in range(10)]
    other = [*words[:7], "x", "y", "z"]
    assert sifted(" ".join(words), " ".join(other))[1] == "1 too similar"


@given(st.lists(st.text("ab ", min_size=1, max_size=12), min_size=1, max_size=6))
def test_a_kept_prompt_is_unlike_all_others_by_rouge_l(texts: list[str]) -> None:
    kept, _ = sifted(*texts, min_words=1)
    for number, text in enumerate(kept):
        for other in [*EXAMPLES, *kept[:number]]:
            assert rouge_l(tokens(text), tokens(other)) < 0.7
    for text in {text.strip() for text in texts} - {*kept, ""}:
        assert any(rouge_l(tokens(text), tokens(other)) >= 0.7 for other in kept)


def test_a_question_shows_eight_of_which_two_are_the_models_own() -> None:
    model = writer()
    kept = new_prompts(settings(n=70), EXAMPLES, model, lambda _: None)
    first, last = shown(model.asked[0]), shown(model.asked[-1])
    assert len(set(first)) == len(set(last)) == 8
    assert len({*first} & {*EXAMPLES}) == 8
    assert len({*last} & {*kept[:64]}) == 2


def test_the_models_own_are_shown_at_any_place() -> None:
    model = writer()
    kept = new_prompts(settings(n=300), EXAMPLES, model, lambda _: None)
    places = {
        shown(asked).index(one) for asked in model.asked for one in shown(asked) if one in kept
    }
    assert places == set(range(8))


def test_questions_are_sampled_as_the_settings_say_each_anew() -> None:
    model = writer()
    fields = {"temperature": 0.5, "top_p": 0.8, "max_tokens": 7}
    new_prompts(settings(n=100, **fields), EXAMPLES, model, lambda _: None)
    assert [one.decoding for one in model.asked] == [
        Decoding(7, 0.5, 0.8, sample=number) for number in range(100)
    ]
    assert len({one.id for one in model.asked}) == 100


def test_the_paper_s_decoding_is_the_default() -> None:
    assert (settings().temperature, settings().top_p) == (0.6, 0.9)


def test_the_seed_decides_what_is_shown() -> None:
    def asked(seed: int) -> list[Prompt]:
        model = writer()
        new_prompts(settings(n=70, seed=seed), EXAMPLES, model, lambda _: None)
        return model.asked

    assert asked(1) == asked(1)
    assert asked(1) != asked(2)


def every_second() -> Callable[[Prompt], str]:
    said, odd = counting(), iter([True, False] * 1000)
    return lambda _: "no" if next(odd) else next(said)


def test_it_goes_on_until_there_are_enough() -> None:
    told: list[str] = []
    kept = new_prompts(settings(n=100, tries=3), EXAMPLES, Scripted(every_second()), told.append)
    assert len(kept) == 100
    assert told[0].startswith("100 of 100 new prompts; answers dropped: ")


def test_it_makes_do_with_what_there_is_after_so_many_tries() -> None:
    told: list[str] = []
    model = Scripted(every_second())
    kept = new_prompts(settings(n=101, tries=1), EXAMPLES, model, told.append)
    assert (len(kept), len(model.asked)) == (50, 101)
    assert told == ["50 of 101 new prompts; answers dropped: 51 too short"]


def test_a_refused_question_is_counted() -> None:
    class Refusing(Scripted):
        def generate(self, prompts: Any, watch: Watch = UNWATCHED) -> list[Generation]:
            first, *rest = super().generate(prompts, watch)
            return [Generation(first.prompt, self.name, (), "too long"), *rest]

    told: list[str] = []
    said = counting()
    model: Model = Refusing(lambda _: next(said))
    assert len(new_prompts(settings(n=3), EXAMPLES, model, told.append)) == 2
    assert told == ["2 of 3 new prompts; answers dropped: 1 refused"]


def test_a_model_that_writes_nothing_of_use_is_refused() -> None:
    with pytest.raises(ModelError) as error:
        new_prompts(settings(n=2, tries=2), EXAMPLES, Scripted(lambda _: "no"), lambda _: None)
    assert str(error.value) == (
        "expected 2 new prompts from 'm', came none in 4 answers; answers dropped: 4 too short; "
        "name another model, or widen the limits"
    )


def test_too_few_examples_are_refused() -> None:
    with pytest.raises(DataError, match=r"expected at least 8 prompts .* came 7;"):
        new_prompts(settings(), EXAMPLES[:7], writer(), lambda _: None)


@pytest.mark.parametrize("field", [{"n": 0}, {"similarity": 0}, {"tries": 0}, {"typo": 1}])
def test_settings_are_checked_at_the_door(field: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**field)


def test_what_a_benchmark_asks_is_not_asked_in_training() -> None:
    said: list[str] = []
    held = ["Name the  CAPITAL of Peru."]
    settings = Generate(model="m", n=1, tries=3)
    texts = iter(["Name the capital of Peru.", "Tell me of a famous river"])
    writer = Scripted(lambda _: next(texts))
    assert new_prompts(settings, EXAMPLES, writer, said.append, held) == [
        "Tell me of a famous river"
    ]
    assert "1 held out" in said[0]
