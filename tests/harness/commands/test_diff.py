"""`diff`: which results are compared, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.commands.diff import diff
from harness.commands.runs import find_runs, read_run
from harness.errors import DataError
from harness.report.save import document, write_json
from tests.harness.commands.desk import Desk
from tests.records import card, comparison, prompt, result, verdict


def saved(
    folder: Path, *checkpoints: str, ids: str = "ab", version: str = "1", **made: Any
) -> Path:
    """A run of some checkpoints, with items of these ids."""
    verdicts = [verdict(comparison=comparison(asked=prompt(one))) for one in ids]
    results = [
        (name, result(verdicts=verdicts, card=card(version=version))) for name in checkpoints
    ]
    write_json(folder / "scores.json", document(results, items=True))
    if made:
        write_json(folder / "provenance.json", made)
    return folder


def test_checkpoints_of_the_same_name_are_compared(tmp_path: Path, desk: Desk) -> None:
    runs = saved(tmp_path / "a", "base", "iter1"), saved(tmp_path / "b", "iter1", "iter2")
    diff(*runs, desk.setting)
    assert [one["checkpoints"] for one in desk.kept["pairs"]] == [["iter1", "iter1"]]
    assert "only in" in desk.noted
    assert "base on tiny@1" in desk.noted
    assert "iter2 on tiny@1" in desk.noted


def test_two_lone_checkpoints_are_compared_whatever_they_are_called(
    tmp_path: Path, desk: Desk
) -> None:
    diff(saved(tmp_path / "a", "mine"), saved(tmp_path / "b", "yours"), desk.setting)
    assert [one["checkpoints"] for one in desk.kept["pairs"]] == [["mine", "yours"]]


def test_another_version_of_a_benchmark_is_a_difference(tmp_path: Path, desk: Desk) -> None:
    diff(saved(tmp_path / "a", "x"), saved(tmp_path / "b", "x", version="2"), desk.setting)
    assert desk.kept["pairs"][0]["benchmark"] == "tiny@1 and tiny@2"


def test_versions_of_what_computed_them_are_compared(tmp_path: Path, desk: Desk) -> None:
    ours = saved(tmp_path / "a", "x", versions={"torch": "2.6"})
    diff(ours, saved(tmp_path / "b", "x", versions={"torch": "2.7"}), desk.setting)
    assert desk.kept["versions"] == [{"what": "torch", "a": "2.6", "b": "2.7"}]


def test_runs_with_nothing_in_common_are_refused(tmp_path: Path, desk: Desk) -> None:
    ours, theirs = saved(tmp_path / "a", "x", "y"), saved(tmp_path / "b", "v", "w")
    with pytest.raises(DataError, match=r"x on tiny@1, y on tiny@1 in .*v on tiny@1"):
        diff(ours, theirs, desk.setting)


def test_runs_without_a_prompt_in_common_are_refused(tmp_path: Path, desk: Desk) -> None:
    with pytest.raises(DataError, match="have none of 2 and 3"):
        diff(saved(tmp_path / "a", "x"), saved(tmp_path / "b", "x", ids="cde"), desk.setting)


def test_a_run_is_a_folder_or_its_file(tmp_path: Path) -> None:
    folder = saved(tmp_path / "a", "x")
    assert read_run(folder) == read_run(folder / "scores.json")
    assert [item.id for item in read_run(folder).results[0].items] == ["a", "b"]


def test_a_folder_of_runs_holds_them_all(tmp_path: Path) -> None:
    saved(tmp_path / "a", "x")
    saved(tmp_path / "b", "y")
    assert [run.results[0].checkpoint for run in find_runs(tmp_path)] == ["x", "y"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "expected a run's scores.json"),
        ("[", "expected a run's scores.json"),
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
    folder = saved(tmp_path / "a", "x")
    written = json.loads((folder / "scores.json").read_text())["results"][0]
    (one,) = read_run(folder).results
    assert one.identity == written["identity"]
    score = one.score("win_rate")
    assert score is not None
    assert (score.value, score.n, score.coverage) == (0.5, 100, 1.0)
    assert one.score("none") is None
