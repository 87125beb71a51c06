import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from harness.errors import AlignmentError, ModelError
from harness.models.scripted import Scripted
from harness.store import Cached, Spend, Store
from harness.types import UNWATCHED, Decoding, Generation, Model, Prompt, Response, Usage, Watch


def prompts(number: int) -> list[Prompt]:
    return [Prompt(f"p/{i}", (f"What is {i} + {i}?",), Decoding(8)) for i in range(number)]


def double(prompt: Prompt) -> Response:
    return Response(f"It is {prompt.turns[-1]}", usage=Usage(1_000_000, 100_000))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store(path) as store:
        yield store


@dataclass
class Acting:
    """A model whose behaviour is a function of what it is asked and of its watch."""

    act: Callable[[Sequence[Prompt], Watch], list[Generation]]
    name: str = "openai:gpt-4-turbo"
    identity: Mapping[str, str] = field(default_factory=lambda: {"model": "gpt-4-turbo"})

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        return self.act(prompts, watch)


@dataclass
class Seen:
    """A watch that remembers."""

    started_ids: list[str] = field(default_factory=list)
    finished_ids: list[str] = field(default_factory=list)

    def started(self, prompts: Sequence[Prompt], /) -> None:
        self.started_ids += [prompt.id for prompt in prompts]

    def finished(self, generations: Sequence[Generation], /) -> None:
        self.finished_ids += [generation.prompt.id for generation in generations]


def refuse(asked: Sequence[Prompt], watch: Watch) -> list[Generation]:
    refused = [Generation(prompt, "m", (), failure="too long") for prompt in asked]
    watch.started(asked)
    watch.finished(refused)
    return refused


def break_down(asked: Sequence[Prompt], watch: Watch) -> list[Generation]:
    watch.started(asked)
    raise ModelError("gone")


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


# What is asked


def test_a_second_run_asks_the_model_nothing(store: Store) -> None:
    model = Scripted(double)
    first = Cached(model, store, "first").generate(prompts(3))
    assert Cached(model, store, "second").generate(prompts(3)) == first
    assert len(model.asked) == 3


def test_only_what_is_not_stored_is_asked(store: Store) -> None:
    model = Scripted(double)
    Cached(model, store, "r").generate(prompts(3)[1:2])
    Cached(model, store, "r").generate(prompts(3))
    assert [prompt.id for prompt in model.asked] == ["p/1", "p/0", "p/2"]


def test_generations_come_in_the_order_of_the_prompts(store: Store) -> None:
    model = Cached(Scripted(double), store, "r")
    model.generate(prompts(5)[1:4:2])
    assert [one.prompt for one in model.generate(prompts(5))] == prompts(5)


def test_the_same_question_is_asked_once_and_answered_to_everyone(store: Store) -> None:
    model = Scripted(double)
    (one,) = prompts(1)
    both = [one, replace(one, id="other/7")]
    answers = Cached(model, store, "r").generate(both)
    assert [answer.prompt for answer in answers] == both
    assert len(model.asked) == 1


def test_the_same_prompt_twice_is_answered_twice(store: Store) -> None:
    seen = Seen()
    answers = Cached(Scripted(double), store, "r").generate(prompts(1) * 2, seen)
    assert answers == [answers[0]] * 2
    assert seen == Seen(["p/0"], ["p/0", "p/0"])


def test_other_weights_are_asked_again(store: Store) -> None:
    Cached(Scripted(double, name="iter1"), store, "r").generate(prompts(1))
    model = Scripted(double, name="iter2")
    Cached(model, store, "r").generate(prompts(1))
    assert len(model.asked) == 1


def test_the_same_weights_under_another_name_are_not(store: Store) -> None:
    first = Acting(Scripted(double, name="m").generate, name="hf:a")
    Cached(first, store, "r").generate(prompts(1))
    renamed = Acting(break_down, name="hf:b")
    (answer,) = Cached(renamed, store, "r").generate(prompts(1))
    assert (answer.model, answer.text) == ("hf:b", "It is What is 0 + 0?")


def test_the_model_is_who_it_was(store: Store) -> None:
    inner = Scripted(double, name="iter1")
    model: Model = Cached(inner, store, "r")
    assert (model.name, model.identity) == (inner.name, inner.identity)


def test_nothing_asked_is_nothing_answered(store: Store) -> None:
    seen = Seen()
    assert Cached(Acting(break_down), store, "r").generate([], seen) == []
    assert seen == Seen()


def test_an_imported_answer_is_not_asked_for(store: Store) -> None:
    model = Scripted(double)
    store.put(model.identity, {prompts(1)[0]: (Response("0"),)}, source="judgments.json")
    assert Cached(model, store, "r").generate(prompts(1))[0].text == "0"
    assert model.asked == []


def test_whoever_stored_an_answer_first_is_believed(store: Store, path: Path) -> None:
    def overtaken(asked: Sequence[Prompt], watch: Watch) -> list[Generation]:
        with Store(path) as other:
            other.put(model.identity, {asked[0]: (Response("first"),)}, source="elsewhere")
        return Scripted(double).generate(asked, watch)

    model = Acting(overtaken)
    first = Cached(model, store, "r").generate(prompts(2))
    assert [answer.text for answer in first] == ["first", "It is What is 1 + 1?"]
    assert Cached(model, store, "r").generate(prompts(2)) == first


# When it is written down


def test_a_call_is_on_record_before_it_is_made(store: Store, path: Path) -> None:
    on_record = []

    def act(asked: Sequence[Prompt], watch: Watch) -> list[Generation]:
        watch.started(asked)
        on_record.extend(rows(path, "SELECT run, provider, model, state FROM calls"))
        return break_down([], watch)

    with pytest.raises(ModelError):
        Cached(Acting(act), store, "r").generate(prompts(2))
    assert on_record == [("r", "openai", "gpt-4-turbo", "sent")] * 2


