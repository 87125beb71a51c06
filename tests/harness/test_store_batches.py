"""The slips of batches: what is owed, to whom, and after which end."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import DataError
from harness.models.scripted import Scripted
from harness.pricing import most
from harness.store import Batches, Cached, Store
from harness.types import Generation, Prompt, Response, Usage
from tests.harness.models.calling import asking

NAME = "openai:gpt-4.1"
MODEL = Scripted(lambda _: Response("yes", usage=Usage(5, 1)), NAME)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.sqlite") as opened:
        yield opened


@pytest.fixture
def batches(store: Store) -> Batches:
    return Batches(store, NAME, MODEL.identity)


def buy(store: Store, prompts: list[Prompt], run: str = "r") -> list[Generation]:
    return Cached(MODEL, store, run).generate(prompts)


def test_a_slip_is_there_before_anything_is_sent(batches: Batches) -> None:
    slip = batches.intend(asking(3))
    assert batches.open(asking(3)) == [slip]
    assert (slip.size, slip.id, len(slip.items)) == (3, None, 3)


def test_the_words_of_items_fit_both_providers(batches: Batches) -> None:
    slip = batches.intend(asking(3))
    assert all(len(word) <= 64 and word.startswith(slip.key) for word in slip.items)


def test_two_batches_of_the_same_prompts_have_different_words(batches: Batches) -> None:
    first, second = batches.intend(asking(3)), batches.intend(asking(3))
    assert not first.items.keys() & second.items.keys()


def test_a_slip_shows_only_what_is_asked_for(batches: Batches) -> None:
    batches.intend(asking(9))
    [slip] = batches.open(asking(4))
    assert (set(slip.items.values()), slip.size) == (set(asking(4)), 9)


def test_the_providers_word_is_kept(batches: Batches) -> None:
    sent = batches.sent(batches.intend(asking(3)), "batch_7")
    assert [slip.id for slip in batches.open(asking(3))] == ["batch_7"] == [sent.id]


def test_another_model_has_slips_of_its_own(store: Store, batches: Batches) -> None:
    batches.intend(asking(3))
    assert Batches(store, NAME, {"model": "other"}).open(asking(3)) == []


def test_a_call_of_an_open_batch_is_the_same_call_whoever_waits_for_it(
    store: Store, batches: Batches
) -> None:
    batches.intend(asking(2))
    with pytest.raises(KeyError):
        Cached(Scripted(_die, NAME), store, "first").generate(asking(2))
    buy(store, asking(2), "second")
    [line] = store.spend()
    assert (line.run, line.answered, line.possibly_paid) == ("first", 2, 0)


def test_an_answered_item_is_no_longer_open(store: Store, batches: Batches) -> None:
    batches.intend(asking(2))
    buy(store, asking(1))
    [slip] = batches.open(asking(2))
    assert list(slip.items.values()) == asking(2)[1:]


def test_only_calls_in_the_ledger_are_held(store: Store, batches: Batches) -> None:
    batches.intend(asking(2))
    assert batches.held(asking(2)) == set()
    with pytest.raises(KeyError):
        Cached(Scripted(_die, NAME), store, "r").generate(asking(2))
    assert batches.held(asking(3)) == set(asking(2))


def test_a_void_slip_owes_nothing(store: Store, batches: Batches) -> None:
    slip = batches.intend(asking(2))
    with pytest.raises(KeyError):
        Cached(Scripted(_die, NAME), store, "r").generate(asking(2))
    batches.void(slip)
    assert batches.open(asking(2)) == []
    [line] = store.spend()
    assert (line.possibly_paid, line.usd) == (0, 0.0)


@pytest.mark.parametrize(("paid", "possibly"), [(True, 2), (False, 1)])
def test_a_released_item_is_free_or_possibly_paid(
    store: Store, batches: Batches, *, paid: bool, possibly: int
) -> None:
    slip = batches.intend(asking(2))
    with pytest.raises(KeyError):
        Cached(Scripted(_die, NAME), store, "r").generate(asking(2))
    batches.release(slip, asking(1), paid=paid)
    assert batches.held(asking(2)) == {asking(2)[1]}
    assert store.spend()[0].possibly_paid == possibly


def test_a_call_of_a_batch_may_cost_what_a_batch_costs(store: Store, batches: Batches) -> None:
    batches.intend(asking(2)[1:])
    with pytest.raises(KeyError):
        Cached(Scripted(_die, NAME), store, "r").generate(asking(2))
    direct, batched = most(NAME, asking(2)[:1]), most(NAME, asking(2)[1:], batched=True)
    assert direct is not None
    assert batched is not None
    assert store.owed("r") == pytest.approx(direct + batched)


def test_a_slip_that_a_living_process_is_sending_is_left_to_it(
    store: Store, batches: Batches
) -> None:
    batches.intend(asking(2))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        _sent_by(store, other.pid)
        with pytest.raises(DataError, match=f"process {other.pid} is sending them just now"):
            batches.open(asking(2))
    assert len(batches.open(asking(2))) == 1


def test_a_process_of_somebody_else_is_alive_too(store: Store, batches: Batches) -> None:
    batches.intend(asking(2))
    _sent_by(store, 1)
    with pytest.raises(DataError, match="process 1 is sending"):
        batches.open(asking(2))
    assert os.getpid() != 1


def _sent_by(store: Store, process: int) -> None:
    with store.writing() as db:
        db.execute("UPDATE batches SET sender = ?", (process,))


def _die(_prompt: Prompt) -> str:
    raise KeyError
