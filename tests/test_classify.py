"""`classify` with a judge behind real HTTP, and `--by` what it wrote."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import Run
from tests.servers.loopback import Loopback, Reply, Seen, completion, serving

pytestmark = pytest.mark.usefixtures("mirror")

JUDGMENTS = "asset:alpaca_eval/annotations/claude-2.jsonl"


def cook(seen: Seen, _before: int) -> Reply:
    """Everything is about cooking; how hard it is goes unsaid where the request is long."""
    if "Category: <subject>" in seen.asked:
        return said("Category: Cooking / Recipes")
    return said("Complexity: 3\nLength: 1 paragraph" if len(seen.asked) < 1000 else "Hard to say")


def said(text: str) -> Reply:
    answer = completion({"model": "tiny"}, text)
    answer["choices"][0]["message"]["content"] = text
    return Reply(body=answer)


@pytest.fixture
def judge() -> Iterator[Loopback]:
    with serving() as server:
        server.script = cook
        yield server


def rows() -> list[dict[str, object]]:
    return [json.loads(line) for line in Path("classes.jsonl").read_text().splitlines()]


def classify(run: Run, judge: Loopback) -> str:
    words = "classify", "alpaca_eval", "-j", judge.openai, "--out", "classes.jsonl"
    ran = run(*words, "--limit", "10", "--json", "out.json")
    assert ran.status == 0, ran.err
    return ran.out


def test_every_prompt_gets_its_classes_and_what_is_off_form_is_null(
    run: Run, judge: Loopback
) -> None:
    out = classify(run, judge)
    assert len(rows()) == 10
    assert {row["category"] for row in rows()} == {"Cooking / Recipes"}
    assert {row["complexity"] for row in rows()} == {3, None}
    assert "Cooking / Recipes" in out
    unread = sum(row["complexity"] is None for row in rows())
    assert json.loads(Path("out.json").read_text())["unread"]["complexity"] == unread


def test_a_second_run_asks_nothing(run: Run, judge: Loopback) -> None:
    classify(run, judge)
    asked, found = len(judge.seen), rows()
    classify(run, judge)
    assert (asked, len(judge.seen)) == (20, 20)
    assert rows() == found


def test_published_judgments_are_broken_down_by_what_it_wrote(run: Run, judge: Loopback) -> None:
    classify(run, judge)
    words = "rescore", "alpaca_eval", "--judgments", JUDGMENTS, "--by", "classes.jsonl"
    ran = run(*words, "--json", "out.json")
    assert ran.status == 0, ran.err
    assert "AlpacaEval 2.0 by class" in ran.out
    found = json.loads(Path("out.json").read_text())["by_class"]
    assert [(one["class"], one["n"]) for one in found if one["by"] == "category"] == [
        ("Cooking / Recipes", 10),
        ("(unread)", 795),
    ]


def test_a_file_of_other_classes_is_one_clear_error(run: Run) -> None:
    Path("classes.jsonl").write_text('{"id": "alpaca_eval/0", "category": "Cheese"}')
    words = "rescore", "alpaca_eval", "--judgments", JUDGMENTS, "--by", "classes.jsonl"
    ran = run(*words)
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "under 'category' in row 0" in ran.err


def test_score_breaks_down_one_benchmark_at_a_time(run: Run, judge: Loopback) -> None:
    classify(run, judge)
    words = "score", judge.openai, "-b", "alpaca_eval,alpaca_eval@1.0", "--by", "classes.jsonl"
    ran = run(*words, "-j", judge.openai, "--limit", "5")
    assert ran.status == 2
    assert "expected one benchmark with --by" in ran.err
