"""What a run would ask and pay, before it asks anybody."""

from collections.abc import Iterator
from math import isclose
from pathlib import Path

import pytest

from harness import registry
from harness.assets import Library
from harness.commands.foreseen import unanswered
from harness.commands.models import Wrap
from harness.commands.plan import Plan, plan, plan_table
from harness.commands.quote import Quote
from harness.models.replay import Replay
from harness.models.scripted import Scripted
from harness.pairing import alone
from harness.store import Cached, Store
from harness.types import Benchmark, Judge, Model, Response
from tests.records import benchmark, prompt, rubric

NO_ASSETS = Library({}, [], Path("no cache"))
Q0, Q1 = prompt("q0"), prompt("q1")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.sqlite") as opened:
        yield opened


def saying(store: Store, text: str, name: str = "hf:a") -> Cached:
    """A model whose answers are kept, and who says the same to everybody."""
    return Cached(Scripted(lambda _: text, name), store, "run")


def planned(model: Model, judge: Model, asking: Benchmark | None = None) -> Plan:
    asked = asking or benchmark()

    def open_judge(wrap: Wrap) -> Judge:
        return registry.judge(
            judge.name, asked.grader(NO_ASSETS), lambda _, rubric: wrap(judge, rubric)
        )

    return plan("iter1", asked, model, judge.name, open_judge, NO_ASSETS)


def counts(model: Model, judge: Model, asking: Benchmark | None = None) -> tuple[int, int, int]:
    made = planned(model, judge, asking)
    return made.prompts, made.to_answer, made.to_judge


def test_at_first_everything_is_to_be_asked(store: Store) -> None:
    made = planned(saying(store, "yes"), saying(store, "1", "hf:judge"))
    assert made.data() == {
        "checkpoint": "iter1",
        "benchmark": "tiny@1",
        "judge": "hf:judge",
        "prompts": 2,
        "to_answer": 2,
        "undecided": 2,
        "to_judge": 2,
        "tokens": 14 + 4,
        "counted": False,
        "usd": 0.0,
        "usd_batched": 0.0,
    }


def test_what_is_answered_is_not_to_be_asked(store: Store) -> None:
    model, judge = saying(store, "yes"), saying(store, "1", "hf:judge")
    model.generate([Q0])
    assert counts(model, judge) == (2, 1, 2)


def test_what_is_judged_is_not_to_be_asked(store: Store) -> None:
    model, judge = saying(store, "yes"), saying(store, "1", "hf:judge")
    model.generate([Q0, Q1])
    judge.generate([prompt("q0: no or yes?", decoding=rubric().decoding)])
    assert counts(model, judge) == (2, 0, 1)


def test_what_equals_the_baseline_needs_no_judge(store: Store) -> None:
    model, judge = saying(store, "no"), saying(store, "1", "hf:judge")
    model.generate([Q0])
    assert counts(model, judge) == (2, 1, 1)


def test_planning_asks_nobody(store: Store) -> None:
    model, judge = Scripted(lambda _: "yes", "hf:a"), Scripted(lambda _: "1", "hf:judge")
    planned(Cached(model, store, "run"), Cached(judge, store, "run"))
    assert (model.asked, judge.asked) == ([], [])


def test_planning_asks_nobody_when_two_prompts_ask_the_same(store: Store) -> None:
    twins = benchmark(load=lambda _: [Q0, prompt("q0", id="q1")])
    model = Scripted(lambda _: "yes", "hf:a")
    made = planned(Cached(model, store, "run"), saying(store, "1", "hf:judge"), twins)
    assert (made.prompts, made.to_answer, model.asked) == (2, 1, [])


def test_a_candidate_that_is_rated_alone_is_planned_too(store: Store) -> None:
    asking = benchmark(compare=alone())
    assert counts(saying(store, "yes"), saying(store, "1", "hf:judge"), asking) == (2, 2, 2)


def test_a_recording_has_nothing_to_be_asked(store: Store) -> None:
    answers = {(one.turns, one.system): (Response("yes"),) for one in (Q0, Q1)}
    recording = Replay("replay:x", answers, "f00")
    assert counts(recording, saying(store, "1", "hf:judge")) == (2, 0, 2)


def test_only_a_store_knows_what_is_unanswered(store: Store) -> None:
    assert unanswered(Scripted(lambda _: ""), [Q0]) == []
    assert unanswered(saying(store, ""), [Q0]) == [Q0]


def test_the_price_is_that_of_the_judges_prompts_and_its_longest_answers(store: Store) -> None:
    # "q0: no or no ?" has 7 tokens, and the rubric lets the judge write 1:
    # twice 7 read at 30 USD and 1 written at 60 USD the million.
    made = planned(saying(store, "yes"), saying(store, "1", "openai:gpt-4"))
    assert made.quote.usd is not None
    assert isclose(made.quote.usd, 2 * (7 * 30 + 1 * 60) / 1e6)


def test_the_price_is_that_of_the_answers_too(store: Store) -> None:
    # "q0" has 2 tokens, and its decoding lets the model write 9.
    made = planned(saying(store, "yes", "openai:gpt-4"), saying(store, "1", "hf:judge"))
    assert made.quote.usd is not None
    assert isclose(made.quote.usd, 2 * (2 * 30 + 9 * 60) / 1e6)


def test_the_system_message_has_its_price(store: Store) -> None:
    asking = benchmark(load=lambda _: [prompt("q0", system="be fair")])
    made = planned(saying(store, "no", "openai:gpt-4"), saying(store, "1", "hf:judge"), asking)
    assert made.quote.usd is not None
    assert isclose(made.quote.usd, (4 * 30 + 9 * 60) / 1e6)


def test_a_price_that_is_not_known_is_not_guessed(store: Store) -> None:
    made = planned(saying(store, "yes"), saying(store, "1", "openai:gpt-of-tomorrow"))
    assert made.quote.usd is None


def test_nothing_to_ask_costs_nothing_at_any_price(store: Store) -> None:
    model, judge = saying(store, "no"), saying(store, "1", "openai:gpt-of-tomorrow")
    model.generate([Q0, Q1])
    assert planned(model, judge).quote.usd == 0.0


def test_a_plan_is_a_table_with_the_sum_below() -> None:
    plans = [
        Plan("a", "tiny@1", "j:j", 2, 1, 2, 2, Quote(70, usd=0.25, usd_batched=0.125)),
        Plan("b", "tiny@1", "j:j", 2, 0, 2, 0, Quote(9, usd=1.5, usd_batched=0.75)),
    ]
    table = plan_table(plans)
    assert table.rows[0] == ["a", "tiny@1", "2", "1", "2", "70", "0.25", "0.12"]
    assert (table.words, table.notes) == (2, ["at most 1.75 USD, or 0.88 by --batch"])


def test_rows_without_a_price_are_shown_and_counted() -> None:
    table = plan_table(
        [
            Plan("a", "t", "j:j", 2, 1, 2, 2, Quote(1, usd=0.25, usd_batched=0.25)),
            Plan("b", "t", "j:j", 2, 1, 2, 2, Quote(1, usd=None, usd_batched=None)),
        ]
    )
    assert table.rows[1][-1] == "?"
    assert table.notes == [
        "at most 0.25 USD, or 0.25 by --batch, and 1 rows whose price is not known"
    ]
