"""What a watch is told, and when."""

import asyncio
from collections.abc import Sequence

import pytest

from harness.models.serving.journal import Journal
from harness.types import Generation, Prompt
from tests.harness.models.calling import Diary, asking

FIRST, SECOND, *REST = asking(20)
FULL = OSError("disk full")


def answer(prompt: Prompt) -> Generation:
    return Generation(prompt, "m", ())


async def note_at_once(diary: Diary, prompts: Sequence[Prompt]) -> None:
    async with Journal(diary) as journal:
        await asyncio.gather(*(journal.note(None, prompt) for prompt in prompts))


def test_what_comes_up_during_a_batch_is_one_batch() -> None:
    diary = Diary(cost=0.01)

    async def two_waves() -> None:
        async with Journal(diary) as journal:
            one = asyncio.create_task(journal.note(None, FIRST))
            await asyncio.sleep(0.005)
            await asyncio.gather(one, *(journal.note(None, prompt) for prompt in REST))

    asyncio.run(two_waves())
    assert (diary.batches, len(diary.started_at)) == (2, 1 + len(REST))


def test_a_note_returns_after_the_watch_has_seen_it() -> None:
    diary = Diary(cost=0.01)

    async def note() -> set[str]:
        async with Journal(diary) as journal:
            await journal.note(None, FIRST)
            return set(diary.started_at)

    assert asyncio.run(note()) == {FIRST.id}


def test_an_answer_is_shown_before_the_call_that_takes_its_place() -> None:
    diary = Diary()

    async def note() -> None:
        async with Journal(diary) as journal:
            await journal.note(None, FIRST)
            await journal.note(answer(FIRST), SECOND)

    asyncio.run(note())
    assert diary.peak == 1


def test_the_watch_does_not_block_the_event_loop() -> None:
    diary = Diary(cost=0.2)

    async def ticks() -> int:
        async with Journal(diary) as journal:
            noting = asyncio.create_task(journal.note(None, FIRST))
            count = 0
            while not noting.done():
                await asyncio.sleep(0.01)
                count += 1
            return count

    assert asyncio.run(ticks()) > 5


def test_the_watch_is_called_from_one_thread() -> None:
    diary = Diary()

    async def note() -> None:
        async with Journal(diary) as journal:
            for prompt in REST:
                await journal.note(None, prompt)

    asyncio.run(note())
    assert len(diary.threads) == 1


def test_answers_that_still_wait_are_shown_in_the_end() -> None:
    diary = Diary(cost=0.02)

    async def leave_early() -> None:
        async with Journal(diary) as journal:
            waiting = [asyncio.create_task(journal.note(answer(p), None)) for p in (FIRST, SECOND)]
            await asyncio.sleep(0)
            for task in waiting:
                task.cancel()

    asyncio.run(leave_early())
    assert diary.finished_ids == {FIRST.id, SECOND.id}


def test_calls_that_still_wait_are_dropped_in_the_end() -> None:
    diary = Diary(cost=0.02)

    async def leave_early() -> None:
        async with Journal(diary) as journal:
            task = asyncio.create_task(journal.note(None, FIRST))
            await asyncio.sleep(0)
            task.cancel()

    asyncio.run(leave_early())
    assert not diary.started_at


def test_what_the_watch_raises_is_raised_by_the_note() -> None:
    with pytest.raises(OSError, match="disk full"):
        asyncio.run(note_at_once(Diary(trouble=FULL), [FIRST]))


def test_what_the_watch_raises_in_the_end_is_raised_there() -> None:
    async def leave_early() -> None:
        async with Journal(Diary(trouble=FULL)) as journal:
            task = asyncio.create_task(journal.note(answer(FIRST), None))
            await asyncio.sleep(0)
            task.cancel()

    with pytest.raises(OSError, match="disk full"):
        asyncio.run(leave_early())
