"""Arena-Hard's published figures, recomputed."""

import pytest

from benchmarks import arena_hard
from benchmarks.arena_hard import parity
from harness.types import Assets, Check
from tests.command import Run


@pytest.fixture(scope="module")
def checks(official: Assets) -> list[Check]:
    return parity.verify(official)


def test_whatever_was_published_is_recomputed(checks: list[Check]) -> None:
    assert [c.claim for c in checks if not c.holds] == ["score on the leaderboard"]


def test_the_published_rounds_are_drawn_to_the_last_battle(checks: list[Check]) -> None:
    rating = checks[0]
    assert rating.n == 33
    assert rating.largest < 1e-4


def test_what_cannot_be_proven_says_why(checks: list[Check]) -> None:
    assert (checks[-1].n, checks[-1].holds, checks[-1].provable) == (0, False, False)
    assert "gpt-4-1106-preview" in checks[-1].notes[0]


@pytest.mark.usefixtures("mirror")
def test_what_nobody_can_prove_is_shown_and_held_against_nobody(run: Run) -> None:
    ran = run("verify", "arena_hard@0.1")
    assert ran.status == 0
    assert "NOT PROVEN" in ran.out


def test_where_one_side_wins_every_battle_the_published_fit_is_named(checks: list[Check]) -> None:
    assert "gpt-4-32k" in checks[0].notes[0]


def test_judgments_are_kept_without_what_the_judge_was_asked(official: Assets) -> None:
    raw = '{"question_id": "é", "games": [{"user_prompt": "long", "score": "A=B"}]}\n'.encode()
    kept = '{"question_id": "é", "games": [{"score": "A=B"}]}\n'.encode()
    assert arena_hard.without_prompts(raw, official) == kept
