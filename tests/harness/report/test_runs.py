"""What `score` wrote is read again, or refused in one line."""

import json
from pathlib import Path

import pytest

from harness.errors import DataError
from harness.report.runs import find_runs, read_run
from tests.records import saved_run


def test_a_run_is_a_folder_or_its_file(tmp_path: Path) -> None:
    folder = saved_run(tmp_path / "a", "x")
    assert read_run(folder) == read_run(folder / "scores.json")
    assert [item.id for item in read_run(folder).results[0].items] == ["a", "b"]


def test_a_folder_of_runs_holds_them_all(tmp_path: Path) -> None:
    saved_run(tmp_path / "a", "x")
    saved_run(tmp_path / "b", "y")
    assert [run.results[0].checkpoint for run in find_runs(tmp_path)] == ["x", "y"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "Invalid JSON"),
        ("[", "Invalid JSON"),
        ("{}", "'format'"),
        ('{"format": "iterbench.results/1", "results": [{}]}', "results.0.checkpoint"),
        ('{"format": "other/1", "results": []}', "came 'other/1'"),
    ],
)
def test_what_score_did_not_write_gets_one_clear_line(
    tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "scores.json").write_text(content)
    with pytest.raises(DataError, match=message):
        read_run(tmp_path)


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found no scores\.json there"):
        find_runs(tmp_path)


def test_scores_are_read_as_they_were(tmp_path: Path) -> None:
    folder = saved_run(tmp_path / "a", "x")
    written = json.loads((folder / "scores.json").read_text())["results"][0]
    (one,) = read_run(folder).results
    assert one.identity == written["identity"]
    score = one.score("win_rate")
    assert score is not None
    assert (score.value, score.n, score.coverage) == (0.5, 100, 1.0)
    assert one.score("none") is None
