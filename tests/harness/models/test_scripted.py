"""The model whose answers a function writes."""

from harness.models.scripted import Scripted, build
from harness.types import Decoding, ModelOptions, Prompt, Response
from tests.harness.models.calling import Diary, asking


def test_it_says_what_the_function_says() -> None:
    model = Scripted(lambda prompt: prompt.id.upper())
    assert [one.text for one in model.generate(asking(2))] == ["Q0", "Q1"]


def test_a_whole_response_is_passed_on() -> None:
    response = Response("a", finish_reason="length")
    [generation] = Scripted(lambda _: response).generate(asking(1))
    assert generation.responses == (response,)


def test_it_remembers_what_it_was_asked() -> None:
    model = Scripted(lambda _: "a")
    prompts = asking(3)
    model.generate(prompts[:2])
    model.generate(prompts[2:])
    assert model.asked == prompts


def test_each_turn_is_answered_with_what_was_asked_up_to_it() -> None:
    prompt = Prompt("p", ("one", "two"), Decoding(1))
    [generation] = Scripted(lambda seen: "+".join(seen.turns)).generate([prompt])
    assert [one.text for one in generation.responses] == ["one", "one+two"]


def test_a_generation_holds_the_whole_prompt_and_the_name() -> None:
    prompt = Prompt("p", ("one", "two"), Decoding(1))
    [generation] = Scripted(lambda _: "a", name="me").generate([prompt])
    assert (generation.prompt, generation.model) == (prompt, "me")


def test_its_identity_is_its_name() -> None:
    assert Scripted(lambda _: "a", name="me").identity == {"model": "me"}


def test_the_watch_sees_every_call_and_answer() -> None:
    diary = Diary()
    generations = Scripted(lambda _: "a").generate(asking(3), diary)
    assert (len(diary.started_at), diary.answers) == (3, generations)


def test_a_constant_model_is_named_by_what_it_says() -> None:
    model = build("scripted:I choose: m", ModelOptions())
    assert [g.text for g in model.generate(asking(2))] == ["I choose: m"] * 2
    assert model.name == "scripted:I choose: m"
