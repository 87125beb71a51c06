"""A repeated judge's own noise within the standard error of a score."""

import re

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


def test_it_is_shown_in_the_page_and_in_markdown() -> None:
    row = "base | tiny@1 | win rate | 4 | 2 | 5.00 | 4.00 | 3.00 | 4.53"
    assert row in re.sub(" +", " ", to_text(noisy()))
    assert "4.53" in next(one.body.html for one in sections(noisy()) if one.id == "spreads")