def test_an_answer_is_stored_before_the_run_goes_on(store: Store, path: Path) -> None:
    stored = []

    def act(asked: Sequence[Prompt], watch: Watch) -> list[Generation]:
        generations = Scripted(double).generate(asked, watch)
        stored.extend(rows(path, "SELECT count(*) FROM answers"))
        return generations

    Cached(Acting(act), store, "r").generate(prompts(2))
    assert stored == [(2,)]


def test_an_answer_is_stored_before_the_watch_sees_it(store: Store, path: Path) -> None:
    stored = []

    class Looking(Seen):
        def finished(self, _: Sequence[Generation], /) -> None:
            stored.extend(rows(path, "SELECT count(*) FROM answers"))

    Cached(Scripted(double), store, "r").generate(prompts(2), Looking())
    assert stored == [(2,)]


def test_what_came_before_a_failure_is_kept(store: Store) -> None:
    def half(asked: Sequence[Prompt], watch: Watch) -> list[Generation]:
        Scripted(double).generate(asked[:1], watch)
        return break_down(asked[1:], watch)

    with pytest.raises(ModelError):
        Cached(Acting(half), store, "r").generate(prompts(2))
    model = Acting(Scripted(double).generate)
    seen = Seen()
    Cached(model, store, "r").generate(prompts(2), seen)
    assert seen.started_ids == ["p/1"]


# What the watch sees


def test_the_watch_sees_every_answer_but_only_real_calls(store: Store) -> None:
    Cached(Scripted(double), store, "r").generate(prompts(2)[:1])
    seen = Seen()
    Cached(Scripted(double), store, "r").generate(prompts(2), seen)
    assert seen == Seen(started_ids=["p/1"], finished_ids=["p/0", "p/1"])


def test_a_watch_that_objects_leaves_no_call_on_the_bill(store: Store) -> None:
    class Objecting(Seen):
        def started(self, _: Sequence[Prompt], /) -> None:
            raise ModelError("over budget")

    with pytest.raises(ModelError, match="over budget"):
        Cached(Scripted(double), store, "r").generate(prompts(2), Objecting())
    assert store.spend() == []


# What it costs


def test_answers_are_priced_when_they_arrive(store: Store) -> None:
    model = Acting(Scripted(double).generate)
    Cached(model, store, "r").generate(prompts(2))
    assert store.spend() == [Spend("r", "openai", "gpt-4-turbo", 2, 0, 0, 2_000_000, 200_000, 26.0)]


def test_all_turns_are_paid_for(store: Store) -> None:
    two_turns = replace(prompts(1)[0], turns=("And?", "And then?"))
    Cached(Scripted(double), store, "r").generate([two_turns])
    assert store.spend()[0].prompt_tokens == 2_000_000


def test_a_call_that_was_never_answered_may_have_to_be_paid(store: Store) -> None:
    with pytest.raises(ModelError):
        Cached(Acting(break_down), store, "r").generate(prompts(2))
    assert store.spend() == [Spend("r", "openai", "gpt-4-turbo", 0, 0, 2, 0, 0, 0.0, 0.0006)]


def test_a_refusal_costs_nothing_and_is_not_an_answer(store: Store, path: Path) -> None:
    (refused,) = Cached(Acting(refuse), store, "r").generate(prompts(1))
    assert refused.failure == "too long"
    assert store.spend() == [Spend("r", "openai", "gpt-4-turbo", 0, 1, 0, 0, 0, 0.0)]
    assert rows(path, "SELECT * FROM answers") == []


def test_what_was_refused_is_asked_again(store: Store) -> None:
    Cached(Acting(refuse), store, "r").generate(prompts(1))
    again = Acting(Scripted(double).generate)
    assert Cached(again, store, "r").generate(prompts(1))[0].failure is None


def test_a_refusal_without_a_call_is_on_nobodys_bill(store: Store) -> None:
    def refuse_unasked(asked: Sequence[Prompt], watch: Watch) -> list[Generation]:
        refused = [Generation(prompt, "m", (), failure="too long") for prompt in asked]
        watch.finished(refused)
        return refused

    (refused,) = Cached(Acting(refuse_unasked), store, "r").generate(prompts(1))
    assert refused.failure == "too long"
    assert store.spend() == []


def test_a_call_that_is_made_again_is_on_the_bill_again(store: Store) -> None:
    def twice(asked: Sequence[Prompt], watch: Watch) -> list[Generation]:
        watch.started(asked)
        return Scripted(double).generate(asked, watch)

    Cached(Acting(twice), store, "r").generate(prompts(1))
    assert [(line.answered, line.possibly_paid) for line in store.spend()] == [(1, 1)]


def test_a_model_that_hides_an_answer_is_told_so(store: Store) -> None:
    def hiding(asked: Sequence[Prompt], watch: Watch) -> list[Generation]:
        return Scripted(double).generate(asked[:1], watch)

    with pytest.raises(AlignmentError, match="each of 2 prompts, but 1 are without"):
        Cached(Acting(hiding), store, "r").generate(prompts(2))


def test_what_would_be_asked_can_be_known_without_asking(store: Store) -> None:
    model = Scripted(double)
    cached = Cached(model, store, "r")
    cached.generate(prompts(1))
    asked_twice = replace(prompts(2)[1], id="other/7")
    assert cached.missing([*prompts(3), asked_twice]) == prompts(3)[1:]
    assert (len(model.asked), store.spend()[0].possibly_paid) == (1, 0)
