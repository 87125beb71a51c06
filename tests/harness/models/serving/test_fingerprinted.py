from dataclasses import replace
from pathlib import Path

from harness.models.scripted import Scripted, build
from harness.models.serving.fingerprinted import Fingerprinted
from harness.store import Cached, Store
from harness.types import ModelOptions
from tests.harness.models.calling import asking


def test_two_checkpoints_behind_one_address_do_not_share_answers(tmp_path: Path) -> None:
    with Store(tmp_path / "store.sqlite") as store:
        for weights in ("f00", "ba7"):
            served = replace(build(f"scripted:{weights}", ModelOptions()), name="http://h/v1#tiny")
            model = Cached(Fingerprinted(served, weights), store, "run")
            assert [one.text for one in model.generate(asking(1))] == [weights]


def test_a_served_model_keeps_its_name_and_gains_its_weights() -> None:
    model = Fingerprinted(Scripted(lambda _: "x", "m"), "f00")
    assert (model.name, model.identity) == ("m", {"model": "m", "weights": "f00"})
