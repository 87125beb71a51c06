"""`diff`: which results are compared, and what is refused."""

from pathlib import Path

import pytest

from harness.commands.diff import diff
from harness.errors import DataError
from tests.harness.commands.desk import Desk
from tests.records import saved_run


def test_checkpoints_of_the_same_name_are_compared(tmp_path: Path, desk: Desk) -> None:
    runs = saved_run(tmp_path / "a", "base", "iter1"), saved_run(tmp_path / "b", "iter1", "iter2")
    diff(*runs, desk.setting)
    assert [one["checkpoints"] for one in desk.kept["pairs"]] == [["iter1", "iter1"]]
    assert "only in" in desk.noted
    assert "base on tiny@1" in desk.noted
    assert "iter2 on tiny@1" in desk.noted


def test_two_lone_checkpoints_are_compared_whatever_they_are_called(
    tmp_path: Path, desk: Desk
) -> None:
    diff(saved_run(tmp_path / "a", "mine"), saved_run(tmp_path / "b", "yours"), desk.setting)
    assert [one["checkpoints"] for one in desk.kept["pairs"]] == [["mine", "yours"]]


def test_another_version_of_a_benchmark_is_a_difference(tmp_path: Path, desk: Desk) -> None:
    diff(saved_run(tmp_path / "a", "x"), saved_run(tmp_path / "b", "x", version="2"), desk.setting)
    assert desk.kept["pairs"][0]["benchmark"] == "tiny@1 and tiny@2"


def test_versions_of_what_computed_them_are_compared(tmp_path: Path, desk: Desk) -> None:
    ours = saved_run(tmp_path / "a", "x", versions={"torch": "2.6"})
    diff(ours, saved_run(tmp_path / "b", "x", versions={"torch": "2.7"}), desk.setting)
    assert desk.kept["versions"] == [{"what": "torch", "a": "2.6", "b": "2.7"}]


def test_runs_with_nothing_in_common_are_refused(tmp_path: Path, desk: Desk) -> None:
    ours, theirs = saved_run(tmp_path / "a", "x", "y"), saved_run(tmp_path / "b", "v", "w")
    with pytest.raises(DataError, match=r"x on tiny@1, y on tiny@1 in .*v on tiny@1"):
        diff(ours, theirs, desk.setting)


def test_runs_without_a_prompt_in_common_are_refused(tmp_path: Path, desk: Desk) -> None:
    with pytest.raises(DataError, match="have none of 2 and 3"):
        diff(
            saved_run(tmp_path / "a", "x"), saved_run(tmp_path / "b", "x", ids="cde"), desk.setting
        )
