"""Paying: by batch, within a budget, with a quote before; real files, a real server, real kills."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.command import Run
from tests.servers.batches import Seller, selling
from tests.servers.loopback import Reply, Seen
from tests.servers.verdicts import judging, verdict
from tests.tiny.checkpoint import make_checkpoint

ROOT = Path(__file__).parents[1]
MODEL = "replay:asset:alpaca_eval/annotations_full/alpaca-7b.json"
OTHER = "replay:asset:alpaca_eval/annotations_full/claude-2.json"
ASKED = [MODEL, "-b", "alpaca_eval", "--limit", "12", "-j", "openai:gpt-4.1"]
SCORED = ["score", *ASKED, "--json", "out.json", "--items"]


@pytest.fixture
def seller(monkeypatch: pytest.MonkeyPatch, mirror: Path) -> Iterator[Seller]:
    """OpenAI on loopback, as a judge whose batches end at once."""
    with selling() as server:
        server.script, server.completion, server.polls = judging, verdict, 0
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        monkeypatch.setenv("ITERBENCH_API_KEY", "k")
        yield server


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("out.json").read_text())
    return found


def paid(store: str = "results/store.sqlite") -> list[float]:
    """USD of each call, in the order in which they were made."""
    with sqlite3.connect(store) as db:
        return [usd for (usd,) in db.execute("SELECT usd FROM calls ORDER BY id")]


def questions(seller: Seller) -> list[str]:
    """What was bought, but for the short questions that probe a judge."""
    return [q for q in seller.bought.elements() if "Reply with one letter" not in q]


# By batch


def test_a_score_by_batch_is_the_score_of_a_direct_run_at_half_the_price(
    run: Run, seller: Seller
) -> None:
    assert run(*SCORED, "--store", "direct.sqlite").status == 0
    direct = document()
    ran = run(*SCORED, "--batch")
    assert ran.status == 0, ran.err
    assert document() == direct
    assert "batch batch_1 of 11 prompts is sent" in ran.err
    # The probe and the first question go directly.
    prices, halved = sorted(paid("direct.sqlite")), sorted(paid())
    assert sum(halved) == pytest.approx((sum(prices) + sum(paid()[:2])) / 2)


def test_all_checkpoints_are_judged_by_one_batch(run: Run, seller: Seller) -> None:
    ran = run("score", OTHER, *ASKED, "--batch")
    assert ran.status == 0, ran.err
    assert [len(batch.items) for batch in seller.batches.values()] == [23]


def test_the_members_of_a_jury_and_both_orders_are_bought_by_batch(
    run: Run, seller: Seller
) -> None:
    ran = run("score", *ASKED[:-1], "jury:openai:gpt-4.1,both:openai:gpt-4o", "--batch")
    assert ran.status == 0, ran.err
    assert [len(batch.items) for batch in seller.batches.values()] == [11, 23]


def test_hosted_checkpoints_answer_all_benchmarks_in_one_batch(run: Run, seller: Seller) -> None:
    words = ["-b", "alpaca_eval,alpaca_eval@1.0", "--limit", "4", "--max-tokens", "8", "--batch"]
    seller.completion = lambda item: verdict(item | {"top_logprobs": 2})
    seller.script = lambda seen, _: Reply(body=verdict(seen.body | {"top_logprobs": 5}))
    ran = run("score", "openai:gpt-4o", *words, "-j", "openai:gpt-4.1")
    assert len(seller.batches) >= 2, ran.err
    first, *_ = seller.batches.values()
    assert {item["model"] for item in first.items.values()} == {"gpt-4o"}


def test_a_second_run_by_batch_buys_nothing(run: Run, seller: Seller) -> None:
    run(*SCORED, "--batch")
    before = len(seller.seen), len(seller.batches)
    assert run(*SCORED, "--batch").status == 0
    assert (len(seller.seen), len(seller.batches)) == before


def test_a_comparison_can_be_bought_by_batch(run: Run, seller: Seller) -> None:
    words = ["compare", MODEL, OTHER, "-b", "alpaca_eval", "--limit", "6", "-j", "openai:gpt-4.1"]
    ran = run(*words, "--batch")
    assert ran.status == 0, ran.err
    assert [len(batch.items) for batch in seller.batches.values()] == [11]


def test_a_judge_that_sells_no_batches_is_asked_directly_and_told(run: Run, seller: Seller) -> None:
    judge = f"{seller.url}/v1#tiny"
    ran = run("score", *ASKED[:-1], judge, "--batch")
    assert ran.status == 0, ran.err
    told = f"{judge} is asked directly: only models of anthropic and openai are asked by batch"
    assert ran.lines[0] == told
    assert not seller.batches


@pytest.mark.parametrize("stage", ["created", "download"])
def test_a_killed_command_ends_with_the_same_score_and_buys_nothing_twice(
    run: Run, seller: Seller, stage: str, mirror: Path
) -> None:
    run(*SCORED, "--store", "direct.sqlite")
    direct = document()
    seller.seen.clear()
    seller.stall = stage
    command = [sys.executable, str(ROOT / "run_eval.py"), *SCORED, "--batch"]
    with subprocess.Popen(
        command, env={**os.environ, "ITERBENCH_ASSETS": str(mirror)}, stderr=subprocess.DEVNULL
    ) as process:
        assert seller.stalled.wait(30)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    seller.stall = None
    assert run(*SCORED, "--batch").status == 0
    assert document() == direct
    assert len(questions(seller)) == len(set(questions(seller))) == 12


# Within a budget


def test_a_budget_that_suffices_changes_nothing(run: Run, seller: Seller) -> None:
    run(*SCORED, "--store", "free.sqlite")
    free = document()
    assert run(*SCORED, "--budget", "1").status == 0
    assert document() == free


def test_a_budget_is_never_exceeded_and_ends_in_one_line(run: Run, seller: Seller) -> None:
    ran = run(*SCORED, "--budget", "0.007")
    assert ran.status == 2
    [line] = [one for one in ran.lines if one.startswith("error:")]
    spent = sum(paid())
    assert spent <= 0.007
    assert f"the budget of 0.01 USD is used up: {spent:.2f} USD spent; 0 answers and" in line
    left, so_far = (
        re.search(r"and (\d+) judgments are left for at most", line),
        len(questions(seller)),
    )
    assert left is not None
    assert int(left[1]) == 12 - so_far > 0
    assert f"from {so_far} of 12" in line
    assert "What the budget bought" in ran.out


def test_what_a_better_judge_would_still_be_asked_is_left_too(run: Run, seller: Seller) -> None:
    gold = ("--gold-judge", "openai:gpt-4o", "--gold-n", "10")
    ran = run(*SCORED, *gold, "--budget", "0.007")
    assert ran.status == 2
    left = re.search(r"and (\d+) judgments are left", ran.lines[-1])
    assert left is not None
    assert int(left[1]) == 12 + 10 - len(questions(seller))


def test_a_larger_budget_asks_only_the_rest(run: Run, seller: Seller) -> None:
    run(*SCORED, "--store", "free.sqlite")
    free = document()
    seller.seen.clear()
    assert run(*SCORED, "--budget", "0.007").status == 2
    assert run(*SCORED, "--budget", "0.1").status == 0
    assert document() == free
    assert len(questions(seller)) == 12


def test_a_budget_counts_what_the_run_has_spent_before(run: Run, seller: Seller) -> None:
    run(*SCORED, "--budget", "0.007")
    before = len(questions(seller))
    assert run(*SCORED, "--budget", "0.007").status == 2
    assert len(questions(seller)) == before


def test_what_may_be_paid_counts_at_its_most(run: Run, seller: Seller) -> None:
    run(*SCORED, "--budget", "1")
    with sqlite3.connect("results/store.sqlite") as db:
        db.execute("UPDATE calls SET state = 'sent', usd = NULL, most_usd = 0.5 WHERE id = 2")
        db.execute("DELETE FROM answers WHERE address = (SELECT address FROM calls WHERE id = 3)")
    ran = run(*SCORED, "--budget", "0.5")
    assert ran.status == 2
    assert "0.52 USD spent" in ran.err


def test_a_batch_is_bought_only_as_far_as_its_whole_price_is_affordable(
    run: Run, seller: Seller
) -> None:
    ran = run(*SCORED, "--budget", "0.004", "--batch")
    assert ran.status == 2
    assert sum(paid()) <= 0.004
    assert "judgments are left for at most" in ran.err
    assert run(*SCORED, "--budget", "1", "--batch").status == 0
    assert len(questions(seller)) == 12


def test_a_price_that_is_not_known_is_refused_at_the_door(run: Run, seller: Seller) -> None:
    ran = run("score", *ASKED[:-1], f"{seller.url}/v1#tiny", "--budget", "1")
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "whose price is known for --budget" in ran.err
    assert not seller.seen


def test_a_price_that_the_user_states_is_budgeted_quoted_and_billed(
    run: Run, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = f"{seller.url}/v1#tiny"
    Path("prices.yaml").write_text(f'prices: {{"{judge}": {{prompt: 2, completion: 8}}}}')
    monkeypatch.setenv("ITERBENCH_PRICES", "prices.yaml")
    words = [*SCORED[:-4], judge, "--json", "out.json"]
    assert run(*words, "--dry-run").status == 0
    (planned,) = document()["plan"]
    ran = run(*words, "--budget", "1")
    assert ran.status == 0, ran.err
    probe, *judgments = paid()
    assert probe > 0
    assert sum(judgments) == pytest.approx(planned["usd"])


def test_a_comparison_has_a_budget_too(run: Run, seller: Seller) -> None:
    words = ["compare", MODEL, OTHER, "-b", "alpaca_eval", "--limit", "6", "-j", "openai:gpt-4.1"]
    ran = run(*words, "--budget", "0.007")
    assert ran.status == 2
    assert "judgments are left for at most" in ran.err
    assert run(*words, "--budget", "0.1").status == 0
    assert len(questions(seller)) == 12


# Before and while


def test_a_quote_has_both_prices(run: Run, seller: Seller) -> None:
    assert run("score", *ASKED, "--dry-run", "--json", "out.json").status == 0
    (plan,) = document()["plan"]
    assert plan["usd_batched"] == pytest.approx(plan["usd"] / 2)


def test_a_run_costs_no_more_than_its_quote(run: Run, seller: Seller) -> None:
    run("score", *ASKED, "--dry-run", "--json", "out.json")
    (plan,) = document()["plan"]
    run(*SCORED)
    assert sum(paid()[1:]) == pytest.approx(plan["usd"])


def spoken(seen: Seen, before: int) -> Reply:
    """A judge where log-probabilities are asked for, else whoever says A."""
    return judging(seen, before) if "top_logprobs" in seen.body else Reply(text="A")


def test_a_quote_counts_who_picks_samples_and_the_canary(run: Run, seller: Seller) -> None:
    """Three samples of each of four prompts meet in six questions; two looks at 30 verdicts."""
    seller.script = spoken
    make_checkpoint(Path("tiny"))
    best_of = "{n: 3, judge: 'openai:gpt-4.1'}"
    Path("s.yaml").write_text(
        "name: s\njudge: openai:gpt-4.1\ndecoding: {temperature: 1.0, max_tokens: 8}\n"
        f"checkpoints: [{{name: c, model: 'hf:./tiny', best_of: {best_of}}}]"
    )
    words = ["score", "s.yaml", "-b", "alpaca_eval", "--limit", "4", "--canary"]
    ran = run(*words, "--dry-run", "--json", "out.json")
    assert ran.status == 0, ran.err
    plans = document()["plan"]
    rows = [(p["checkpoint"], p["to_answer"], p["to_judge"]) for p in plans]
    assert rows == [("c", 12, 4), ("c: the best of 3", 0, 24), ("canary", 0, 60)]
    ran = run(*words)
    assert ran.status == 0, ran.err
    calls = [usd for usd in paid() if usd][1:]  # but for the probe
    assert len(calls) == 4 + 24 + 60
    assert sum(calls) <= sum(p["usd"] for p in plans)
    run(*words, "--dry-run", "--json", "out.json")
    left = [(p["to_answer"], p["to_judge"]) for p in document()["plan"]]
    assert left == [(0, 4), (0, 0), (0, 60)]  # which sample was the best is not kept


def test_a_checkpoint_that_judges_itself_is_quoted_as_a_judge_on_trial(
    run: Run, seller: Seller
) -> None:
    seller.script = spoken
    words = ["score", "openai:gpt-4.1", "-b", "alpaca_eval", "--limit", "4", "-j", "self"]
    ran = run(*words, "--dry-run", "--json", "out.json")
    assert ran.status == 0, ran.err
    own, *trials = document()["plan"]
    assert (own["to_answer"], own["to_judge"]) == (4, 4)
    assert trials
    assert run(*words).status == 0
    assert len([usd for usd in paid() if usd]) >= 8 + sum(p["to_judge"] for p in trials)


def test_spend_is_shown_while_judging_at_the_price_of_a_batch(run: Run, seller: Seller) -> None:
    ran = run(*SCORED, "--batch")
    assert "judging all: 12/12, " in ran.err
    assert f", {sum(paid()[1:]):.2f} USD" in ran.err


def test_model_fingerprint_and_address_are_kept_with_every_judgment(
    run: Run, seller: Seller
) -> None:
    seller.script = lambda seen, _: Reply(body=verdict(seen.body) | {"system_fingerprint": "fp_7"})
    run(*SCORED)
    with sqlite3.connect("results/store.sqlite") as db:
        rows = db.execute(
            "SELECT identity.identity, answers.responses FROM answers"
            " JOIN identities AS identity ON identity.digest = answers.identity"
        ).fetchall()
    assert len(rows) == 13
    assert {json.loads(identity)["server"] for identity, _ in rows} == {f"{seller.url}/v1"}
    assert {json.loads(said)[0]["served_by"] for _, said in rows} == {"gpt-4.1 / fp_7"}
