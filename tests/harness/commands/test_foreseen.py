"""What a model will have answered, nobody asked."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.assets import Library
from harness.commands.foreseen import asking_as, foresee, unanswered
from harness.models.scripted import Scripted
from harness.pairing import Compare, against, alone
from harness.store import Cached, Store
from harness.types import Model
from tests.records import benchmark, generation, prompt

NO_ASSETS = Library({}, [], Path("no cache"))
Q0, Q1 = prompt("q0"), prompt("q1")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.sqlite") as opened:
        yield opened


def kept(store: Store, name: str = "hf:a") -> Cached:
    return Cached(Scripted(lambda _: "yes", name), store, "run")


def texts(model: Model, place: int = 1) -> list[str]:
    return [one.text for one in foresee(benchmark(), model, NO_ASSETS, place)]


def test_what_is_stored_is_foreseen_as_it_is(store: Store) -> None:
    model = kept(store)
    model.generate([Q1])
    assert texts(model) == ["no ", "yes"]


def test_an_open_answer_is_as_long_as_the_baselines_and_unlike_every_other(store: Store) -> None:
    assert texts(kept(store), place=1) == ["no ", "no "]
    assert texts(kept(store), place=3) == ["no   ", "no   "]


@pytest.mark.parametrize("compare", [alone(), lambda _answers, _assets: []])
def test_an_open_answer_that_nothing_is_compared_with_is_short(
    store: Store, compare: Compare
) -> None:
    foreseen = foresee(benchmark(compare=compare), kept(store), NO_ASSETS)
    assert [one.text for one in foreseen] == [" ", " "]


def test_every_turn_of_an_open_answer_is_foreseen(store: Store) -> None:
    asked = prompt("q0", "and then?")
    base = generation("no", "never", prompt=asked)
    turns = benchmark(load=lambda _: [asked], compare=against(lambda _: [base], (0, 1)))
    (foreseen,) = foresee(turns, kept(store), NO_ASSETS)
    assert [response.text for response in foreseen.responses] == ["no ", "never "]


def test_foreseeing_asks_nobody_even_when_two_prompts_ask_the_same(store: Store) -> None:
    asked = Scripted(lambda _: "yes")
    twins = benchmark(load=lambda _: [Q0, prompt("q0", id="q1")])
    foreseen = foresee(twins, Cached(asked, store, "run"), NO_ASSETS)
    assert ([one.prompt.id for one in foreseen], asked.asked) == (["q0", "q1"], [])


def test_foreseen_answers_stand_in_the_order_of_the_prompts(store: Store) -> None:
    model = kept(store)
    model.generate([Q0])
    foreseen = foresee(benchmark(load=lambda _: [Q1, Q0]), model, NO_ASSETS)
    assert [(one.prompt, one.text) for one in foreseen] == [(Q1, "no "), (Q0, "yes")]


def test_only_a_store_knows_what_is_unanswered(store: Store) -> None:
    assert unanswered(Scripted(lambda _: ""), [Q0]) == []
    assert unanswered(kept(store), [Q0]) == [Q0]


def test_prompts_with_other_choices_ask_something_else() -> None:
    one, other = (replace(Q0, id=id_, choices=(id_,)) for id_ in ("a", "b"))
    assert asking_as([one], [one, other, replace(one, id="c")]) == [one, replace(one, id="c")]
