"""How models of a run are opened: by name, or from what was recorded of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.commands.doors import Doors, Opened, Packing, Recollection
from harness.errors import DataError, ModelError
from harness.models.replay import Replay
from harness.models.scripted import Scripted
from harness.store import Store
from harness.store.encoding import address, encode_identity, encode_request
from harness.types import Model, Response
from tests.records import prompt

MODEL = Scripted(lambda asked: asked.turns[0].upper(), "hf:a")
KEY = "iter1 on tiny@1"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "s.sqlite") as store:
        yield store


def nobody() -> Model:
    raise AssertionError("was opened")


def recorded(model: Model = MODEL) -> dict[str, Opened]:
    return {KEY: Opened(model.name, dict(model.identity))}


def at(asked: str) -> str:
    return address(encode_identity(MODEL.identity), encode_request(prompt(asked)))


def test_models_that_are_opened_are_remembered() -> None:
    doors = Doors()
    assert doors.open(KEY, lambda: MODEL) is MODEL
    assert doors.opened == recorded()
    assert not doors.complete


def test_a_recollection_opens_nobody_and_answers_from_the_store(store: Store) -> None:
    store.put(MODEL.identity, {prompt("a"): [Response("A")]}, source="test")
    model = Recollection(recorded=recorded(), store=store).open(KEY, nobody)
    assert (model.name, model.identity) == (MODEL.name, MODEL.identity)
    assert [one.text for one in model.generate([prompt("a")])] == ["A"]


def test_what_was_refused_is_refused_again(store: Store) -> None:
    doors = Recollection(recorded=recorded(), store=store, failures={at("a"): "filtered"})
    (one,) = doors.open(KEY, nobody).generate([prompt("a")])
    assert (one.failure, one.responses) == ("filtered", ())


def test_an_answer_that_is_nowhere_is_not_made_up(store: Store) -> None:
    model = Recollection(recorded=recorded(), store=store).open(KEY, nobody)
    with pytest.raises(ModelError, match="1 of 1 are not there"):
        model.generate([prompt("a")])


def test_a_model_that_the_run_never_opened_is_refused(store: Store) -> None:
    with pytest.raises(DataError, match="who was opened for 'other'"):
        Recollection(recorded=recorded(), store=store).open("other", nobody)


def test_packing_keeps_what_is_used_and_no_more(store: Store) -> None:
    store.put(
        MODEL.identity, {prompt(one): [Response(one.upper())] for one in "abc"}, source="test"
    )
    doors = Packing(recorded=recorded(), store=store, failures={at("d"): "filtered"})
    doors.open(KEY, nobody).generate([prompt("a"), prompt("d")])
    assert set(doors.rows) == {at("a")}
    assert doors.lost == {at("d"): "filtered"}


def recording(fingerprint: str) -> Replay:
    return Replay("replay:x", {(("a",), None): (Response("A"),)}, fingerprint)


def test_a_recording_is_read_again_and_packed(store: Store) -> None:
    doors = Packing(recorded=recorded(recording("f0")), store=store)
    doors.open(KEY, lambda: recording("f0")).generate([prompt("a")])
    assert len(doors.rows) == 1


def test_a_recording_that_has_changed_is_refused(store: Store) -> None:
    doors = Packing(recorded=recorded(recording("f0")), store=store)
    with pytest.raises(DataError, match="its content has changed"):
        doors.open(KEY, lambda: recording("f1"))
