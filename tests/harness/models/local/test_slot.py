import threading

import pytest

from harness.models.local.slot import Slot


def counted() -> tuple[Slot[str, str], list[str]]:
    loads: list[str] = []

    def load(key: str) -> str:
        loads.append(key)
        return key.upper()

    return Slot(load), loads


def use(slot: Slot[str, str], *keys: str) -> list[str]:
    found = []
    for key in keys:
        with slot.holding(key) as thing:
            found.append(thing)
    return found


def test_what_is_held_is_loaded_once() -> None:
    slot, loads = counted()
    assert use(slot, "a", "a", "a") == ["A", "A", "A"]
    assert loads == ["a"]


def test_another_takes_its_place() -> None:
    slot, loads = counted()
    use(slot, "a", "b", "a")
    assert loads == ["a", "b", "a"]


@pytest.mark.parametrize(("released", "again"), [("a", True), (None, True), ("b", False)])
def test_only_what_is_held_is_let_go(released: str | None, again: bool) -> None:
    slot, loads = counted()
    use(slot, "a")
    slot.release(released)
    use(slot, "a")
    assert loads == (["a", "a"] if again else ["a"])


def test_one_user_at_a_time() -> None:
    slot, _ = counted()
    entered = threading.Event()

    def enter() -> None:
        with slot.holding("b"):
            entered.set()

    other = threading.Thread(target=enter)
    with slot.holding("a"):
        other.start()
        assert not entered.wait(0.05)
    other.join()
    assert entered.is_set()
