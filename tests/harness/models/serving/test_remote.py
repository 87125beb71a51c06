"""Many calls at once against a real server that misbehaves."""

import asyncio
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.errors import ModelError
from harness.models.serving.remote import Patience
from harness.types import Decoding, Prompt
from tests.harness.models.calling import HASTE, Diary, asking, hasty
from tests.servers.loopback import OK, Loopback, Reply, Script, Seen, serving

HTML = Reply(body=b"<html><h1>It works!</h1></html>", headers={"Content-Type": "text/html"})
REASON = {"error": {"message": "no such thing"}}


def bad(asked: str, reply: Reply, times: int = 99, others: Reply = OK) -> Script:
    """One question gets a bad reply so many times; every other question a good one."""
    return lambda seen, before: reply if seen.asked == asked and before < times else others


def chaos(seen: Seen, before: int) -> Reply:
    """Nearly every question meets trouble once or twice, then its answer."""
    draw = random.Random(f"{seen.asked} {before}")
    storm = Reply(429, headers={"Retry-After": "0.01"})
    troubles = [storm, Reply(500), Reply(503), HTML, Reply(cut=0), Reply(cut=30)]
    troubles.append(Reply(body=b'{"choices": [{"mess'))
    return draw.choice(troubles) if before < draw.choice([0, 1, 2]) else Reply(delay=0.01)


def interrupt_when(happened: Callable[[], bool]) -> None:
    def watch() -> None:
        while not happened():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=watch).start()


def test_answers_come_in_the_order_of_the_prompts(loopback: Loopback) -> None:
    loopback.script = lambda seen, _: Reply(delay=random.Random(seen.asked).uniform(0, 0.05))
    generations = hasty(loopback, 100).generate(asking(300))
    assert [one.text for one in generations] == [f"echo q{i}" for i in range(300)]


def test_an_answer_names_its_model_and_prompt(loopback: Loopback) -> None:
    [prompt] = asking(1)
    [generation] = hasty(loopback).generate([prompt])
    assert (generation.prompt, generation.model) == (prompt, loopback.openai)


def test_no_prompts_need_no_server(loopback: Loopback) -> None:
    assert hasty(loopback).generate([]) == []
    assert not loopback.seen


def test_it_can_be_asked_again_and_again(loopback: Loopback) -> None:
    model = hasty(loopback)
    assert [model.generate(asking(1))[0].text for _ in range(3)] == ["echo q0"] * 3


def test_it_can_be_asked_while_an_event_loop_runs(loopback: Loopback) -> None:
    async def notebook() -> str:
        return hasty(loopback).generate(asking(1))[0].text

    assert asyncio.run(notebook()) == "echo q0"


def test_as_many_calls_are_in_flight_as_allowed_and_no_more(loopback: Loopback) -> None:
    loopback.script = lambda _seen, _before: Reply(delay=0.05)
    hasty(loopback, 20).generate(asking(100))
    assert loopback.peak == 20


# The watch


def test_every_call_is_shown_before_it_is_made(loopback: Loopback) -> None:
    diary = Diary(cost=0.002)
    hasty(loopback, 50).generate(asking(200), diary)
    assert all(diary.started_at[seen.asked] <= seen.at for seen in loopback.seen)


def test_every_answer_is_shown(loopback: Loopback) -> None:
    diary = Diary()
    generations = hasty(loopback).generate(asking(100), diary)
    assert sorted(diary.answers, key=generations.index) == generations


def test_started_and_not_finished_are_never_more_than_allowed(loopback: Loopback) -> None:
    diary = Diary(cost=0.002)
    hasty(loopback, 20).generate(asking(200), diary)
    assert diary.peak == 20


def test_a_slow_watch_is_shown_large_batches(loopback: Loopback) -> None:
    diary = Diary(cost=0.01)
    hasty(loopback, 100).generate(asking(300), diary)
    assert diary.batches < 60


def test_what_the_watch_raises_ends_the_run(loopback: Loopback) -> None:
    with pytest.raises(OSError, match="disk full"):
        hasty(loopback).generate(asking(50), Diary(trouble=OSError("disk full")))
    assert not loopback.seen


# Turns


def two_turns() -> Prompt:
    return Prompt("p", ("one", "two"), Decoding(9))


def test_a_later_turn_is_asked_with_the_answer_before_it(loopback: Loopback) -> None:
    hasty(loopback).generate([two_turns()])
    said = [message["content"] for message in loopback.seen[1].body["messages"]]
    assert said == ["one", "echo one", "two"]


def test_every_turn_has_its_response(loopback: Loopback) -> None:
    [generation] = hasty(loopback).generate([two_turns()])
    assert [one.text for one in generation.responses] == ["echo one", "echo two"]


def test_when_a_later_turn_fails_all_turns_are_asked_again(loopback: Loopback) -> None:
    loopback.script = bad("two", Reply(500), times=1)
    hasty(loopback).generate([two_turns()])
    assert [seen.asked for seen in loopback.seen] == ["one", "two", "one", "two"]


