"""Prompts, answers and a repeated judge within the standard error of a score."""

import re
from collections.abc import Sequence
from math import sqrt
from typing import Any

import pytest

from harness.report.forms.markdown import to_text
from harness.report.page.sections import sections
from harness.report.story import Story
from harness.types import Score
from tests.harness.report.telling.series import cell, told

JUDGE = "repeats:2:openai:gpt-4"


def noisy(value: float | None = 0.03, judge: str = JUDGE, unit: str = "fraction") -> Story:
    """A win rate of 1/2 with a standard error of 5 points."""
    plain = Score("win_rate", 0.5, 4, standard_error=0.05)
    noise = Score("judge_noise", value, 4, unit=unit)
    return told(cell("base", [0.0, 1.0, 0.5, 0.5], judge=judge, scores=[plain, noise]))


def test_the_error_is_split_into_prompts_and_judge() -> None:
    (found,) = noisy().spreads
    assert (found.step, found.metric, found.n, found.repeats) == ("base", "win_rate", 4, 2)
    assert [found.prompts, found.judge] == pytest.approx([0.04, 0.03])
    assert found.with_repeats(4) == pytest.approx((0.04**2 + 0.03**2 / 2) ** 0.5)
    assert found.components.seeds is None


def test_a_score_without_an_error_has_that_of_its_items() -> None:
    scores = [Score("win_rate", 0.5, 2), Score("judge_noise", 0.1, 2)]
    (found,) = told(cell("base", [0.0, 1.0], judge=JUDGE, scores=scores)).spreads
    assert found.components.standard_error == pytest.approx(0.5)


def test_nothing_is_told_of_a_judge_that_was_asked_once() -> None:
    assert noisy(judge="openai:gpt-4").spreads == []


def test_nothing_is_told_without_its_noise_in_the_unit_of_the_score() -> None:
    assert noisy(None).spreads == noisy(unit="rating").spreads == []


def test_a_score_that_is_no_mean_of_items_is_left_out() -> None:
    scores = [Score("score", 0.9, 2, standard_error=0.1), Score("judge_noise", 0.1, 2)]
    assert told(cell("base", [0.0, 1.0], judge=JUDGE, scores=scores)).spreads == []


def test_noise_of_verdicts_is_none_of_items_that_they_decide_together() -> None:
    """As in MT-Bench by pairs, where two orders that disagree are a tie, however unsure."""
    scores = [Score("win_rate", 0.5, 2, standard_error=0.3), Score("judge_noise", 0.1, 2)]
    assert told(cell("base", judge=JUDGE, scores=scores), averages=False).spreads == []
    assert told(cell("base", judge=JUDGE, scores=scores)).spreads


def test_one_conversation_says_nothing_of_others() -> None:
    alone = told(
        cell("iter1", [1.0, 0.0]),
        cell("iter1-sample2", [0.0, 0.0], identity={"model sample of": "iter1"}),
        cluster=lambda _: "the one",
    )
    assert alone.spreads == []


def test_the_noise_is_that_of_all_samples() -> None:
    columns = [1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0]
    of = {"model sample of": "iter1"}
    cells = [
        cell(
            name,
            values,
            judge=JUDGE,
            identity=identity,
            scores=[Score("win_rate", 0.5, 4), Score("judge_noise", noise, 4)],
        )
        for name, values, identity, noise in (
            ("iter1", columns[0], {}, 0.1),
            ("iter1-sample2", columns[1], of, 0.2),
        )
    ]
    (found,) = told(*cells).spreads
    assert found.judge == pytest.approx(sqrt((0.1**2 + 0.2**2) / 2))


def test_it_is_shown_in_the_page_and_in_markdown() -> None:
    row = "base | tiny@1 | win rate | 4 | 1 | 2 | 5.00 | 4.00 | 3.00 | 4.53"
    assert row in re.sub(" +", " ", to_text(noisy()))
    assert "4.53" in next(one.body.html for one in sections(noisy()) if one.id == "spreads")


