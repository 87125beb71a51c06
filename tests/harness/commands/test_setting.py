"""What every command works with."""

from pathlib import Path

import pytest

from harness.commands.setting import Setting
from harness.errors import DataError
from harness.report.table import Table, to_markdown
from tests.harness.commands.desk import FILES, Desk

TABLE = Table("Title", ["name", "n"], [["a | b", "1"]], ["a note", "\x1b[31mred"])


def test_official_files_are_those_of_the_shipped_catalogue() -> None:
    assert list(Setting().library().catalogue) == list(FILES)


def test_without_mirrors_only_the_users_cache_is_looked_into(tmp_path: Path) -> None:
    library = Setting().library()
    assert library.mirrors == []
    assert library.cache == tmp_path / "cache" / "iterbench" / "assets"


def test_the_mirror_of_the_command_line_comes_before_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    monkeypatch.setenv("ITERBENCH_ASSETS", str(second))
    assert Setting(first).library().mirrors == [first, second]


def test_a_mirror_that_is_not_there_is_an_error() -> None:
    with pytest.raises(DataError, match="expected a folder of official files at nowhere"):
        Setting(Path("nowhere")).library()


def test_a_pipe_gets_markdown(desk: Desk) -> None:
    desk.setting.show([TABLE, TABLE])
    assert desk.shown == f"{to_markdown(TABLE)}\n" * 2


def test_a_terminal_gets_a_drawn_table_with_its_notes_below(terminal: Desk) -> None:
    terminal.setting.show([TABLE])
    assert "a | b   1" in terminal.shown
    assert terminal.shown.endswith("  a note\n  \\x1b[31mred\n")


def test_a_long_line_is_neither_wrapped_nor_styled(desk: Desk) -> None:
    line = "[red]" + "x" * 300
    desk.setting.say(line)
    assert desk.shown == f"{line}\n"


def test_data_are_kept_where_the_user_said(desk: Desk) -> None:
    desk.setting.keep({"answer": 42})
    assert desk.kept == {"answer": 42}


def test_nothing_is_kept_unless_the_user_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    Setting().keep({"answer": 42})
    assert sorted(tmp_path.iterdir()) == before


def test_a_pipe_is_told_of_a_download_once_and_beside_the_output(desk: Desk) -> None:
    progress = desk.setting.library().progress
    progress("set/b.json", 1_000_000, 2_500_000)
    progress("set/b.json", 2_500_000, 2_500_000)
    assert (desk.noted, desk.shown) == ("set/b.json: 2.5 of 2.5 MB\n", "")


def test_a_terminal_is_told_of_a_download_as_it_goes(terminal: Desk) -> None:
    progress = terminal.setting.library().progress
    progress("set/b.json", 1_000_000, 2_500_000)
    progress("set/b.json", 2_500_000, 2_500_000)
    assert terminal.noted == "set/b.json: 1.0 of 2.5 MB\rset/b.json: 2.5 of 2.5 MB\n"


def test_a_download_of_unknown_length_is_told_without_its_length(desk: Desk) -> None:
    desk.setting.library().progress("set/b.json", 1_000_000, 0)
    assert desk.noted == "set/b.json: 1.0 MB\n"
