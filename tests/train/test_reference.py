"""What the reference says, kept between runs of one training."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM

from harness.errors import DataError
from tests.train.jobs import Write, steps, stopped
from train.fit import fit
from train.forward import collate, response_logps, together
from train.reference import keep, known, refer
from train.rows import Row

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")
ROWS = [Row([6], [[4], [5, 4]], {}), Row([6, 7], [[4]], {})]


def test_what_is_kept_is_known(tmp_path: Path) -> None:
    keep(tmp_path / "reference.json", [[-0.1, -2.5], [-3.0]])
    assert known(tmp_path / "reference.json", ROWS) == [[-0.1, -2.5], [-3.0]]


def test_every_row_has_its_own_log_probabilities_whatever_is_asked_together(
    checkpoint: Path,
) -> None:
    auto: Any = AutoModelForCausalLM
    network = auto.from_pretrained(checkpoint).requires_grad_(requires_grad=False)
    rows = [Row([6] * n, [[7, 8, 4], [9] * (n + 1)], {}) for n in (5, 1, 4, 2, 3)]
    found = refer(network, rows, together, at_once=2)
    for row, logps in zip(rows, found, strict=True):
        [alone] = response_logps(network, collate([row])).tolist()
        assert logps == pytest.approx(alone, abs=1e-3)


def test_nothing_kept_is_nothing_known(tmp_path: Path) -> None:
    assert known(tmp_path / "reference.json", ROWS) is None


def test_what_is_kept_of_other_rows_is_not_known(tmp_path: Path) -> None:
    keep(tmp_path / "reference.json", [[-0.1], [-3.0]])
    assert known(tmp_path / "reference.json", ROWS) is None


@pytest.mark.parametrize("text", ["[[1.0", "[[1.0, 2.0]]", "3", "[null]", '["ab"]', "{}"])
def test_a_reference_that_was_lost_is_never_taken_of_moved_weights(job: Write, text: str) -> None:
    data = job(epochs=3, save_every=2)
    states = stopped(data, 3)
    (data / "reference.json").write_text(text)
    with pytest.raises(DataError, match=f"remove {states}: the same command then begins"):
        fit(data)
    shutil.rmtree(states)
    fit(data)
    assert steps(data)[-1]["step"] == 9


def test_a_reference_that_was_lost_before_the_first_step_is_computed_again(job: Write) -> None:
    calm, damaged = job(name="calm", steps=1), job(name="damaged", steps=1)
    (damaged / "reference.json").write_text("[[1.0")
    fit(calm)
    fit(damaged)
    assert (damaged / "reference.json").read_bytes() == (calm / "reference.json").read_bytes()
