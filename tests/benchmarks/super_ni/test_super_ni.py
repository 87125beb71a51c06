import pytest

from benchmarks.super_ni import BENCHMARK, VERSIONS, categories, identify
from benchmarks.super_ni.data import at_hand
from benchmarks.super_ni.parity import PUBLISHED, RECORDED, verify
from harness.errors import DataError
from harness.types import Assets, Rescored, Rows
from tests.benchmarks.super_ni.small import FILES, Small

ANSWERS: Rows = [
    {"task": "task1_titles", "id": "t1-a", "response": "running home"},
    {"task": "task1_titles", "id": "t1-b", "response": ""},
]


def rescored(rows: Rows) -> Rescored:
    assert BENCHMARK.files.rescore_outputs is not None
    return BENCHMARK.files.rescore_outputs(rows, Small())


def test_a_users_answers_are_scored() -> None:
    assert [(item.id, item.value) for item in rescored(ANSWERS).items] == [
        ("super_ni/task1_titles/t1-a", 1),
        ("super_ni/task1_titles/t1-b", 0),
    ]


def test_answers_that_are_lacking_are_unread() -> None:
    main, *_ = rescored(ANSWERS).scores
    assert (main.n, main.n_unread, main.value) == (2, 100, 0.5)


@pytest.mark.parametrize(
    "row",
    [
        {"task": "task1_titles", "id": "t1-c", "response": "x"},
        {"task": "task3_absent", "id": "t1-a", "response": "x"},
    ],
)
def test_an_answer_to_nothing_is_refused(row: dict[str, str]) -> None:
    with pytest.raises(DataError, match="expected a task and an id of super_ni"):
        rescored([row])


def test_versions_ask_differently_of_the_same_instances() -> None:
    asked = [[*version.load(Small())] for version in VERSIONS]
    assert len({prompts[0].turns for prompts in asked}) == len(VERSIONS) == 4
    assert {tuple(prompt.id for prompt in prompts) for prompts in asked} == {
        tuple(prompt.id for prompt in asked[0])
    }


def test_recorded_answers_are_found_by_what_was_asked() -> None:
    (prompt, *_) = BENCHMARK.load(Small())
    assert BENCHMARK.files.read_outputs(ANSWERS, Small())[prompt.turns] == ("running home",)


def test_which_tasks_are_at_hand_is_part_of_the_identity() -> None:
    assert identify(Small())["tasks"].startswith("2 of 3, sha256 ")
    assert identify(Small(tasks=[*FILES]))["tasks"].startswith("2 of 2, sha256 ")
    one = {"task1_titles": FILES["task1_titles"]}
    assert identify(Small(one))["tasks"] != identify(Small())["tasks"]


def test_means_by_rouge_score_are_given_again(official: Assets) -> None:
    checks = verify(official)
    assert all(check.holds and check.n == 46 for check in checks)
    assert {task.name for task in at_hand(official)} <= {*RECORDED}
    assert "published means over all are not recomputed" in checks[0].notes[0]


def test_published_means_are_recomputed_from_all_tasks_only() -> None:
    *_, published = verify(Small(tasks=[*FILES]))
    assert published.claim == "published ROUGE-L of copied answers"
    assert published.n == len(PUBLISHED)
    assert not published.holds


def test_instances_stand_or_fall_with_their_task() -> None:
    clusters = [BENCHMARK.cluster(prompt.id) for prompt in BENCHMARK.load(Small())]
    assert {*clusters} == {f"super_ni/{task.name}" for task in at_hand(Small())}


def test_an_instance_is_of_its_tasks_category() -> None:
    of = {task.name: task.category for task in at_hand(Small())}
    assert {id_: of[id_.split("/")[1]] for id_ in categories(Small())} == categories(Small())
