"""`rescore`: what is shown of published judgments."""

from pathlib import Path

from harness.commands.rescore import rescore
from tests.harness.commands.desk import Desk
from tests.leaves import planted

PARTED = """
from dataclasses import replace
from harness.types import Rescored
from tests.records import benchmark, card, score

PLAIN = benchmark(card=card(name="parted"))
SCORES = [score(0.5), score(0.25, metric="win_rate/maths")]
BENCHMARK = replace(
    PLAIN, files=replace(PLAIN.files, rescore=lambda rows, _: Rescored("m", "judge", SCORES, []))
)
"""


def test_parts_are_shown_below_the_whole(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text('[{"any": "row"}]')
    with planted("benchmarks.parted", PARTED, tmp_path / "more"):
        table = rescore("parted", str(tmp_path / "m.json"), desk.setting)
    assert table.rows[0][1] == "50.00"
    assert "| win_rate/maths | 25.00 |" in desk.shown
