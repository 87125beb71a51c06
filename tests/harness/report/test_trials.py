"""What `judge-eval` found is read again, from beside a run."""

from pathlib import Path

import pytest

from harness.errors import DataError
from harness.report.judge_eval import Findings, judge_eval_data
from harness.report.save import write_json
from harness.report.trials import read_trial, trials_beside
from harness.stats.length_bias import Bin
from harness.types import Score

FOUND = Findings(
    "tiny@1",
    "Tiny",
    "people",
    3,
    [Score("accuracy", 0.5, 3, 1, (0.2, 0.8), doubts=("few",)), Score("flips", None, 0)],
    [Score("accuracy", 1.0, 3)],
    {"no letter": 1},
    {"judge": [Bin(-10.0, 0.25, 4)]},
)


def test_findings_come_back_as_they_were(tmp_path: Path) -> None:
    file = tmp_path / "judge_eval.json"
    write_json(file, judge_eval_data("openai:j", [FOUND]))
    assert read_trial(file) == ("openai:j", [FOUND])


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "judge_eval.json", {"format": "iterbench.judge_eval/1", "judge": "j"})
    with pytest.raises(DataError, match="'trials'"):
        read_trial(tmp_path / "judge_eval.json")


def test_trials_lie_beside_a_run(tmp_path: Path) -> None:
    for name in ("judge-eval-b", "judge-eval-a", "other"):
        write_json(tmp_path / name / "judge_eval.json", {})
    found = trials_beside(tmp_path / "run")
    assert [file.parent.name for file in found] == ["judge-eval-a", "judge-eval-b"]