def sampled(*columns: Sequence[float | None], judge: str = "openai:gpt-4", **fields: Any) -> Story:
    """A base, and a checkpoint of which the columns are samples."""
    first, *others = columns
    of = {"model sample of": "iter1"}
    further = [
        cell(f"iter1-sample{k}", values, judge=judge, identity=of, **fields)
        for k, values in enumerate(others, start=2)
    ]
    base = cell("base", [0.5] * len(first), judge=judge, **fields)
    return told(base, cell("iter1", first, judge=judge, **fields), *further)


def test_further_samples_tell_how_much_is_chance_in_answering() -> None:
    """Deviations from the items' means are 1/2 for the first two, 0 for the others."""
    (found,) = sampled([1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0]).spreads
    assert (found.step, found.samples, found.repeats, found.mean) == ("iter1", 2, 1, 0.5)
    assert found.answers == pytest.approx(1 / 4)  # sqrt(2 * 2 * 1/4) / 4
    assert found.components.standard_error == pytest.approx(sqrt(1 / 3) / 2)
    assert found.prompts == pytest.approx(sqrt(1 / 12 - 1 / 16))
    assert found.error_of_mean == pytest.approx(sqrt(1 / 12 - 1 / 32))
    assert found.judge is None


def test_further_samples_are_no_checkpoints_of_the_series() -> None:
    story = sampled([1.0, 0.0], [0.0, 1.0], [1.0, 1.0])
    assert [step.name for step in story.steps] == ["base", "iter1"]
    assert [entry.step for entry in story.entries] == ["base", "iter1"]
    assert {change.step for change in story.changes} == {"iter1"}
    assert story.spreads[0].mean == pytest.approx(2 / 3)


def test_the_judges_noise_is_no_chance_in_answering() -> None:
    scores = [Score("win_rate", 0.5, 4), Score("judge_noise", 0.15, 4)]
    samples = [1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0]
    story = sampled(*samples, judge=JUDGE, scores=scores)
    found = next(one for one in story.spreads if one.step == "iter1")
    assert found.judge == pytest.approx(0.15)
    assert found.answers == pytest.approx(sqrt(1 / 16 - 0.15**2))


def test_what_is_unread_in_one_sample_says_nothing_of_the_answers() -> None:
    whole = sampled([1.0, 0.0, 1.0], [0.0, 0.0, 1.0]).spreads[0]
    (found,) = sampled([1.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, None]).spreads
    assert found.components.seeds == pytest.approx(whole.components.seeds)
    assert sampled([1.0, None], [None, 1.0]).spreads == []


def test_turns_of_one_prompt_share_their_sample() -> None:
    turns = [1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]
    apart = sampled(*turns).spreads[0]
    together = told(
        cell("iter1", turns[0]),
        cell("iter1-sample2", turns[1], identity={"model sample of": "iter1"}),
        cluster=lambda id_: str(int(id_[-3:]) // 2),
    ).spreads[0]
    assert together.answers == pytest.approx(sqrt(2) * (apart.answers or 0.0))


def test_a_sample_under_another_judge_is_of_another_score() -> None:
    alone = cell("iter1", [1.0, 0.0])
    other = cell("iter1-sample2", judge="openai:other", identity={"model sample of": "iter1"})
    assert told(alone, other).spreads == []


def test_samples_are_shown_in_the_page_and_in_markdown() -> None:
    story = sampled([1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0])
    row = "iter1 | tiny@1 | win rate | 4 | 2 | 1 | 28.87 | 14.43 | 25.00 | 50.00 | 22.82 |"
    assert row in re.sub(" +", " ", to_text(story))
    assert "judge alone" not in to_text(story)
    assert "with one repeat answers hold the judge's noise" in to_text(story)
    assert "22.82" in next(one.body.html for one in sections(story) if one.id == "spreads")
