"""Leaves are found by file name."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import registry
from harness.assets import Library
from harness.errors import DataError, SpecError, UnknownNameError
from harness.models.scripted import Scripted
from harness.types import Benchmark, Model, ModelOptions, Rubric
from tests.leaves import planted
from tests.records import benchmark, comparison, generation, judge, prompt, rubric

OPTIONS = ModelOptions()
NO_ASSETS = Library({}, [], Path("no cache"))
TINY = """
from tests.records import benchmark, card
VERSIONS = (benchmark(card=card(version="2")), benchmark(card=card(version="1")))
"""
LONELY = """
from tests.records import benchmark, card
BENCHMARK = benchmark(card=card(name="lonely"))
"""
MADE = """
from tests.records import benchmark, card
def build(rest):
    return benchmark(card=card(name=f"made:{rest}"))
"""
COIN = """
from harness.judging import as_published
from harness.models.scripted import Scripted
def build(rest, chambers):
    return as_published(chambers.rubric, Scripted(lambda _: "0.5", f"coin {rest}"))
"""
PARROT = """
from harness.models.scripted import Scripted
def build(name, options):
    return Scripted(lambda prompt: f"{prompt.turns[-1]} {options.dtype}", name)
"""


@pytest.fixture
def _leaves(tmp_path: Path) -> Iterator[None]:
    with (
        planted("benchmarks.tiny", TINY, tmp_path / "benchmarks"),
        planted("benchmarks.lonely", LONELY, tmp_path / "other benchmarks"),
        planted("benchmarks.made", MADE, tmp_path / "made benchmarks"),
        planted("judges.coin", COIN, tmp_path / "judges"),
        planted("harness.models.parrot", PARROT, tmp_path / "models"),
    ):
        yield


def model(name: str, options: ModelOptions = OPTIONS) -> Model:
    return registry.model(name, options, benchmark(), NO_ASSETS)


def asked_model(name: str, asking: Rubric | None = None) -> Model:
    return registry.asked_model(name, OPTIONS, benchmark(), asking or rubric(), NO_ASSETS)


def recording(folder: Path, *rows: dict[str, str]) -> str:
    (folder / "x.json").write_text(json.dumps(rows))
    return f"replay:{folder / 'x.json'}"


@pytest.mark.parametrize("found", registry.benchmarks(), ids=lambda found: found.card.label)
def test_every_benchmark_is_found_by_its_label(found: Benchmark) -> None:
    assert registry.benchmark(found.card.label) is found


@pytest.mark.usefixtures("_leaves")
@pytest.mark.parametrize(
    ("name", "label"), [("tiny", "tiny@2"), ("tiny@1", "tiny@1"), ("lonely", "lonely@1")]
)
def test_a_name_without_a_version_means_the_first(name: str, label: str) -> None:
    assert registry.benchmark(name).card.label == label


@pytest.mark.usefixtures("_leaves")
def test_a_new_file_is_listed_in_all_its_versions() -> None:
    labels = [found.card.label for found in registry.benchmarks()]
    assert [label for label in labels if label.startswith("tiny@")] == ["tiny@2", "tiny@1"]


@pytest.mark.usefixtures("_leaves")
def test_an_unknown_benchmark_gets_the_nearest_one() -> None:
    with pytest.raises(UnknownNameError, match="no benchmark is called 'tinny'; did you mean 'tin"):
        registry.benchmark("tinny")


@pytest.mark.usefixtures("_leaves")
def test_an_unknown_version_gets_those_that_there_are() -> None:
    with pytest.raises(UnknownNameError, match="no version of tiny is called '3'; known: 1, 2"):
        registry.benchmark("tiny@3")


@pytest.mark.parametrize("name", ["harness", "benchmarks.tiny", "../x", ""])
def test_nothing_outside_the_folder_is_a_benchmark(name: str) -> None:
    with pytest.raises(UnknownNameError):
        registry.benchmark(name)


@pytest.mark.usefixtures("_leaves")
def test_a_judge_with_a_file_is_built_by_it() -> None:
    assert ("coin" in registry.judges(), judge("coin:any").name) == (True, "coin any")


def test_any_other_judge_is_a_model_asked_by_the_rubric() -> None:
    (verdict,) = judge("scripted:x", Scripted(lambda _: "0.25", "parrot:x"))([comparison()])
    assert (verdict.judge, verdict.value) == ("parrot:x", 0.25)


@pytest.mark.usefixtures("_leaves")
def test_a_scheme_is_the_name_of_a_backend_which_gets_the_whole_name_and_the_options() -> None:
    made = model("parrot:grey", ModelOptions(dtype="float16"))
    assert made.name == "parrot:grey"
    assert made.generate([prompt("Hello")])[0].text == "Hello float16"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_address_is_a_model_behind_a_server(scheme: str) -> None:
    name = f"{scheme}://127.0.0.1:1/v1#llama"
    assert model(name).name == name
    assert scheme in registry.backends()


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("openia:gpt-4.1", "openai:gpt-4.1"),
        ("antropic:claude", "anthropic:claude"),
        ("hf:", "hf:NAME"),
    ],
)
def test_an_unknown_model_gets_the_nearest_one(name: str, suggested: str) -> None:
    with pytest.raises(UnknownNameError, match=f"'{name}'; did you mean '{suggested}'"):
        model(name)


def test_a_name_without_a_scheme_is_suggested_with_one() -> None:
    with pytest.raises(UnknownNameError, match=r"'mistral-7b'; did you mean '\w+:mistral-7b'"):
        model("mistral-7b")


def test_published_outputs_are_a_model(tmp_path: Path) -> None:
    replay = model(recording(tmp_path, {"asked": "q0", "answer": "yes"}))
    assert replay.generate([prompt("q0")]) == [
        generation("yes", prompt=prompt("q0"), model=replay.name)
    ]


@pytest.mark.parametrize("partial", [True, False])
def test_whether_outputs_may_be_partial_is_an_option(tmp_path: Path, partial: bool) -> None:
    name = recording(tmp_path, {"asked": "q0", "answer": "yes"})
    replay, both = model(name, ModelOptions(partial=partial)), [prompt("q0"), prompt("q1")]
    if partial:
        assert replay.generate(both)[1].failure
    else:
        with pytest.raises(DataError, match="1 of 2 are missing"):
            replay.generate(both)


@pytest.mark.parametrize("swap", [True, False])
def test_published_judgments_answer_the_prompts_that_the_rubric_asks(
    tmp_path: Path, swap: bool
) -> None:
    asking = rubric(shows_candidate_first=lambda _: swap)
    name = recording(tmp_path, {"asked": "q0", "answer": "yes", "said": "0.75"})
    recorded = asked_model(name, asking)
    shown = prompt("q0: yes or no?" if swap else "q0: no or yes?")
    assert recorded.generate([shown])[0].text == "0.75"


@pytest.mark.usefixtures("_leaves")
def test_a_judge_that_is_not_recorded_is_a_model_like_any_other() -> None:
    assert asked_model("parrot:grey").name == "parrot:grey"


def test_a_judge_of_no_known_scheme_is_refused_as_a_model_is() -> None:
    with pytest.raises(
        UnknownNameError, match="no judge is called 'openia:x'; did you mean 'openai:x'"
    ):
        judge("openia:x")


@pytest.mark.usefixtures("_leaves")
def test_a_benchmark_may_be_made_of_what_follows_its_name() -> None:
    assert registry.benchmark("made:up:of").card.name == "made:up:of"
    assert "made" not in {one.card.name for one in registry.benchmarks()}


@pytest.mark.usefixtures("_leaves")
@pytest.mark.parametrize("name", ["made", "tiny:up"])
def test_what_follows_a_benchmarks_name_is_neither_lacking_nor_too_much(name: str) -> None:
    with pytest.raises(SpecError, match="expected"):
        registry.benchmark(name)
