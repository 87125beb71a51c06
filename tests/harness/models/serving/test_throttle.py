"""How many calls may be in flight."""

import asyncio
from time import monotonic

from harness.models.serving.throttle import Throttle


def test_it_starts_at_its_ceiling() -> None:
    assert Throttle(8).limit == 8


def test_an_overload_halves_it() -> None:
    throttle = Throttle(8)
    throttle.overloaded(0)
    assert throttle.limit == 4


def test_a_burst_of_overloads_halves_it_once() -> None:
    throttle = Throttle(8)
    for _ in range(8):
        throttle.overloaded(0)
    assert throttle.limit == 4


def test_it_never_falls_below_one() -> None:
    throttle = Throttle(3)
    for cuts in range(5):
        throttle.overloaded(cuts)
    assert throttle.limit == 1


def test_a_round_of_answers_earns_a_sixteenth_of_the_ceiling() -> None:
    throttle = Throttle(64)
    throttle.overloaded(0)
    for _ in range(32):
        throttle.answered()
    # 64 / 16 = 4, less a little because the limit grows during the round
    assert throttle.limit == 32 + 3


def test_it_grows_back_to_its_ceiling_and_no_further() -> None:
    throttle = Throttle(8)
    throttle.overloaded(0)
    for _ in range(1000):
        throttle.answered()
    assert throttle.limit == 8


def test_no_more_calls_are_let_in_than_the_limit() -> None:
    assert asyncio.run(_entered(Throttle(3), wanting=5)) == 3


def test_after_a_cut_fewer_are_let_in() -> None:
    throttle = Throttle(4)
    throttle.overloaded(0)
    assert asyncio.run(_after_leaving(throttle, 4)) == 2


def test_after_a_cut_and_its_recovery_all_are_let_in() -> None:
    throttle = Throttle(4)
    throttle.overloaded(0)
    for _ in range(100):
        throttle.answered()
    assert asyncio.run(_after_leaving(throttle, 4)) == 4


def test_a_pause_holds_everybody() -> None:
    async def wait() -> float:
        throttle = Throttle(2)
        throttle.pause(0.1)
        begun = monotonic()
        await throttle.enter()
        return monotonic() - begun

    assert asyncio.run(wait()) >= 0.1


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    async def wait() -> float:
        throttle = Throttle(1)
        throttle.pause(0.1)
        throttle.pause(0.01)
        begun = monotonic()
        await throttle.enter()
        return monotonic() - begun

    assert asyncio.run(wait()) >= 0.1


async def _entered(throttle: Throttle, wanting: int) -> int:
    tasks = [asyncio.create_task(throttle.enter()) for _ in range(wanting)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    inside = sum(task.done() for task in tasks)
    for task in tasks:
        task.cancel()
    return inside


async def _after_leaving(throttle: Throttle, were_inside: int) -> int:
    for _ in range(were_inside):
        await throttle.enter()
    for _ in range(were_inside):
        throttle.leave()
    return await _entered(throttle, were_inside)
