"""`rescore --outputs` as a user meets it."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.command import Run

FOLDER = "super_natural_instructions/tasks"


@pytest.fixture
def answers(mirror: Path, tmp_path: Path) -> Path:
    """The right output to every instance at hand, but one: that is empty."""
    rows = []
    for file in sorted((mirror / FOLDER).glob("*.json.gz")):
        task = json.loads(gzip.decompress(file.read_bytes()))
        name = file.name.removesuffix(".json.gz")
        rows += [
            {"task": name, "id": one["id"], "response": one["output"][-1]}
            for one in task["Instances"]
        ]
    rows[0]["response"] = ""
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def result(path: str = "out.json") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(path).read_text())["results"][0]
    return found


def scores(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {score["metric"]: score for score in found["scores"]}


def test_a_partial_set_is_scored_and_called_partial(answers: Path, run: Run) -> None:
    ran = run("rescore", "super_ni@0-shot", "--outputs", str(answers), "--json", "out.json")
    assert ran.status == 0
    assert "tasks: 23 of 119" in ran.out
    assert "partial: 23 of the 119 test tasks" in ran.out
    assert scores(result())["rouge_l"]["value"] == pytest.approx(2299 / 2300)
    assert result()["judge"] == "exact"


def test_parts_have_a_table_and_details_are_data_only(answers: Path, run: Run) -> None:
    ran = run("rescore", "super_ni@0-shot", "--outputs", str(answers), "--json", "out.json")
    assert "rouge_l/Title Generation" in ran.out
    detail = "rouge_l/Title Generation/task743_eurlex_summarization"
    assert detail not in ran.out
    assert scores(result())[detail]["n"] == 100


def test_items_are_the_answers_of_the_file(answers: Path, run: Run) -> None:
    run("rescore", "super_ni", "--outputs", str(answers), "--items", "--json", "out.json")
    items = result()["items"]
    assert len(items) == 2300
    assert {tuple(item) for item in items} == {("id", "value", "cause")}
    assert [item["value"] for item in items].count(0) == 1


def test_a_few_answers_are_listed_and_the_score_is_withheld(
    answers: Path, run: Run, tmp_path: Path
) -> None:
    few = tmp_path / "few.jsonl"
    few.write_text("\n".join(answers.read_text().splitlines()[1:4]))
    ran = run("rescore", "super_ni", "--outputs", str(few), "--items", "--json", "out.json")
    assert "withheld" in ran.out
    assert scores(result())["rouge_l"]["value"] is None
    assert [item["value"] for item in result()["items"]] == [1, 1, 1]


def test_recorded_answers_are_scored_as_a_model(answers: Path, run: Run) -> None:
    words = ["score", f"replay:{answers}", "-b", "super_ni@2-shot-chat", "--json", "out.json"]
    ran = run(*words, "--limit", "40", "--partial")
    assert ran.status == 0, ran.err
    assert scores(result())["exact_match"]["n"] == 40


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["super_ni"], "either --judgments or --outputs"),
        (["super_ni", "--judgments", "a", "--outputs", "b"], "either --judgments or --outputs"),
        (["super_ni", "--judgments", "mine.jsonl"], "give them with --outputs FILE"),
        (["alpaca_eval", "--outputs", "mine.jsonl"], "expected --judgments for alpaca_eval@2.0"),
        (["super_ni", "--outputs", "none.jsonl"], "none.jsonl"),
        (["lmentry", "--outputs", "mine.jsonl"], "expected a task and an id of lmentry"),
    ],
)
def test_what_cannot_be_scored_is_told(
    words: list[str], told: str, answers: Path, run: Run, mirror: Path
) -> None:
    Path("mine.jsonl").write_text(answers.read_text())
    ran = run("rescore", *words)
    assert ran.status == 2
    assert told in ran.err
