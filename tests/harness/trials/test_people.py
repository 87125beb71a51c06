import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import DataError
from harness.trials.cases import Case, Pair
from harness.trials.people import PEOPLE, labelled, read_labels
from harness.types import Assets

RANKED = {"prompt": "Two?", "responses": ["2", "two", "3"], "ranks": [1, 1, 3]}
COMPARED = {"prompt": ["Hi", "Name one"], "a": "red", "b": "dog", "preference": 1, "annotator": "p"}


def read(folder: Path, *rows: dict[str, Any]) -> list[Case]:
    file = folder / "labels.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    nobody: Any = None
    return read_labels(str(file), nobody)


def test_ranks_become_pairs_and_equal_ranks_a_tie(tmp_path: Path) -> None:
    (case,) = read(tmp_path, RANKED)
    assert case.pairs == (Pair(0, 1, 0.5), Pair(0, 2, 1.0), Pair(1, 2, 1.0))


def test_responses_may_be_objects_with_their_ranks(tmp_path: Path) -> None:
    responses = [{"text": "2", "rank": 2}, {"text": "two", "rank": 1}]
    (case,) = read(tmp_path, {"prompt": "Two?", "responses": responses})
    assert case.pairs == (Pair(0, 1, 0.0),)
    assert [answer.text for answer in case.answers] == ["2", "two"]


def test_a_preference_is_for_a_and_a_dialogue_keeps_its_turns(tmp_path: Path) -> None:
    (case,) = read(tmp_path, COMPARED)
    assert case.pairs == (Pair(0, 1, 1.0),)
    assert case.answers[0].prompt.turns == ("Hi", "Name one")
    assert case.comparisons()[0].texts == ("red", "dog")


def test_several_annotators_of_a_pair_are_one_verdict(tmp_path: Path) -> None:
    (case,) = read(tmp_path, COMPARED, COMPARED | {"preference": 0, "annotator": "q"})
    assert case.pairs == (Pair(0, 1, 0.5),)


def test_models_are_named_where_they_are_known(tmp_path: Path) -> None:
    named = read(tmp_path, RANKED | {"models": ["x", "y", "z"]}, COMPARED | {"model_a": "x"})
    assert [[a.model for a in case.answers] for case in named] == [["x", "y", "z"], ["x", ""]]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"prompt": "q"}, "a list under 'responses'"),
        (RANKED | {"ranks": [1, 2]}, "3 responses, 2 ranks"),
        (RANKED | {"ranks": [1, 2, "third"]}, "a number under 'ranks'"),
        (RANKED | {"models": ["x"]}, "1 models"),
        (RANKED | {"responses": ["a", 2, "c"]}, "a text under 'responses'"),
        (COMPARED | {"preference": 2}, "from 0 to 1, came 2"),
        (COMPARED | {"preference": True}, "a number under 'preference'"),
        (COMPARED | {"b": None}, "a text under 'b'"),
        (COMPARED | {"prompt": []}, "a text under 'prompt'"),
    ],
)
def test_a_row_of_another_form_is_told_by_its_place(
    row: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=f"row 2.*{said}"):
        read(tmp_path, RANKED, row)


def test_a_file_of_labels_is_a_trial_by_people(tmp_path: Path, official: Assets) -> None:
    (tmp_path / "labels.jsonl").write_text(json.dumps(RANKED))
    trial = labelled(str(tmp_path / "labels.jsonl"))
    assert trial.gold == PEOPLE
    assert len(trial.load(official)) == 1
