"""Arena-Hard as a user runs it: published answers, a judge behind real HTTP."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.command import Run
from tests.servers.loopback import Loopback, Reply, Seen, completion, serving

pytestmark = pytest.mark.usefixtures("mirror")

ANSWERS = "replay:asset:arena_hard/model_answer/llama-3-8b-instruct.jsonl"
_ANSWER = re.compile(r"(?s)Start of Assistant ([AB])'s Answer\|>\n(.*?)\n<\|The End")


def longer(seen: Seen, _before: int) -> Reply:
    """A judge for whom the longer answer is much better, and who cannot read music."""
    lengths = {side: len(text) for side, text in _ANSWER.findall(seen.asked)}
    if not lengths or "Use ABC notation" in seen.asked:
        return said("I have no verdict.")
    return said("So: [[A>>B]]" if lengths["A"] > lengths["B"] else "So: [[B>>A]]")


def said(text: str) -> Reply:
    answer = completion({"model": "tiny"}, text)
    answer["choices"][0]["message"]["content"] = text
    return Reply(body=answer)


@pytest.fixture
def judge() -> Iterator[Loopback]:
    with serving() as server:
        server.script = longer
        yield server


def score(run: Run, judge: Loopback, *words: str) -> dict[str, Any]:
    common = "score", ANSWERS, "-b", "arena_hard", "-j", judge.openai, "--limit", "30"
    ran = run(*common, "--json", "out.json", *words)
    assert ran.status == 0, ran.err
    found: dict[str, Any] = json.loads(Path("out.json").read_text())
    return found


def test_every_prompt_is_played_twice_and_asked_about_once(run: Run, judge: Loopback) -> None:
    (result,) = score(run, judge, "--items")["results"]
    main, published, style, length = result["scores"]
    assert (main["n"], main["n_unread"]) == (58, 2)
    assert len(result["items"]) == 30
    assert main["value"] == pytest.approx(published["value"])
    assert 0 < style["value"] < 1
    assert length["n"] == 30
    asked = len(judge.seen)
    assert asked == 61  # and a probe
    score(run, judge)
    assert len(judge.seen) == asked


def test_what_a_run_wrote_is_rescored_to_the_same_win_rate(run: Run, judge: Loopback) -> None:
    (result,) = score(run, judge)["results"]
    (written,) = Path("results").glob("*/arena_hard@0.1/*/annotations.json")
    ran = run("rescore", "arena_hard", "--judgments", str(written), "--json", "again.json")
    assert ran.status == 0, ran.err
    (again,) = json.loads(Path("again.json").read_text())["results"]
    assert again["scores"][0]["value"] == result["scores"][0]["value"]
    assert again["scores"][0]["n_unread"] == result["scores"][0]["n_unread"]


def test_the_answers_that_a_run_wrote_are_the_checkpoints_own(run: Run, judge: Loopback) -> None:
    score(run, judge)
    (written,) = Path("results").glob("*/arena_hard@0.1/*/model_outputs.json")
    rows = json.loads(written.read_text())
    assert len(rows) == 30
    assert {row["model_id"] for row in rows} == {ANSWERS}


def test_another_baseline_is_played_both_ways_too(run: Run, judge: Loopback) -> None:
    (result,) = score(run, judge, "--baseline", ANSWERS)["results"]
    assert result["scores"][0]["value"] == 0.5
    assert result["scores"][0]["n"] == 60


def test_a_dry_run_counts_both_games_and_asks_nobody(run: Run, judge: Loopback) -> None:
    (plan,) = score(run, judge, "--dry-run")["plan"]
    assert (plan["prompts"], plan["to_judge"]) == (30, 60)
    assert judge.seen == []
