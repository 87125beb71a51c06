"""Arena-Hard v2.0 from prompts to scores, on files made in the published form."""

from collections.abc import Sequence
from typing import ClassVar

import pytest

from benchmarks import arena_hard
from benchmarks.arena_hard.v2 import BASELINES, BENCHMARK, categories, load_baseline
from benchmarks.arena_hard.v2.questions import QUESTIONS, load_questions
from harness import registry
from harness.errors import DataError
from harness.pipeline import Answers, Result, grade
from harness.types import Assets, Comparison, Verdict
from tests.benchmarks.arena_hard.v2.made import judged, small
from tests.records import generation


class Longer:
    """A judge for whom the longer answer is a little better."""

    name = "longer"
    identity: ClassVar[dict[str, str]] = {}

    def __call__(self, comparisons: Sequence[Comparison]) -> list[Verdict]:
        return [Verdict(one, self.name, _value(one)) for one in comparisons]


def _value(shown: Comparison) -> float:
    mine, theirs = shown.texts
    return 0.75 if len(mine) > len(theirs or "") else 0.25


def scored() -> Result:
    """A long answer to each hard prompt, an empty one to the creative one."""
    shelf = small()
    answers = [
        generation("" if "creative" in p.id else "long " * 20, prompt=p)
        for p in BENCHMARK.load(shelf)
    ]
    return grade(BENCHMARK, Answers("candidate", {}, answers), Longer(), shelf)


def test_version_0_1_stays_what_the_bare_name_means() -> None:
    assert registry.benchmark("arena_hard").card.version == "0.1"
    assert registry.benchmark("arena_hard@2.0") is BENCHMARK
    assert arena_hard.VERSIONS == (arena_hard.BENCHMARK, BENCHMARK)


def test_every_prompt_has_its_published_category() -> None:
    assert categories(small()) == {
        "arena_hard/hard_prompt/h1": "hard_prompt",
        "arena_hard/hard_prompt/h2": "hard_prompt",
        "arena_hard/creative_writing/c1": "creative_writing",
    }
    assert BENCHMARK.categories is categories


def test_each_category_meets_its_own_baseline() -> None:
    found = [(g.prompt.id, g.model, g.text) for g in load_baseline(small())]
    assert found == [
        ("arena_hard/hard_prompt/h1", BASELINES[0], f"{BASELINES[0]} on h1"),
        ("arena_hard/hard_prompt/h2", BASELINES[0], f"{BASELINES[0]} on h2"),
        ("arena_hard/creative_writing/c1", BASELINES[1], f"{BASELINES[1]} on c1"),
    ]


def test_categories_are_told_apart_and_together() -> None:
    scores = {score.metric: score for score in scored().scores}
    assert scores["win_rate"].value == pytest.approx(2 / 3)
    assert scores["win_rate/hard_prompt"].value == 1
    assert scores["win_rate/creative_writing"].value == 0
    assert scores["avg_length"].value == pytest.approx(200 / 3)
    assert 0.5 < (scores["style_win_rate/hard_prompt"].value or 0) < 1
    assert scores["published_win_rate/hard_prompt"].n == 4


def test_the_main_metric_comes_first_and_every_metric_is_on_the_card() -> None:
    found = [score.metric.split("/")[0] for score in scored().scores]
    assert found[0] == BENCHMARK.card.metrics[0]
    assert set(found) == set(BENCHMARK.card.metrics)


def test_a_score_names_both_baselines() -> None:
    assert scored().identity["baseline"] == (
        f"{BASELINES[0]} (hard_prompt), {BASELINES[1]} (creative_writing)"
    )


def test_each_prompt_is_an_item() -> None:
    assert [(one.id, one.value) for one in scored().items] == [
        ("arena_hard/hard_prompt/h1", 0.75),
        ("arena_hard/hard_prompt/h2", 0.75),
        ("arena_hard/creative_writing/c1", 0.25),
    ]


def test_what_a_run_writes_is_rescored_to_the_same_win_rates() -> None:
    result = scored()
    rows = BENCHMARK.files.write_judgments(result.verdicts)
    again = BENCHMARK.files.rescore(rows, small())
    assert again.items == list(result.items)
    figures = {score.metric: score.value for score in result.scores}
    assert [figures[score.metric] for score in again.scores] == [s.value for s in again.scores]


def test_published_judgments_are_rescored_by_category() -> None:
    rows = [judged("h1", "B>A", "A=B"), judged("c1", "A>B", "B>A")]
    scores = BENCHMARK.files.rescore(rows, small()).scores
    values = {score.metric: score.value for score in scores}
    assert values["win_rate"] == pytest.approx(1.5 / 4)
    assert values["win_rate/hard_prompt"] == pytest.approx(0.75)
    assert values["published_win_rate/creative_writing"] == 0


def test_a_question_without_its_texts_is_refused() -> None:
    with pytest.raises(DataError, match="expected texts under 'uid', 'category' and 'prompt'"):
        load_questions(small().put(QUESTIONS, [{"uid": "h1", "prompt": "x"}]))


def test_the_official_prompts_are_500_hard_ones_then_250_creative_ones(official: Assets) -> None:
    if not official.has(QUESTIONS):
        pytest.skip(f"not in the mirror: {QUESTIONS}")
    asked = [one.category for one in load_questions(official).values()]
    assert asked == ["hard_prompt"] * 500 + ["creative_writing"] * 250
