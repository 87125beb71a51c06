import json
from pathlib import Path

import pytest

from benchmarks.lmentry import BENCHMARK, load
from benchmarks.lmentry.data import TASKS, asset, read_task
from benchmarks.lmentry.forms import WORD, Forms
from harness.errors import DataError, SpecError
from harness.types import Assets, Response, Rows
from tests.records import generation, prompt

ROOT = Path(__file__).parents[3]


class Small:
    """LMentry with one example of our own to each task."""

    def read(self, name: str) -> bytes:
        task = Path(name).stem
        return json.dumps({"examples": {"1": example(task)}}).encode()

    def has(self, name: str) -> bool:
        return True

    def names(self, prefix: str) -> list[str]:
        return [name for name in map(asset, TASKS) if name.startswith(prefix)]


def example(task: str) -> dict[str, object]:
    facts = {
        "word": "stone",
        "letter": "s",
        "answer": 7 if "number" in task else "s",
        "distractor": 5 if "number" in task else "t",
        "distractors": list("abcd"),
        "sentence": "a s",
        "query": "a",
        "category": "fruit",
        "word1": "s",
        "word2": "t",
        "n1": 5,
        "n2": 7,
        "num_words": 5,
        "num_distractors": 1,
        "answer_index": 0,
        "template_id": 0,
    }
    return {"input": f"{task}?", "metadata": facts}


ALL: Rows = [{"task": task, "id": 1, "response": "yes"} for task in TASKS]


def rescored(rows: Rows) -> dict[str, float | None]:
    assert BENCHMARK.files.rescore_outputs is not None
    return {item.id: item.value for item in BENCHMARK.files.rescore_outputs(rows, Small()).items}


def test_a_users_answers_are_scored() -> None:
    found = rescored(
        [
            {"task": "first_letter", "id": "1", "response": "S."},
            {"task": "bigger_number", "id": 1, "response": "five"},
            {"task": "any_words_from_category_3_distractors", "id": 1, "response": "Yes"},
        ]
    )
    assert found == {
        "lmentry/first_letter/1": 1,
        "lmentry/bigger_number/1": 0,
        "lmentry/any_words_from_category_3_distractors/1": 1,
    }


def test_answers_that_are_lacking_are_unread() -> None:
    assert BENCHMARK.files.rescore_outputs is not None
    main, *_ = BENCHMARK.files.rescore_outputs(ALL[:-1], Small()).scores
    assert (main.n, main.n_unread) == (40, 1)


def test_recorded_answers_are_found_by_question() -> None:
    found = BENCHMARK.files.read_outputs(ALL, Small())
    assert found["first_letter?",] == ("yes",)


def test_answers_are_written_as_they_are_read() -> None:
    answer = generation("s", prompt=prompt("?", id="lmentry/first_letter/1"))
    (row,) = BENCHMARK.files.write_outputs([answer])
    assert (row["task"], row["id"], row["response"]) == ("first_letter", "1", "s")


def test_judgments_are_refused() -> None:
    with pytest.raises(SpecError, match="--outputs FILE"):
        BENCHMARK.files.rescore([], Small())


def test_decoding_is_greedy_and_short() -> None:
    (decoding,) = {one.decoding for one in load(Small())}
    assert (decoding.max_tokens, decoding.temperature) == (50, 0)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"settings": {}}',
        b'{"examples": {"1": {}}}',
        b'{"examples": {"1": {"input": "?", "metadata": {}}}}',
        b'{"examples": {"1": {"input": "?", "metadata": {"template_id": 0}}}}',
        b'{"examples": {"1": {"input": "?", "metadata": {"template_id": 0, "answer": 3}}}}',
        b'{"examples": []}',
    ],
)
def test_a_file_that_lacks_something_is_told(content: bytes) -> None:
    with pytest.raises(DataError, match=r"lmentry/data/first_letter\.json"):
        read_task("first_letter", content)


def test_published_marks_are_given_again(official: Assets) -> None:
    assert all(check.holds and check.n > 20_000 for check in BENCHMARK.verify(official))


def test_the_matcher_reads_the_answer(official: Assets) -> None:
    grader = BENCHMARK.grader(Small())
    (comparison,) = BENCHMARK.compare(
        [generation("the letter s", prompt=prompt("?", id="lmentry/first_letter/1"))], official
    )
    assert grader.match(comparison) == 1  # type: ignore[union-attr]
    assert Response("x").text == "x"


def test_a_form_that_repeats_the_words_behind_an_answer_is_not_taken_from_them() -> None:
    forms = Forms({"answer": WORD}, ("the answer is <answer>",))
    assert forms.mark("the answer is", {"answer": ("cat",)}) == (0, 0)
    assert forms.mark("the answer is\0cat", {"answer": ("cat",)}) == (0, 0)


def test_no_file_of_ours_holds_the_datas_canary() -> None:
    sign = "canary " + "GUID"
    ours = [*(ROOT / "benchmarks").rglob("*.py"), *(ROOT / "tests" / "benchmarks").rglob("*.py")]
    assert not [path for path in ours if sign in path.read_text()]
