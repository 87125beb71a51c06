"""What it costs to ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.commands.at_once import ask_at_once
from harness.commands.budget import Bought, Known, bought_table
from harness.commands.quote import Quote, quote, together
from harness.models.scripted import Scripted
from harness.store import Cached, Store
from harness.types import UNWATCHED, Generation, Model, Prompt, Score, Watch
from tests.harness.models.calling import asking

NAME = "openai:gpt-4.1"


@dataclass(frozen=True)
class Exact:
    """A model that knows what it reads."""

    name: str
    identity: Mapping[str, str]

    def count_tokens(self, prompt: Prompt) -> int | None:
        return None if prompt.id == "q7" else 1000

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        raise AssertionError


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store.sqlite")


def test_tokens_are_estimated_unless_they_may_be_counted() -> None:
    made = quote(Exact(NAME, {}), asking(2))
    assert (made.tokens, made.counted) == (2 * 2, False)


def test_tokens_are_counted_through_whatever_wraps_the_model(store: Store) -> None:
    made = quote(Cached(Exact(NAME, {}), store, "r"), asking(2), exact=True)
    assert (made.tokens, made.counted) == (2000, True)
    assert made.usd == pytest.approx(2 * (1000 * 2 + 9 * 8) / 1e6)
    assert made.usd_batched == pytest.approx((1000 * 2 + 9 * 8) / 1e6)


def test_one_estimate_makes_the_sum_an_estimate() -> None:
    made = quote(Exact(NAME, {}), asking(8), exact=True)
    assert (made.tokens, made.counted) == (7000 + 2, False)


def test_nothing_to_ask_costs_nothing() -> None:
    assert quote(Scripted(lambda _: "", "openai:nobody"), []) == Quote()
    assert together([]) == Quote()


def test_a_price_that_is_not_known_makes_the_sum_unknown() -> None:
    unknown = quote(Scripted(lambda _: "", "openai:nobody"), asking(1))
    assert (unknown.usd, unknown.usd_batched) == (None, None)
    assert together([Quote(1, usd=1.0), unknown]).usd is None


# What is bought


def test_what_is_not_stored_is_a_failure_and_nobody_is_asked(store: Store) -> None:
    Cached(Scripted(lambda _: "yes"), store, "r").generate(asking(2))
    silent = Scripted(lambda _: "never")
    answers = Known(Cached(silent, store, "r")).generate([*asking(3), *asking(1)])
    assert [one.failure for one in answers] == [None, None, "not bought yet", None]
    assert silent.asked == []


def test_a_recording_is_known_whole() -> None:
    recorded = Scripted(lambda _: "yes")
    assert [one.failure for one in Known(recorded).generate(asking(1))] == ["not bought yet"]


def test_a_checkpoint_of_which_nothing_is_judged_has_no_score() -> None:
    score = Score("win_rate", 0.25, 4, interval=(0.125, 0.5))
    table = bought_table([Bought("a", "b", 4, 9, score), Bought("c", "b", 0, 9, None)])
    assert [row[2:] for row in table.rows] == [
        ["4", "9", "win_rate 25.00 [12.50, 50.00]"],
        ["0", "9", "–"],
    ]


# All at once


def test_each_model_that_sells_batches_is_asked_once_for_everything(store: Store) -> None:
    sold, own = Scripted(lambda _: "yes", NAME), Scripted(lambda _: "yes", "hf:a")
    shown: list[Model] = []

    def show(model: Model) -> Model:
        shown.append(model)
        return model

    ask_at_once([(sold, asking(2)), (own, asking(2)), (sold, asking(3))], show)
    assert (shown, own.asked) == ([sold], [])
    assert sold.asked == asking(3)
