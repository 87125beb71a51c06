import pytest

from harness.names import public, takes_part


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("http://user:secret@host:1/v1#m", "http://host:1/v1#m"),
        ("https://token@host/v1#a@b", "https://host/v1#a@b"),
        ("openai:gpt-4", "openai:gpt-4"),
        ("hf:org/name@rev", "hf:org/name@rev"),
    ],
)
def test_credentials_are_not_shown(name: str, shown: str) -> None:
    assert public(name) == shown


@pytest.mark.parametrize("judge", ["hf:j", "both:hf:j", "jury:median:hf:j,hf:k"])
def test_a_judge_takes_part_in_what_is_composed_of_it(judge: str) -> None:
    assert takes_part("hf:j", judge)
    assert not takes_part("hf:", judge)
    assert not takes_part("f:j", judge)
