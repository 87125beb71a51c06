"""`verify` as a command: what holds, what differs, what nobody can prove, what is not to be had."""

from pathlib import Path

import pytest

from harness.commands.verify import verify
from tests.harness.commands.desk import Desk
from tests.leaves import planted

PROOF = """
from harness.errors import DataError
from harness.types import Check
from tests.records import benchmark, card
def lacking(_assets):
    raise DataError("expected the asset 'x' here, found none")
def saying(name, checks):
    return benchmark(card=card(name="proof", version=name), verify=checks)
VERSIONS = (
    saying("fine", lambda _: [Check("sum", 3, 0.0, 0.1)]),
    saying("off", lambda _: [Check("sum", 3, 0.5, 0.1, worst="b")]),
    saying("open", lambda _: [Check("sum", 0, 0.0, 0.1, provable=False)]),
    saying("lacking", lacking),
)
"""


@pytest.fixture
def _proof(tmp_path: Path) -> object:
    with planted("benchmarks.proof", PROOF, tmp_path / "proofs"):
        yield


@pytest.mark.usefixtures("_proof")
@pytest.mark.parametrize(
    ("version", "held", "verdict"),
    [
        ("fine", True, "holds"),
        ("off", False, "DIFFERS"),
        ("open", True, "NOT PROVEN"),
        ("lacking", False, "NOT PROVEN"),
    ],
)
def test_each_check_has_its_verdict(desk: Desk, version: str, held: bool, verdict: str) -> None:
    assert verify(f"proof@{version}", desk.setting) is held
    assert verdict in desk.shown


@pytest.mark.usefixtures("_proof")
def test_a_file_that_is_not_to_be_had_stops_no_other_version(desk: Desk) -> None:
    assert not verify("proof", desk.setting)
    assert "expected the asset 'x' here, found none" in desk.shown
    assert [check["n"] for check in desk.kept["checks"]] == [3, 3, 0, 0]
