import pytest

from train.demo.benchmarks.tiny_instruct import checks
from train.demo.benchmarks.tiny_instruct.checks import verify
from train.demo.sets import prompts


def test_a_rule_that_changed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    worked = (*checks.WORKED, ("copy:ab=", "*ab.", "*ab!", 0.6))
    monkeypatch.setattr(checks, "WORKED", worked)
    preferences, _ = verify("hard")
    assert (preferences.n, preferences.worst) == (11, "copy:ab=*ab. and *ab!")
    assert preferences.largest == pytest.approx(0.1)
    assert not preferences.holds


def test_prompts_that_are_trained_on_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "trained_on", lambda: frozenset(prompts("hard")[:2]))
    _, apart = verify("hard")
    assert (apart.n, apart.largest, apart.holds) == (200, 2, False)
    assert apart.worst in prompts("hard")
