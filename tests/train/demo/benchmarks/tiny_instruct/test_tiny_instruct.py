from dataclasses import replace
from random import Random

import pytest

from harness import registry
from harness.assets import Library
from harness.commands.setting import Setting
from harness.models.scripted import Scripted
from harness.pipeline import Result, evaluate, limited
from harness.types import Assets, Benchmark, Prompt
from tests.records import judge
from train.demo.benchmarks.tiny_instruct import BENCHMARK, VERSIONS, baseline, questions
from train.demo.people import expert, noisy
from train.demo.sets import prompts
from train.demo.world import correct, gold, read

each_version = pytest.mark.parametrize("benchmark", VERSIONS, ids=lambda b: b.card.version)


@pytest.fixture
def assets() -> Library:
    return Setting().library()


def scored(benchmark: Benchmark, model: Scripted, by: str, assets: Assets) -> Result:
    return evaluate(benchmark, model, judge(by), assets)


def values(result: Result) -> dict[str, float]:
    return {score.metric: score.value for score in result.scores if score.value is not None}


def writes_right(asked: Prompt) -> str:
    return expert(asked.turns[0], Random(asked.id))


def rambles(asked: Prompt) -> str:
    return noisy(asked.turns[0], Random(asked.id)) + "xyzxyz"


def test_the_version_without_a_name_is_the_reported_one() -> None:
    assert registry.benchmark("tiny_instruct").card.label == "tiny_instruct@test"
    assert [one.card.version for one in VERSIONS] == ["test", "selection", "hard"]


@each_version
def test_a_version_asks_its_set(benchmark: Benchmark, assets: Assets) -> None:
    version = benchmark.card.version
    asked = benchmark.load(assets)
    assert tuple(one.turns[0] for one in asked) == prompts(version)
    assert asked[7].id == f"tiny_instruct/{version}/7"
    assert {one.decoding.temperature for one in asked} == {1.0}


@each_version
def test_every_answer_meets_the_baselines_answer_to_its_prompt(
    benchmark: Benchmark, assets: Assets
) -> None:
    answers = Scripted(writes_right).generate(benchmark.load(assets))
    for pair in benchmark.compare(answers[::-1], assets):
        assert pair.baseline is not None
        assert pair.baseline.prompt == pair.candidate.prompt


def test_the_baseline_is_a_noisy_writer() -> None:
    answers = baseline("test")
    right = [correct(one.prompt.turns[0], one.text) for one in answers]
    assert sum(right) / 400 == pytest.approx(0.6, abs=0.05)
    assert all(read(one.text) for one in answers)
    filler = sum(len(one.text) - 2 - len(gold(one.prompt.turns[0])) for one in answers) / 400
    assert filler == pytest.approx(1.15, abs=0.25)


def test_the_baseline_is_the_same_each_time_it_is_drawn() -> None:
    assert baseline.__wrapped__("hard") == baseline("hard")


def test_the_baseline_against_itself_is_half(assets: Assets) -> None:
    written = {one.prompt.turns: one.text for one in baseline("test")}
    result = scored(BENCHMARK, Scripted(lambda p: written[p.turns]), "tiny_eval", assets)
    found = values(result)
    assert (found["lc_win_rate"], found["win_rate"]) == (0.5, 0.5)


def test_experts_win_and_are_always_right(assets: Assets) -> None:
    found = values(scored(BENCHMARK, Scripted(writes_right), "tiny_gold", assets))
    assert found["win_rate"] > 0.65
    assert found["lc_win_rate"] > 0.65
    assert found["accuracy"] == 1


def test_length_control_takes_back_what_rambling_won(assets: Assets) -> None:
    found = {
        judge: values(scored(BENCHMARK, Scripted(rambles), judge, assets))
        for judge in ("tiny_gold", "tiny_eval")
    }
    assert found["tiny_gold"]["win_rate"] < 0.45
    assert found["tiny_eval"]["win_rate"] > 0.6
    assert found["tiny_eval"]["lc_win_rate"] < 0.55


def test_the_judge_has_no_say_in_accuracy(assets: Assets) -> None:
    found = [values(scored(BENCHMARK, Scripted(rambles), j, assets))["accuracy"]
             for j in ("tiny_gold", "tiny_long", "tiny_eval")]  # fmt: skip
    assert len({*found}) == 1


@pytest.mark.parametrize("limit", [1, 3])
def test_a_few_prompts_are_enough(limit: int, assets: Assets) -> None:
    result = scored(limited(BENCHMARK, limit), Scripted(rambles), "tiny_eval", assets)
    assert [score.n for score in result.scores] == [limit] * 4


@each_version
def test_what_is_checked_holds(benchmark: Benchmark, assets: Assets) -> None:
    assert [check.holds for check in benchmark.verify(assets)] == [True, True]


def test_versions_are_told_apart(assets: Assets) -> None:
    found = {str(benchmark.identify(assets)) for benchmark in VERSIONS}
    assert len(found) == 3


def test_another_baseline_is_another_identity(
    assets: Assets, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = BENCHMARK.identify(assets)
    changed = tuple(replace(one, responses=()) for one in baseline("test"))
    monkeypatch.setattr("train.demo.benchmarks.tiny_instruct.baseline", lambda _: changed)
    assert BENCHMARK.identify(assets) != before


def test_questions_are_drawn_once() -> None:
    assert questions("hard") is questions("hard")
