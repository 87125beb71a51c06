import pytest

from harness.names import public


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
