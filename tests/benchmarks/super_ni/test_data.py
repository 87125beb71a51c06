import json
from typing import Any

import pytest

from benchmarks.super_ni.data import at_hand, first_hundred, names, read_task
from harness.errors import DataError
from harness.types import Assets
from tests.benchmarks.super_ni.small import OTHER, TASK, Small


def test_the_first_hundred_instances_are_used() -> None:
    _, other = at_hand(Small())
    assert [one.id for one in other.instances] == [f"t2-{i}" for i in range(100)]


def test_tasks_are_in_official_order_and_only_those_at_hand() -> None:
    assert [task.name for task in at_hand(Small())] == ["task1_titles", "task2_entailment"]


def test_two_positive_examples_are_kept() -> None:
    assert [pair.output for pair in at_hand(Small())[0].examples] == ["Rain", "Sleeping cat!"]


def test_a_published_file_is_cut_to_what_the_catalogue_pins() -> None:
    raw = json.dumps(OTHER, indent=4).encode()
    cut = first_hundred(raw, Small())
    assert cut.startswith(b'{\n "Categories"')
    assert len(json.loads(cut)["Instances"]) == 100


def test_official_files_are_already_cut(official: Assets) -> None:
    raw = official.read(
        "super_natural_instructions/tasks/task033_winogrande_answer_generation.json"
    )
    assert first_hundred(raw, official) == raw


def test_there_are_119_test_tasks(official: Assets) -> None:
    assert len({*names(official)}) == 119
    assert {len(task.instances) for task in at_hand(official)} == {100}


def instance(**fields: Any) -> dict[str, Any]:
    return {**TASK, "Instances": [{**TASK["Instances"][0], **fields}]}


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ([], "'Instances' of task1"),
        ({**TASK, "Instances": []}, "'Instances' of task1"),
        ({key: TASK[key] for key in TASK if key != "Definition"}, "'Definition' of task1"),
        ({**TASK, "Definition": [3]}, "'Definition' of task1"),
        ({**TASK, "Categories": None}, "'Categories' of task1"),
        ({**TASK, "Positive Examples": [{"input": "?"}]}, "'output' of a positive example"),
        ({**TASK, "Instances": ["text"]}, "'output' of instance 0 of task1"),
        (instance(output=[]), "'output' of instance 0 of task1"),
        (instance(output=[None]), "an output of instance 0 of task1"),
        (instance(input=None), "'input' of instance 0 of task1"),
        (instance(id=7), "'id' of instance 0 of task1"),
        ({**TASK, "Instances": TASK["Instances"] * 2}, "t1-a comes twice"),
    ],
)
def test_what_a_file_lacks_is_told(task: object, told: str) -> None:
    with pytest.raises(DataError, match=told):
        read_task("task1", json.dumps(task).encode())


def test_a_file_that_is_cut_short_is_told() -> None:
    with pytest.raises(DataError, match="cut short"):
        read_task("task1", b'{"Instances": [')


def test_one_right_output_may_stand_without_a_list() -> None:
    task = read_task("task1", json.dumps(instance(output="A title")).encode())
    assert task.instances[0].golds == ("A title",)
