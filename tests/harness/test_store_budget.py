"""A budget: what is asked, in which order, and when it ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import BudgetError, DataError
from harness.models.scripted import Scripted
from harness.pricing import most
from harness.store import Batches, Budgeted, Cached, Store
from harness.types import Model, Prompt, Response, Usage
from tests.harness.models.calling import asking

NAME = "openai:gpt-4.1"
EACH = most(NAME, asking(1)) or 0.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.sqlite") as opened:
        yield opened


def costing(share: float) -> Scripted:
    """A model whose every answer costs this share of the most that it can cost."""
    tokens = round(share * EACH * 1e6 / 2)
    return Scripted(lambda _: Response("yes", usage=Usage(tokens, 0)), NAME)


def _die(_prompt: Prompt) -> str:
    raise KeyError


def within(usd: float, model: Model, store: Store, *, batched: bool = False) -> Cached:
    return Cached(Budgeted(model, store, "r", usd, batched), store, "r")


def spent(model: Cached, prompts: list[Prompt]) -> int:
    """How many prompts are answered when the budget ends."""
    with pytest.raises(BudgetError):
        model.generate(prompts)
    return model.store.spend()[0].answered


def test_enough_is_enough(store: Store) -> None:
    answers = within(11 * EACH, costing(1), store).generate(asking(10))
    assert [one.prompt for one in answers] == asking(10)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1])
def test_the_money_is_used_but_never_exceeded(store: Store, share: float) -> None:
    answered = spent(within(10 * EACH, costing(share), store), asking(500))
    left = 10 * EACH - store.owed("r")
    assert 0 <= left < 1.05 * EACH
    assert answered == pytest.approx(10 / share, abs=2 / share)


def test_no_call_is_started_that_could_exceed_it(store: Store) -> None:
    model = costing(0.01)
    with pytest.raises(BudgetError, match=r"does not allow 3 more questions to openai:gpt-4.1"):
        within(EACH * 0.9, model, store).generate(asking(3))
    assert model.asked == []


def test_what_is_stored_costs_nothing(store: Store) -> None:
    Cached(costing(1), store, "another run").generate(asking(10))
    assert len(within(0, costing(1), store).generate(asking(10))) == 10


def test_a_larger_budget_goes_on_where_the_smaller_ended(store: Store) -> None:
    first = spent(within(5 * EACH, costing(1), store), asking(10))
    model = costing(1)
    within(20 * EACH, model, store).generate(asking(10))
    assert len(model.asked) == 10 - first


def test_what_is_bought_does_not_depend_on_who_answered(store: Store) -> None:
    def ids(text: str) -> set[str]:
        model = costing(1)
        prompts = [Prompt(one.id, (f"{text} {one.id}",), one.decoding) for one in asking(40)]
        with pytest.raises(BudgetError):
            Cached(Budgeted(model, store, text, 8 * EACH), store, text).generate(prompts)
        return {one.id for one in model.asked}

    assert ids("q1") == ids("q2") != {f"q{i}" for i in range(len(ids("q1")))}


def test_what_a_batch_owes_already_is_not_counted_twice(store: Store) -> None:
    batches = Batches(store, NAME, costing(1).identity)
    batches.intend(asking(4))
    with pytest.raises(KeyError):
        Cached(Scripted(_die, NAME), store, "r").generate(asking(4))
    with pytest.raises(BudgetError):
        within(4 * EACH / 2, costing(1), store).generate([*asking(4), *asking(5)[4:]])
    assert store.spend()[0].answered == 4


def test_a_batch_is_affordable_at_half_the_price(store: Store) -> None:
    assert spent(within(5.3 * EACH, costing(0.5), store, batched=True), asking(30)) == 10


def test_a_call_of_unknown_price_makes_a_budget_impossible(store: Store) -> None:
    Cached(Scripted(lambda _: "yes", "openai:nobody"), store, "r").generate(asking(2))
    with pytest.raises(DataError, match=r"but 2 in .* have no price"):
        within(1, costing(1), store).generate(asking(5))


def test_a_call_whose_price_is_not_known_is_never_affordable(store: Store) -> None:
    with pytest.raises(BudgetError):
        within(1e6, Scripted(lambda _: "yes", "openai:nobody"), store).generate(asking(1))


def test_name_and_identity_are_the_models(store: Store) -> None:
    budgeted = Budgeted(costing(1), store, "r", 1.0)
    assert (budgeted.name, budgeted.identity) == (NAME, costing(1).identity)