# One request refused


def test_a_refused_prompt_is_a_generation_that_says_why(loopback: Loopback) -> None:
    loopback.script = bad("q3", Reply(400, REASON))
    generation = hasty(loopback).generate(asking(9))[3]
    assert (generation.responses, generation.failure) == ((), "HTTP 400: no such thing")


def test_the_others_are_answered_when_one_is_refused(loopback: Loopback) -> None:
    loopback.script = bad("q3", Reply(413, REASON))
    generations = hasty(loopback).generate(asking(9))
    assert [one.text for one in generations if one.failure is None] == [
        f"echo q{i}" for i in range(9) if i != 3
    ]


def test_a_refused_prompt_is_asked_once_and_is_finished(loopback: Loopback) -> None:
    loopback.script = bad("q0", Reply(422, REASON))
    diary = Diary()
    hasty(loopback).generate(asking(1), diary)
    assert (len(loopback.seen), diary.finished_ids) == (1, {"q0"})


# Every request denied


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_denial_ends_the_run_at_once(loopback: Loopback, status: int) -> None:
    loopback.script = lambda _seen, _before: Reply(status, REASON)
    with pytest.raises(ModelError):
        hasty(loopback, 10).generate(asking(100))
    assert len(loopback.seen) <= 10


def test_a_denial_names_model_status_reason_and_key(loopback: Loopback) -> None:
    loopback.script = lambda _seen, _before: Reply(401, REASON)
    with pytest.raises(ModelError) as caught:
        hasty(loopback).generate(asking(1))
    assert str(caught.value) == (
        f"{loopback.openai}: HTTP 401: no such thing; "
        "check the address, the model's name and the key in ITERBENCH_API_KEY"
    )


def test_denied_calls_are_closed(loopback: Loopback) -> None:
    loopback.script = lambda _seen, _before: Reply(401, REASON)
    diary = Diary()
    with pytest.raises(ModelError):
        hasty(loopback, 10).generate(asking(100), diary)
    assert not diary.open_ids


def test_no_further_calls_are_made_after_a_denial(loopback: Loopback) -> None:
    loopback.script = bad("q0", Reply(401, REASON), others=Reply(delay=0.02))
    with pytest.raises(ModelError):
        hasty(loopback, 4).generate(asking(100))
    assert len(loopback.seen) <= 8


def test_answers_on_their_way_are_waited_for_after_a_denial(loopback: Loopback) -> None:
    loopback.script = bad("q0", Reply(401, REASON), others=Reply(delay=0.05))
    diary = Diary()
    with pytest.raises(ModelError):
        hasty(loopback, 10).generate(asking(10), diary)
    assert diary.finished_ids == {f"q{i}" for i in range(10)}


def test_answers_far_away_are_not_waited_for_after_a_denial(loopback: Loopback) -> None:
    loopback.script = bad("q0", Reply(401, REASON), others=Reply(delay=30))
    begun = time.monotonic()
    with pytest.raises(ModelError):
        replace(hasty(loopback), patience=replace(HASTE, timeout=60)).generate(asking(5))
    assert time.monotonic() - begun < 5


# Calls that fail and may succeed


@pytest.mark.parametrize(
    "trouble",
    [
        Reply(500),
        Reply(503),
        Reply(429, headers={"Retry-After": "0.01"}),
        Reply(529),
        HTML,
        Reply(body=b'{"choices": [{"mess'),
        Reply(body={"object": "chat.completion"}),
        Reply(body={"choices": []}),
        Reply(body=b"[]"),
        Reply(body={"choices": [{"message": {"content": 5}}]}),
        Reply(cut=0),
        Reply(cut=20),
        Reply(delay=5),
    ],
    ids=lambda reply: f"{reply.status}-{reply.body!r}-{reply.cut}-{reply.delay}"[:40],
)
def test_trouble_that_passes_leaves_no_trace(loopback: Loopback, trouble: Reply) -> None:
    loopback.script = bad("q0", trouble, times=1)
    assert [one.text for one in hasty(loopback).generate(asking(2))] == ["echo q0", "echo q1"]


def test_trouble_that_stays_names_how_many_how_often_and_why(loopback: Loopback) -> None:
    loopback.script = bad("q3", Reply(500, REASON))
    with pytest.raises(ModelError) as caught:
        hasty(loopback).generate(asking(20))
    assert str(caught.value) == (
        f"1 of 20 calls to {loopback.openai} failed after 6 attempts, last cause: "
        "HTTP 500: no such thing; 19 answers are kept: see that the server is up and its "
        "address right, then run again to ask only the other 1"
    )


def test_trouble_that_stays_is_met_six_times(loopback: Loopback) -> None:
    loopback.script = bad("q3", Reply(500))
    with pytest.raises(ModelError):
        hasty(loopback).generate(asking(20))
    assert sum(seen.asked == "q3" for seen in loopback.seen) == 6


