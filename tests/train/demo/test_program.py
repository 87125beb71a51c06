import pytest

from harness.errors import DataError, SpecError
from tests.records import comparison, prompt
from train.demo import program, world
from train.demo.program import Program

ASKED = prompt("copy:ab=")


def test_the_verdict_is_the_worlds_preference() -> None:
    shown = comparison("*ab.", "+ab.", ASKED)
    (verdict,) = Program("gold", 0.0)([shown])
    assert (verdict.comparison, verdict.judge) == (shown, "gold")
    assert verdict.value == pytest.approx(0.7310585786)


def test_the_last_turn_is_what_was_asked() -> None:
    shown = comparison("*b.", "*a.", prompt("first:ab=", "last:ab="))
    (verdict,) = Program("gold", 0.0)([shown])
    assert verdict.value is not None
    assert verdict.value > 0.9


def test_a_response_alone_is_refused() -> None:
    with pytest.raises(SpecError, match=r"two responses.*copy:ab=.*'gold' gives no ratings"):
        Program("gold", 0.0)([comparison("*ab.", None, ASKED)])


def test_prompts_of_other_benchmarks_are_refused() -> None:
    with pytest.raises(DataError, match="prompt of TinyInstruct"):
        Program("gold", 0.0)([comparison("yes", "no", prompt("Why?"))])


def test_the_identity_tells_the_weight_of_length() -> None:
    one, other = Program("a", 0.15).identity, Program("a", 0.3).identity
    assert one["length weight"] == "0.15"
    assert one["verdicts sha256"] != other["verdicts sha256"]


def test_the_identity_is_not_the_name() -> None:
    assert Program("a", 0.15).identity == Program("b", 0.15).identity


@pytest.mark.parametrize("rule", ["CORRECT", "PER_FILLER", "TASTE"])
def test_the_identity_changes_with_the_rules(monkeypatch: pytest.MonkeyPatch, rule: str) -> None:
    before = Program("a", 0.0).identity
    program._digest.cache_clear()
    world._worth.cache_clear()
    monkeypatch.setattr(world, rule, 2 * getattr(world, rule))
    try:
        assert Program("a", 0.0).identity != before
    finally:
        program._digest.cache_clear()
        world._worth.cache_clear()
