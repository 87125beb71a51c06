"""Buying by batch, from both providers: what is sent, what comes back, and what is owed."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from harness.errors import ModelError
from harness.models.serving.batch import Batched, Limits
from harness.store import Cached, Spend, Store
from harness.types import Decoding, Prompt
from tests.harness.models.batch_child import buying
from tests.harness.models.calling import asking
from tests.servers.batches import Seller, selling
from tests.servers.loopback import Reply

NAMES = {"openai": "openai:gpt-4.1", "anthropic": "anthropic:claude-opus-4-6"}


class Shop(NamedTuple):
    server: Seller
    store: Store
    name: str
    told: list[str]

    @property
    def model(self) -> Cached:
        return Cached(buying(self.store, self.name, self.told), self.store, run="r")

    def texts(self, number: int) -> list[str]:
        return [one.text for one in self.model.generate(asking(number))]

    @property
    def bill(self) -> Spend:
        [line] = self.store.spend()
        return line


@pytest.fixture
def seller(monkeypatch: pytest.MonkeyPatch) -> Iterator[Seller]:
    with selling() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        monkeypatch.setenv("ITERBENCH_API_KEY", "sk-secret")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
        yield server


@pytest.fixture(params=["openai", "anthropic"])
def shop(request: pytest.FixtureRequest, seller: Seller, tmp_path: Path) -> Iterator[Shop]:
    with Store(tmp_path / "store.sqlite") as store:
        yield Shop(seller, store, NAMES[request.param], [])


def echoes(number: int) -> list[str]:
    return [f"echo q{i}" for i in range(number)]


def test_answers_come_in_the_order_of_the_prompts(shop: Shop) -> None:
    assert shop.texts(20) == echoes(20)
    assert set(shop.server.bought.values()) == {1}


def test_the_first_question_goes_directly_and_the_others_in_one_batch(shop: Shop) -> None:
    shop.texts(20)
    assert [seen.asked for seen in shop.server.seen] == ["q0"]
    assert [len(batch.items) for batch in shop.server.batches.values()] == [19]


def test_one_question_needs_no_batch(shop: Shop) -> None:
    assert shop.texts(1) == echoes(1)
    assert not shop.server.batches


def test_an_item_asks_as_a_direct_call_does(shop: Shop) -> None:
    prompts = [Prompt(f"{i}", ("hi",), Decoding(7, 0.7, stop=("E",)), f"S{i}") for i in range(2)]
    shop.model.generate(prompts)
    [batch] = shop.server.batches.values()
    [item] = batch.items.values()
    direct = shop.server.seen[0].body
    system = "system" if "system" in direct else "messages"
    assert item | {system: None} == direct | {system: None}
    assert "S1" in str(item)


def test_what_was_bought_by_batch_is_not_bought_again_directly(shop: Shop) -> None:
    shop.texts(20)
    direct = Cached(shop.model.model.model, shop.store, run="s")  # type: ignore[attr-defined]
    assert [one.text for one in direct.generate(asking(20))] == echoes(20)
    assert set(shop.server.bought.values()) == {1}


def test_a_batch_is_half_the_price(shop: Shop) -> None:
    shop.texts(2)
    by_name = {NAMES["openai"]: (7 * 2 + 3 * 8) / 1e6, NAMES["anthropic"]: 0.0}
    by_name[NAMES["anthropic"]] = (5 * 5 + 2 * 0.5 + 3 * 25) / 1e6
    assert shop.bill.usd == pytest.approx(1.5 * by_name[shop.name])


def test_usage_and_server_are_kept_as_of_a_direct_call(shop: Shop) -> None:
    direct, batched = [one.responses[0] for one in shop.model.generate(asking(2))]
    assert batched.served_by == direct.served_by
    assert batched.usage == direct.usage._replace(batched=True)


def test_prompts_of_several_turns_go_directly(shop: Shop) -> None:
    prompts = [Prompt(f"{i}", (f"a{i}", f"b{i}"), Decoding(7)) for i in range(3)]
    assert [one.text for one in shop.model.generate(prompts)] == ["echo b0", "echo b1", "echo b2"]
    assert not shop.server.batches


def test_progress_is_told(shop: Shop) -> None:
    shop.texts(9)
    assert shop.told[0] == f"{shop.name}: batch batch_1 of 8 prompts is sent"
    assert shop.told[-1] == f"{shop.name}: batch batch_1: 8 prompts done"


def narrow(shop: Shop, limits: Limits) -> Batched:
    """The model at a provider whose batches are small."""
    office = import_module(f"harness.models.batches.{shop.name.partition(':')[0]}").office
    return replace(buying(shop.store, shop.name), office=partial(_narrow, office, shop, limits))


@asynccontextmanager
async def _narrow(office: Any, shop: Shop, limits: Limits) -> AsyncIterator[Any]:
    async with office(shop.name) as desk:
        yield replace(desk, limits=limits)


def test_what_does_not_fit_into_one_batch_goes_into_several(shop: Shop) -> None:
    model = narrow(shop, Limits(requests=3, size=10_000, days_kept=30))
    assert [one.text for one in model.generate(asking(9))] == echoes(9)
    assert [len(batch.items) for batch in shop.server.batches.values()] == [3, 3, 2]


def test_the_bytes_of_a_batch_are_limited_too(shop: Shop) -> None:
    model = narrow(shop, Limits(requests=99, size=700, days_kept=30))
    assert [one.text for one in model.generate(asking(9))] == echoes(9)
    assert len(shop.server.batches) > 1


def test_a_prompt_that_cannot_be_part_of_a_batch_goes_directly(
    seller: Seller, tmp_path: Path
) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        shop = Shop(seller, store, NAMES["anthropic"], [])
        odd = Prompt("odd", ("a\ud800",), Decoding(7))
        answers = shop.model.generate([*asking(3), odd])
    assert answers[-1].failure == "the prompt is not valid Unicode"
    assert [len(batch.items) for batch in seller.batches.values()] == [2]


def test_a_batch_is_found_on_a_later_page(seller: Seller, tmp_path: Path) -> None:
    seller.page = 1
    seller.trouble["created"] = [Reply(500, {"error": {"message": "oh"}})]
    with Store(tmp_path / "s.sqlite") as store:
        shop = Shop(seller, store, NAMES["openai"], [])
        for i in range(3):
            seller._new({}, {"iterbench": f"other {i}"}).created += 60
        assert shop.texts(5) == echoes(5)
    assert set(seller.bought.values()) == {1}


# What goes wrong


@pytest.mark.parametrize("fate", ["batch_expired", "batch_cancelled", "500"])
def test_items_that_were_not_served_are_asked_directly_and_cost_nothing(
    shop: Shop, fate: str
) -> None:
    shop.server.status = {"batch_expired": "expired", "batch_cancelled": "cancelled"}.get(
        fate, "completed"
    )
    shop.server.fate = lambda q: fate if q in {"q3", "q5"} else "200"
    assert shop.texts(8) == echoes(8)
    assert shop.server.bought == dict.fromkeys([f"q{i}" for i in range(8)], 1)
    assert (shop.bill.answered, shop.bill.possibly_paid) == (8, 0)
    assert "lost 2 of 7 prompts" in shop.told[-1]


def test_a_batch_that_expired_whole_is_asked_directly(shop: Shop) -> None:
    shop.server.status = "expired"
    shop.server.fate = lambda _: "batch_expired"
    assert shop.texts(8) == echoes(8)
    assert (shop.bill.answered, shop.bill.possibly_paid) == (8, 0)


def test_an_item_that_is_refused_is_a_refusal(shop: Shop) -> None:
    shop.server.fate = lambda q: "400" if q == "q3" else "200"
    failures = [one.failure for one in shop.model.generate(asking(5))]
    assert failures == [None, None, None, "HTTP 400: this is 400", None]
    assert shop.bill.refused == 1


def test_an_item_that_is_denied_ends_the_run_and_what_came_is_kept(shop: Shop) -> None:
    shop.server.fate = lambda q: "401" if q == "q3" else "200"
    with pytest.raises(ModelError, match="HTTP 401: this is 401; check"):
        shop.texts(5)
    assert shop.bill.answered == 4


@pytest.mark.parametrize(
    ("stage", "trouble"),
    [
        ("upload", Reply(503, {"error": {"type": "overloaded_error", "message": "busy"}})),
        ("created", Reply(500, {"error": {"type": "api_error", "message": "oh"}})),
        ("polling", Reply(429, {"error": {"message": "slow"}}, headers={"Retry-After": "0.01"})),
        ("polling", Reply(200, b"<html>")),
        ("download", Reply(500, b"{}")),
        ("download", Reply(200, b'{"custom_id": "q0-')),
        ("download", Reply(200, b"")),
    ],
)
def test_trouble_on_the_way_passes_and_nothing_is_bought_twice(
    shop: Shop, stage: str, trouble: Reply
) -> None:
    shop.server.trouble[stage] = [trouble, trouble]
    assert shop.texts(8) == echoes(8)
    assert set(shop.server.bought.values()) == {1}


def test_a_batch_that_is_not_taken_costs_nothing_and_says_why(
    seller: Seller, tmp_path: Path
) -> None:
    seller.status = "failed"
    with Store(tmp_path / "s.sqlite") as store:
        shop = Shop(seller, store, NAMES["openai"], [])
        with pytest.raises(ModelError, match="did not take the batch batch_1: the file is not val"):
            shop.texts(5)
        assert (shop.bill.answered, shop.bill.possibly_paid) == (1, 0)


def test_a_refused_submission_costs_nothing(shop: Shop) -> None:
    shop.server.trouble["upload"] = [Reply(400, {"error": {"message": "no funds"}})]
    with pytest.raises(ModelError, match="HTTP 400: no funds"):
        shop.texts(5)
    assert (shop.bill.answered, shop.bill.possibly_paid) == (1, 0)
    assert shop.texts(5) == echoes(5)


def test_a_wrong_key_ends_the_run_before_there_is_a_batch(shop: Shop) -> None:
    error = {"type": "authentication_error", "message": "who are you?"}
    shop.server.script = lambda _seen, _before: Reply(401, {"type": "error", "error": error})
    with pytest.raises(ModelError, match="HTTP 401: who are you"):
        shop.texts(5)
    assert not shop.server.batches


def test_a_batch_that_another_account_sent_is_told(shop: Shop) -> None:
    shop.server.known = False
    with pytest.raises(ModelError, match="knows nothing of the batch batch_1"):
        shop.texts(5)
    shop.server.known = True
    assert shop.texts(5) == echoes(5)
    assert set(shop.server.bought.values()) == {1}


def test_a_batch_whose_answers_are_deleted_is_given_up_as_possibly_paid(shop: Shop) -> None:
    shop.server.known = False
    with pytest.raises(ModelError):
        shop.texts(3)
    with shop.store.writing() as db:
        db.execute("UPDATE batches SET intended = intended - 31 * 86400")
    assert shop.texts(3) == echoes(3)
    assert (shop.bill.answered, shop.bill.possibly_paid) == (3, 2)


def test_a_later_run_with_fewer_prompts_leaves_the_others_in_their_batch(shop: Shop) -> None:
    shop.server.trouble["polling"] = [Reply(401, {"error": {"message": "no"}})]
    with pytest.raises(ModelError, match="its batch goes on: run again"):
        shop.texts(9)
    assert shop.texts(4) == echoes(4)
    assert shop.texts(9) == echoes(9)
    assert set(shop.server.bought.values()) == {1}
    assert (shop.bill.answered, shop.bill.possibly_paid) == (9, 0)
