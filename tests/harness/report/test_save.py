"""Files are whole, or stay as they were."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.errors import DataError
from harness.report.save import document, foresee, prepare, save_result, write_json, write_text
from tests.full_disk import largest_file
from tests.records import benchmark, comparison, prompt, result, verdict


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_of_json_is_written_with_the_folders_it_needs(tmp_path: Path) -> None:
    write_json(tmp_path / "a" / "b.json", {"x": [1, None, "é"]})
    assert json.loads((tmp_path / "a" / "b.json").read_text()) == {"x": [1, None, "é"]}


def test_a_file_replaces_the_earlier_one_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    write_text(tmp_path / "x.md", "earlier")
    write_text(tmp_path / "x.md", "later ≈")
    assert (tmp_path / "x.md").read_text(encoding="utf-8") == "later ≈"
    assert names_in(tmp_path) == ["x.md"]


def test_half_a_character_is_kept_in_json(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", "\ud83d")
    assert json.loads((tmp_path / "x.json").read_text()) == "\ud83d"


def test_a_full_disk_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    with (
        largest_file(100),
        pytest.raises(DataError, match=f"write {path}, but File too large; every answer is in"),
    ):
        write_json(path, "x" * 1000)


def test_a_full_disk_leaves_the_earlier_file_whole_and_no_rest(tmp_path: Path) -> None:
    write_text(tmp_path / "x.md", "earlier")
    with largest_file(100), pytest.raises(DataError):
        write_text(tmp_path / "x.md", "x" * 1000)
    assert (tmp_path / "x.md").read_text() == "earlier"
    assert names_in(tmp_path) == ["x.md"]


@pytest.mark.parametrize("place", ["file/x.json", "file/deeper/x.json"])
def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"expected to write .*x\.json, but "):
        write_json(tmp_path / place, {})


@pytest.mark.parametrize("place", ["x.json", "new/deeper/x.json", "file", "link", "/dev/null"])
def test_a_place_that_can_be_written_is_foreseen_and_holds_what_it_held(
    tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").write_text("held")
    (tmp_path / "link").symlink_to("file")
    foresee(tmp_path / place)
    assert (tmp_path / "file").read_text() == "held"
    assert not (tmp_path / "x.json").exists()


@pytest.mark.parametrize("place", ["file/x.json", "file/deeper/x.json", "/proc/x.json"])
def test_a_place_that_cannot_be_written_is_foreseen_in_one_line(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"can be written at .*x\.json, but .*; name another$"):
        foresee(tmp_path / place)


def test_two_runs_may_prepare_a_folder_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(prepare, [tmp_path] * 2000))
    assert names_in(tmp_path) == []


def test_a_file_system_that_takes_no_files_is_one_line() -> None:
    with pytest.raises(DataError, match="expected to write /proc/x"):
        write_text(Path("/proc/x"), "")


def test_a_folder_for_results_is_made_and_left_empty(tmp_path: Path) -> None:
    prepare(tmp_path / "a" / "b")
    assert names_in(tmp_path / "a" / "b") == []


def test_a_folder_that_is_there_keeps_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    prepare(tmp_path)
    assert names_in(tmp_path) == ["mine"]


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/x"])
def test_a_folder_that_cannot_be_written_is_told_before_anything_is_paid_for(
    tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=rf"at {tmp_path / place}, but .*; name another with --out"):
        prepare(tmp_path / place)


def test_answers_and_judgments_are_saved_in_the_published_formats(tmp_path: Path) -> None:
    verdicts = [verdict(0.75, comparison=comparison("yes", asked=prompt("q1")))]
    save_result(tmp_path, "iter1", benchmark(), result(verdicts=verdicts))
    place = tmp_path / "tiny@1" / "iter1"
    assert json.loads((place / "model_outputs.json").read_text()) == [
        {"asked": "q1", "answer": "yes"}
    ]
    assert json.loads((place / "annotations.json").read_text()) == [{"value": 0.75}]


@pytest.mark.parametrize(("items", "has_items"), [(True, True), (False, False)])
def test_a_document_names_its_format_and_holds_items_when_asked(
    items: bool, has_items: bool
) -> None:
    made = document([("a", result())], items=items)
    assert made["format"] == "iterbench.results/1"
    assert ("items" in made["results"][0]) == has_items