def test_a_call_that_failed_for_good_stays_possibly_paid(loopback: Loopback) -> None:
    loopback.script = bad("q3", Reply(500))
    diary = Diary()
    with pytest.raises(ModelError):
        hasty(loopback).generate(asking(20), diary)
    assert diary.open_ids == {"q3"}


def test_many_lost_prompts_with_answers_between_them_do_not_end_the_run(
    loopback: Loopback,
) -> None:
    loopback.script = lambda seen, _: Reply(500) if seen.asked.endswith("0") else OK
    model = replace(hasty(loopback, 1), patience=replace(HASTE, attempts=1))
    with pytest.raises(ModelError, match="10 of 100 calls"):
        model.generate(asking(100))


def test_a_server_that_hangs_is_said_to_hang(loopback: Loopback) -> None:
    loopback.script = lambda _seen, _before: Reply(delay=9)
    model = replace(hasty(loopback), patience=replace(HASTE, attempts=1, timeout=0.05))
    with pytest.raises(ModelError, match=r"no answer within 0\.05 s"):
        model.generate(asking(1))


def test_an_unreachable_server_ends_the_run_early() -> None:
    with serving() as gone:
        model = hasty(gone, 16)
    diary = Diary()
    with pytest.raises(ModelError, match="none of 8 prompts in a row, 6 attempts each"):
        model.generate(asking(500), diary)
    assert len(diary.started_at) < 30


def test_a_huge_answer_arrives_whole(loopback: Loopback) -> None:
    loopback.script = lambda _seen, _before: Reply(text="x" * 10_000_000)
    [generation] = replace(hasty(loopback), patience=Patience()).generate(asking(1))
    assert len(generation.text) == 10_000_000


# Overload


def test_a_pause_that_one_call_is_told_holds_all(loopback: Loopback) -> None:
    stop = Reply(429, headers={"Retry-After": "0.3"})
    loopback.script = bad("q0", stop, times=1, others=Reply(delay=0.02))
    hasty(loopback, 4).generate(asking(60))
    told = loopback.seen[0].at
    assert not [seen for seen in loopback.seen if told + 0.1 < seen.at < told + 0.3]
    assert len(loopback.seen) == 61


def test_a_pause_of_hours_ends_the_run(loopback: Loopback) -> None:
    loopback.script = lambda _seen, _before: Reply(429, REASON, headers={"Retry-After": "7200"})
    with pytest.raises(ModelError, match=r"wants no call for 7200 s \(HTTP 429: no such thing\)"):
        hasty(loopback).generate(asking(3))


def test_calls_become_fewer_until_the_server_can_bear_them(loopback: Loopback) -> None:
    loopback.script = lambda seen, _: Reply(429 if seen.busy > 10 else 200, delay=0.01)
    hasty(loopback, 64).generate(asking(400))
    assert sum(seen.busy > 16 for seen in loopback.seen[200:]) < 10


def test_calls_become_more_again_when_the_overload_is_over(loopback: Loopback) -> None:
    loopback.script = lambda _seen, before: Reply(
        200 if before or len(loopback.seen) > 16 else 503, delay=0.01
    )
    hasty(loopback, 16).generate(asking(400))
    assert max(seen.busy for seen in loopback.seen[-100:]) == 16


def test_chaos_and_calm_give_the_same_answers(loopback: Loopback) -> None:
    calm = hasty(loopback, 100).generate(asking(400))
    loopback.script = chaos
    diary = Diary(cost=0.001)
    assert hasty(loopback, 100).generate(asking(400), diary) == calm
    assert not diary.open_ids


# Interrupts


def test_an_interrupt_is_passed_on_quickly(loopback: Loopback) -> None:
    loopback.script = lambda _seen, _before: Reply(delay=30)
    begun = time.monotonic()
    interrupt_when(lambda: len(loopback.seen) == 10)
    with pytest.raises(KeyboardInterrupt):
        replace(hasty(loopback), patience=Patience()).generate(asking(20))
    assert time.monotonic() - begun < 3


def test_what_arrived_before_an_interrupt_is_with_the_watch(loopback: Loopback) -> None:
    slow = {"q3", "q4"}
    loopback.script = lambda seen, _: Reply(delay=30) if seen.asked in slow else OK
    diary = Diary(cost=0.01)
    interrupt_when(lambda: len(diary.answers) == 7)
    with pytest.raises(KeyboardInterrupt):
        replace(hasty(loopback), patience=Patience()).generate(asking(9), diary)
    assert diary.open_ids == slow


@pytest.mark.parametrize(("attempt", "nominal"), [(0, 1.0), (1, 2.0), (4, 16.0), (20, 60.0)])
def test_waits_double_up_to_a_limit_with_jitter(attempt: int, nominal: float) -> None:
    waits = [Patience().wait(attempt) for _ in range(200)]
    assert nominal / 2 <= min(waits) < max(waits) <= nominal
