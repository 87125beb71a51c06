from pathlib import Path

import numpy as np

from harness.report.judge_eval import Findings, curve, draw, judge_eval_data, judge_eval_table
from harness.report.table import to_markdown
from harness.stats.length_bias import Bin
from harness.types import Score
from tests.records import score

CURVES = {"judge": [Bin(-10, 0.2, 5), Bin(10, 0.8, 5)], "known verdicts": [Bin(-10, 0.4, 5)]}


def findings(*scores: Score, **fields: object) -> Findings:
    """What a trial of three prompts found."""
    plain = Findings("tiny@1", "Tiny", "people", 3, scores or (score(metric="accuracy"),))
    return plain._replace(**fields)  # type: ignore[arg-type]


def test_a_measure_stands_beside_that_of_the_known_verdicts() -> None:
    one = findings(score(0.25, metric="ties"), gold_scores=[score(0.5, metric="ties")])
    (row,) = judge_eval_table("openai:j", [one]).rows
    assert row == ["tiny@1", "ties", "25.00", "50.00", "100", "0"]


def test_a_measure_without_a_value_is_a_dash() -> None:
    (row,) = judge_eval_table("j", [findings(score(None, metric="flips"))]).rows
    assert row[2] == "–"


def test_prices_and_times_keep_their_first_digits() -> None:
    one = findings(score(0.00123, metric="seconds_per_answer", unit="seconds"))
    assert judge_eval_table("j", [one]).rows[0][2] == "0.00123"


def test_notes_tell_the_trial_the_causes_and_the_doubts() -> None:
    doubted = score(metric="accuracy", doubts=("few",))
    shown = to_markdown(judge_eval_table("j", [findings(doubted, causes={"refused": 2, "off": 1})]))
    assert "tiny@1: Tiny, 3 prompts, verdicts known by people" in shown
    assert "tiny@1: 3 unread: 2 refused; 1 off" in shown
    assert "tiny@1: few" in shown
    assert "a tie of the judge's is wrong" in shown


def test_only_what_was_measured_is_explained() -> None:
    assert "flips:" not in to_markdown(judge_eval_table("j", [findings()]))


def test_data_hold_what_the_table_rounds() -> None:
    data = judge_eval_data("j", [findings(score(1 / 3, metric="accuracy"), curves=CURVES)])
    (trial,) = data["trials"]
    assert trial["scores"][0]["value"] == 1 / 3
    assert trial["length_curve"]["judge"][0] == {"lead": -10, "win_rate": 0.2, "n": 5}


def test_the_figure_has_a_panel_for_each_trial_with_verdicts(tmp_path: Path) -> None:
    empty = findings(curves={"judge": []})
    assert draw(tmp_path / "one.svg", [findings(curves=CURVES), empty])
    svg = (tmp_path / "one.svg").read_text()
    assert svg.count("win rate, tiny@1") == 1
    assert "known verdicts" in svg


def test_without_pairs_there_is_no_figure(tmp_path: Path) -> None:
    assert not draw(tmp_path / "none.svg", [findings()])
    assert not (tmp_path / "none.svg").exists()


def test_a_curve_is_of_what_was_read() -> None:
    bins = curve(np.array([1.0, 2.0]), np.array([np.nan, 0.5]))
    assert bins == [Bin(2.0, 0.5, 1)]
