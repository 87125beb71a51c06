"""What `score` and `compare` wrote is read again, or refused in one line."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import DataError
from harness.report.save import document
from harness.report.telling.saved import Faced, read_run
from harness.types import Item, Score
from tests.records import result

SCORED = result(
    Score("win_rate", 0.5, 2, 1, (0.1, 0.9), 0.2, (0.4, 0.6), doubts=("it judged itself",)),
    Score("lc_win_rate", None, 0, 3),
    items=[Item("q0", 0.5, None), Item("q1", None, "no letter")],
)


def save(folder: Path, content: Any, name: str = "scores.json") -> Path:
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def damaged(change: Any) -> dict[str, Any]:
    found = json.loads(json.dumps(document([("a", SCORED)], items=True)))
    change(found["results"][0])
    return dict(found)


def test_results_come_back_as_they_were(tmp_path: Path) -> None:
    saved = read_run(save(tmp_path, document([("a", SCORED)], items=True)))
    (cell,) = saved.cells
    assert (cell.checkpoint, cell.benchmark, cell.judge) == ("a", "tiny@1", "openai:gpt-4")
    assert (cell.identity, cell.scores, cell.items) == (
        SCORED.identity,
        [*SCORED.scores],
        SCORED.items,
    )


def test_matches_come_with_the_win_rate_of_the_first(tmp_path: Path) -> None:
    pair = {"first": "a", "second": "b", "scores": [{"metric": "win_rate", "value": 0.7}]}
    content = {"format": "iterbench.head_to_head/1", "benchmark": "t@1", "judge": "j"}
    saved = read_run(save(tmp_path, {**content, "pairs": [pair]}, "head_to_head.json"))
    assert saved.matches == [Faced("t@1", "j", "a", "b", 0.7)]


def test_a_file_may_be_named_itself(tmp_path: Path) -> None:
    save(tmp_path, document([("a", SCORED)], items=True))
    assert read_run(tmp_path / "scores.json").folder == tmp_path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"format": "iterbench', "Invalid JSON"),
        ("[]", "'the file'"),
        ({"format": "other/1", "results": []}, "came 'other/1'"),
        (document([("a", SCORED)], items=False), "the items of 'a' on tiny@1"),
        (damaged(lambda row: row["items"][0].update(value=float("nan"))), "a finite number"),
        (damaged(lambda row: row["items"][0].update(value="0.5")), "'results.0.items.0.value'"),
        (damaged(lambda row: row["scores"][0].update(value=float("inf"))), "a finite number"),
        (damaged(lambda row: row["scores"][0].update(interval=[1])), "'results.0.scores.0.interv"),
        (damaged(lambda row: row.update(identity=[])), "'results.0.identity'"),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(DataError, match=r"scores\.json") as caught:
        read_run(save(tmp_path, content))
    assert message in str(caught.value)


def test_a_pair_without_a_win_rate_is_refused(tmp_path: Path) -> None:
    pair = {"first": "a", "second": "b", "scores": []}
    content = {
        "format": "iterbench.head_to_head/1",
        "benchmark": "t",
        "judge": "j",
        "pairs": [pair],
    }
    with pytest.raises(DataError, match="a win rate of 'a' against 'b'"):
        read_run(save(tmp_path, content, "head_to_head.json"))


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found none"):
        read_run(tmp_path)
