"""Settings in transformers' words."""

from pathlib import Path

import pytest

import train.fit
from harness.errors import SpecError
from tests.train.jobs import Write, assert_alike, trained, weights
from train import arguments
from train.fit import fit

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")


def test_a_batch_must_divide_into_passes(job: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(SpecError, match="multiple of micro_batch times 4 processes, came 6 with 1"):
        fit(job(batch_size=6, micro_batch=3))


def test_a_listener_that_is_not_installed_is_named(job: Write) -> None:
    with pytest.raises(SpecError, match="expected comet_ml to be installed"):
        fit(job(report_to=("comet_ml",)))


def test_lora_without_its_library_is_refused_before_weights_are_read(
    job: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arguments, "find_spec", lambda _: None)
    monkeypatch.setattr(train.fit, "policy", lambda *_: pytest.fail("weights were read"))
    with pytest.raises(SpecError, match=r"expected peft .* pip install 'iterbench\[train\]'"):
        fit(job(lora={"r": 4}))


@pytest.mark.parametrize("optimizer", ["adamw", "rmsprop"])
def test_a_wide_epsilon_makes_small_steps(job: Write, checkpoint: Path, optimizer: str) -> None:
    wide = job(optimizer=optimizer, epsilon=1e6)
    assert_alike(trained(wide), weights(checkpoint))
