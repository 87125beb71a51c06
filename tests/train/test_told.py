"""A training tells how it goes."""

from types import SimpleNamespace

from train.told import Told


def told(steps: int, first: int = 0) -> list[str]:
    """What is said in a training of so many steps, taken up after the first ones."""
    said: list[str] = []
    callback = Told("iter1", said.append)
    state = SimpleNamespace(global_step=first, max_steps=steps)
    callback.on_train_begin(None, state, None)
    for step in range(first + 1, steps + 1):
        state.global_step = step
        callback.on_log(None, state, None, logs={"loss": 1 / step})
    callback.on_log(None, state, None, logs={"train_runtime": 1.0})
    return said


def test_ten_lines_tell_step_loss_and_time_left() -> None:
    said = told(200)
    assert len(said) == 10
    assert said[0].startswith("iter1: step 20/200, loss 0.05, ")
    assert said[-1] == "iter1: step 200/200, loss 0.005, 0 s left"


def test_a_short_training_tells_every_step() -> None:
    assert len(told(3)) == 3


def test_a_training_taken_up_again_tells_from_there() -> None:
    assert [line.split(",")[0] for line in told(10, first=8)] == [
        "iter1: step 9/10",
        "iter1: step 10/10",
    ]
