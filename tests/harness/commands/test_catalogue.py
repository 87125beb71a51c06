"""`list` and `assets`."""

from pathlib import Path

import pytest

from harness.commands.catalogue import pull_assets, show_assets, show_names, verify_assets
from harness.errors import DataError, UnknownNameError
from tests.harness.commands.desk import FILES, Desk

A, B = FILES


def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "iterbench" / "assets"


def test_list_names_benchmarks_with_their_judge_and_their_paper(desk: Desk) -> None:
    show_names(desk.setting)
    row = next(line for line in desk.shown.splitlines() if "tiny@1" in line)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == ["tiny@1", "openai:gpt-4 (retired 2026-10-23)", "2", "win_rate", "0000.00000"]


def test_list_names_judges_and_backends(desk: Desk) -> None:
    show_names(desk.setting)
    assert "llm" in desk.shown
    assert "| http " in desk.shown
    assert "chat-completions protocol" in desk.shown


def test_list_is_kept_as_data(desk: Desk) -> None:
    show_names(desk.setting)
    assert "tiny@1" in desk.kept["benchmarks"]
    assert {"llm"} <= set(desk.kept["judges"])
    assert {"http", "https"} <= set(desk.kept["models"])


def test_official_files_are_listed_with_where_they_are(desk: Desk) -> None:
    show_assets(desk.setting)
    assert f"| {A} | no, mirrors only | MIT     | " in desk.shown
    assert f"| {B} | no               | MIT     | " in desk.shown


def test_a_file_that_is_here_is_listed_so_and_kept_so(desk: Desk) -> None:
    desk.put(A)
    show_assets(desk.setting)
    assert f"| {A} | yes " in desk.shown
    assert [(one["name"], one["here"]) for one in desk.kept["assets"]] == [(A, True), (B, False)]


def test_a_pulled_file_is_kept_and_its_place_said(desk: Desk, tmp_path: Path) -> None:
    pull_assets([B], desk.setting)
    assert (cache(tmp_path) / B).read_bytes() == FILES[B]
    assert desk.shown == f"{B}: {cache(tmp_path) / B}\n"


def test_a_file_that_is_here_is_not_pulled_again(desk: Desk, tmp_path: Path) -> None:
    here = desk.put(B)
    pull_assets([B], desk.setting)
    assert desk.shown == f"{B}: {here}\n"
    assert not (cache(tmp_path) / B).exists()


def test_files_are_pulled_by_the_beginning_of_their_names(desk: Desk) -> None:
    desk.put(A)
    pull_assets(["set/"], desk.setting)
    assert [line.partition(":")[0] for line in desk.shown.splitlines()] == [A, B]


def test_without_names_what_the_benchmarks_run_on_is_pulled(desk: Desk) -> None:
    desk.put(A)
    pull_assets([], desk.setting)
    assert [line.partition(":")[0] for line in desk.shown.splitlines()] == [A, B]


def test_a_file_without_an_address_cannot_be_pulled(desk: Desk) -> None:
    with pytest.raises(DataError, match=f"'{A}' .* no public address"):
        pull_assets([A], desk.setting)


@pytest.mark.parametrize("names", [["sett/b.json"], [B, "sett/b.json"]])
def test_a_name_that_begins_no_file_is_refused_beside_any_others(
    desk: Desk, names: list[str]
) -> None:
    with pytest.raises(UnknownNameError, match=f"'sett/b.json'; did you mean '{B}'"):
        pull_assets(names, desk.setting)
    assert desk.shown == ""


def test_files_that_are_what_they_should_be_hold(desk: Desk) -> None:
    desk.put(A)
    assert verify_assets([], desk.setting)
    assert desk.shown == "1 of 1 files are what they should be\n"
    assert desk.kept == {"checked": [A], "faults": []}


def test_a_damaged_file_does_not_hold_and_is_named(desk: Desk) -> None:
    damaged = desk.put(A, b"other")
    desk.put(B)
    assert not verify_assets([], desk.setting)
    fault, total = desk.shown.splitlines()
    assert str(damaged) in fault
    assert total == "1 of 2 files are what they should be"
    assert desk.kept["faults"] == [fault]


def test_a_named_file_that_is_absent_does_not_hold(desk: Desk) -> None:
    assert not verify_assets([B], desk.setting)
    assert f"{B} is not on this machine" in desk.shown


def test_files_are_verified_by_the_beginning_of_their_names(desk: Desk) -> None:
    desk.put(A)
    desk.put(B)
    assert verify_assets(["set/"], desk.setting)
    assert desk.kept["checked"] == [A, B]


def test_verifying_an_unknown_name_is_refused(desk: Desk) -> None:
    with pytest.raises(UnknownNameError, match="no asset is called 'sett/'"):
        verify_assets(["sett/"], desk.setting)
