"""The papers' tables as data: complete, as printed, and found wherever iterbench is."""

import csv
import re
from pathlib import Path

import pytest

from harness import published as module
from harness import registry
from harness.assets import read_catalogue
from harness.errors import DataError, UnknownNameError
from harness.published import Measure, Printed, published

ROOT = Path(__file__).parents[2]
TABLES = ROOT / "results" / "published"
CATALOGUE = read_catalogue(ROOT / "benchmarks" / "assets.csv")


def printed(text: str) -> Printed:
    return Printed("row", "column", text, Measure(unit="percent"), "")


def test_every_file_of_the_folder_is_a_table_or_the_index() -> None:
    index = (TABLES / "index.yaml").read_text()
    listed = set(re.findall(r"file: (\S+)", index))
    assert listed == {path.name for path in TABLES.glob("*.csv")}
    assert len(listed) == 22


def test_a_tables_numbers_are_those_of_its_file() -> None:
    (table,) = published().named("sppo:table3")
    with (TABLES / "sppo_table3.csv").open(newline="") as file:
        rows = {row["model"]: row for row in csv.DictReader(file)}
    assert len(table.printed) == 15 * 7
    for one in table.printed:
        assert one.text in rows[one.row].values()


def test_cells_that_are_empty_in_print_are_absent() -> None:
    (table,) = published().named("sppo:table1")
    first = [one.column for one in table.printed if one.row == "Self-Rewarding 70B Iter1"]
    assert first == ["win rate", "length"]


def test_the_rows_of_a_transposed_table_are_the_models() -> None:
    (table,) = published().named("self_rewarding:table4")
    assert table.rows == ["SFT_Baseline", "M1", "M2", "M3"]
    cells = {(one.row, one.column): one.text for one in table.printed}
    assert cells["M3", "Spearman"] == "0.349"


def test_a_row_of_several_columns_has_a_label() -> None:
    (table,) = published().named("sppo:fig4")
    assert table.rows[0] == "K=2 Iter1"


def test_every_number_is_a_number() -> None:
    for table in published().tables:
        assert all(one.value == float(one.text) for one in table.printed)


def test_every_known_row_is_a_row_of_its_papers_tables() -> None:
    for key, paper in published().papers.items():
        rows = {row for table in published().tables if table.paper is paper for row in table.rows}
        assert set(paper.rows) <= rows, key


def test_every_gain_is_over_a_row_of_its_table() -> None:
    for table in published().tables:
        for one in table.printed:
            assert bool(one.gain_over) >= bool(one.measure.gain_of)
            assert not one.gain_over or one.gain_over in table.rows


def test_every_official_file_that_is_named_is_in_the_catalogue() -> None:
    named = {board.asset for board in published().boards.values()}
    for paper in published().papers.values():
        named |= {name for row in paper.rows.values() for name in row.judgments.values()}
    assert named <= CATALOGUE.keys()


def test_benchmarks_that_are_here_have_the_metrics_that_are_named() -> None:
    here = {benchmark.card.label: benchmark.card.metrics for benchmark in registry.benchmarks()}
    for one in (one for table in published().tables for one in table.printed):
        if one.measure.benchmark in here:
            assert one.measure.metric in here[one.measure.benchmark]


def test_all_tables_of_a_paper_are_named_by_it() -> None:
    names = [table.name for table in published().named("openchat")]
    assert names == ["openchat:readme", "openchat:prose"]
    assert len(published().named(None)) == 22


@pytest.mark.parametrize(
    ("name", "hint"),
    [("spo", "did you mean 'sppo'"), ("sppo:tabel2", "did you mean 'sppo:table2'")],
)
def test_an_unknown_name_gets_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(UnknownNameError, match=hint):
        published().named(name)


def test_what_is_not_to_be_had_is_said_of_its_paper_only() -> None:
    assert any("Tables 1 to 4 are not to be had" in note for note in published().notes("tuna"))
    assert not published().notes("self_rewarding")


@pytest.mark.parametrize(("text", "half"), [("28.53", 0.005), ("28.5", 0.05), ("2163", 0.5)])
def test_a_number_is_known_to_half_a_unit_of_its_last_digit(text: str, half: float) -> None:
    assert printed(text).rounding == pytest.approx(half)


def test_without_the_tables_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CHECKOUT", tmp_path / "absent")
    monkeypatch.setattr(module, "files", lambda _name: [])
    with pytest.raises(DataError, match="install it again"):
        module._folder()


def test_an_installed_iterbench_has_them_where_its_list_of_files_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Listed(str):
        __slots__ = ()

        def locate(self) -> Path:
            return tmp_path / str(self)

    monkeypatch.setattr(module, "_CHECKOUT", tmp_path / "absent")
    installed = [Listed("harness/x.py"), Listed("share/iterbench/published/index.yaml")]
    monkeypatch.setattr(module, "files", lambda _name: installed)
    assert module._folder() == (tmp_path / "share/iterbench/published").resolve()
