"""Names of the benchmarks that lm-eval's tasks make."""

import pytest

from harness import registry
from harness.errors import SpecError
from harness.types import Assets


@pytest.mark.parametrize("name", ["open_llm_leaderboard", "nlp9", "agieval"])
def test_data_are_official_files_or_the_hubs(name: str) -> None:
    official, hub = registry.benchmark(name).card, registry.benchmark(f"{name}:hub").card
    assert (official.version, hub.version) == ("1.0", "1.0-hub")
    with pytest.raises(SpecError, match=f"{name}:hub, came '{name}:x'"):
        registry.benchmark(f"{name}:x")


@pytest.mark.parametrize("name", ["lm_eval:piqa", "lm_eval:gsm8k:8", "lm_eval:gsm8k:8:chat:hub"])
def test_any_task_makes_a_benchmark(name: str) -> None:
    assert registry.benchmark(name).card.name == name


@pytest.mark.parametrize("rest", ["", ":5", "piqa:chart", "piqa:5:8", "piqa:"])
def test_options_of_a_task_are_checked(rest: str) -> None:
    with pytest.raises(SpecError, match=r"expected lm_eval:TASK\[:SHOTS\]"):
        registry.benchmark(f"lm_eval:{rest}")


def test_a_task_must_be_named() -> None:
    with pytest.raises(SpecError, match="expected 'lm_eval:'"):
        registry.benchmark("lm_eval")


@pytest.mark.parametrize("name", ["open_llm_leaderboard", "nlp9", "agieval"])
def test_published_scores_are_not_claimed_to_be_proven(name: str, official: Assets) -> None:
    [check] = registry.benchmark(name).verify(official)
    assert (check.n, check.provable) == (0, False)
