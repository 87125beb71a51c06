"""A judge whose server misbehaves in every way, asked a hundred things at once."""

import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ModelError
from harness.models.serving.remote import Patience, Remote
from tests.command import Run
from tests.harness.models.calling import Diary, asking, hasty
from tests.servers.chaos import FINAL, PASSING, always, huge, once, storm
from tests.servers.loopback import Loopback, Reply
from tests.servers.verdicts import judging, verdict

MODEL = "replay:asset:alpaca_eval/annotations_full/alpaca-7b.json"
STOIC = Patience(attempts=8, first_wait=0.01, longest_wait=0.05, timeout=1.5, grace=0.2)
"""Patient, but quick."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.models.openai.Remote", partial(Remote, patience=STOIC))


def words(server: Loopback, limit: int = 150) -> list[str]:
    judged = ["-b", "alpaca_eval", "--limit", str(limit), "-j", server.openai]
    return ["score", MODEL, *judged, "--concurrency", "100", "--json", "out.json", "--items"]


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("out.json").read_text())
    return found


def calm_score(run: Run, server: Loopback, limit: int = 150) -> dict[str, Any]:
    server.script = judging
    assert run(*words(server, limit), "--store", "calm.sqlite").status == 0
    server.seen.clear()
    server._asked.clear()
    return document()


# What passes


@pytest.mark.usefixtures("mirror")
def test_the_score_of_a_storm_is_that_of_a_calm_run_bit_for_bit(
    run: Run, loopback: Loopback
) -> None:
    calm = calm_score(run, loopback)
    loopback.script = storm(judging)
    ran = run(*words(loopback))
    assert ran.status == 0, ran.err
    assert document() == calm
    assert len(loopback.seen) > 150 + 100


@pytest.mark.usefixtures("mirror")
def test_answers_of_ten_megabytes_are_read(
    run: Run, loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = replace(STOIC, timeout=60.0)
    monkeypatch.setattr("harness.models.openai.Remote", partial(Remote, patience=patient))
    calm = calm_score(run, loopback, 40)
    loopback.script = huge(verdict)
    ran = run(*words(loopback, 40))
    assert ran.status == 0, ran.err
    assert document() == calm


@pytest.mark.parametrize("kind", PASSING)
def test_trouble_of_each_kind_passes_at_a_hundred_calls_at_once(
    loopback: Loopback, kind: str
) -> None:
    loopback.script = once(PASSING[kind])
    model = replace(hasty(loopback, 100), patience=STOIC)
    diary = Diary()
    answers = model.generate(asking(150), diary)
    assert [one.text for one in answers] == [f"echo q{i}" for i in range(150)]
    assert not diary.open_ids


# What does not pass


@pytest.mark.parametrize(
    "kind", sorted(PASSING.keys() - {"huge"})
)  # megabytes outlive their server
def test_trouble_that_stays_ends_the_run_in_one_line(loopback: Loopback, kind: str) -> None:
    loopback.script = lambda _seen, _before: PASSING[kind]
    haste = replace(STOIC, attempts=2, timeout=0.2)
    with pytest.raises(ModelError, match="answers that came are kept") as caught:
        replace(hasty(loopback, 100), patience=haste).generate(asking(300))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", FINAL)
def test_what_every_call_would_meet_ends_the_run_at_once(loopback: Loopback, kind: str) -> None:
    reply, said = FINAL[kind]
    loopback.script = lambda _seen, _before: reply
    began, diary = time.monotonic(), Diary()
    with pytest.raises(ModelError, match=said) as caught:
        replace(hasty(loopback, 100), patience=STOIC).generate(asking(1000), diary)
    assert "\n" not in str(caught.value)
    assert len(loopback.seen) <= 200
    assert time.monotonic() - began < 5


@pytest.mark.usefixtures("mirror")
@pytest.mark.parametrize("kind", FINAL)
def test_a_judge_that_denies_in_the_midst_gets_one_line_and_what_came_is_kept(
    run: Run, loopback: Loopback, kind: str
) -> None:
    reply, said = FINAL[kind]
    loopback.script = lambda seen, before: (
        judging(seen, before) if len(loopback.seen) < 100 else reply
    )
    ran = run(*words(loopback))
    assert (ran.status, said in ran.lines[-1]) == (2, True)
    assert sum(line.startswith("error:") for line in ran.lines) == 1
    bought = {seen.asked for seen in loopback.seen[:90]}
    loopback.script = judging
    loopback.seen.clear()
    assert run(*words(loopback)).status == 0
    assert not bought & {seen.asked for seen in loopback.seen}


@pytest.mark.usefixtures("mirror")
def test_a_server_that_cannot_be_reached_gets_one_line(run: Run, loopback: Loopback) -> None:
    judged = ["-b", "alpaca_eval", "-j", "http://127.0.0.1:9/v1#nobody"]
    ran = run("score", MODEL, *judged)
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "Cannot connect" in ran.err or "ClientConnectorError" in ran.err


@pytest.mark.usefixtures("mirror")
@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_judge_that_refuses_everything_withholds_the_score(
    run: Run, loopback: Loopback, status: int
) -> None:
    refusal = Reply(status, {"error": {"message": "no"}})
    loopback.script = always(refusal, judging)
    ran = run(*words(loopback))
    assert ran.status == 0, ran.err
    (result,) = document()["results"]
    assert result["scores"][0]["value"] is None
    assert {item["cause"] for item in result["items"] if item["value"] is None} == {
        f"judge refused: HTTP {status}: no"
    }


@pytest.mark.usefixtures("mirror")
def test_missing_log_probabilities_in_the_midst_end_the_run_in_one_line(
    run: Run, loopback: Loopback
) -> None:
    def bare(seen: Any, before: int) -> Reply:
        body = verdict(seen.body)
        body["choices"][0]["logprobs"] = None
        return judging(seen, before) if len(loopback.seen) < 50 else Reply(body=body)

    loopback.script = bare
    ran = run(*words(loopback))
    assert ran.status == 2
    assert [line for line in ran.lines if "log-probabilities for each token, came none" in line]


@pytest.mark.usefixtures("mirror")
def test_fewer_log_probabilities_than_asked_for_are_unread_not_guessed(
    run: Run, loopback: Loopback
) -> None:
    def strange(seen: Any, before: int) -> Reply:
        body = verdict(seen.body)
        for one in body["choices"][0]["logprobs"]["content"][0]["top_logprobs"][:2]:
            one["token"] = "?"
        return Reply(body=body)

    loopback.script = strange
    ran = run(*words(loopback, 20))
    assert ran.status == 0, ran.err
    (result,) = document()["results"]
    assert (result["scores"][0]["n"], result["scores"][0]["value"]) == (0, None)
