from pathlib import Path

import pytest

from harness.errors import SpecError
from harness.price_list import PRICES, VARIABLE, seller
from harness.pricing import either, price
from harness.types import Decoding, Prompt, Usage

SERVED = "http://localhost:8000/v1#judge"


def state(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> None:
    """Makes a text the user's own price list."""
    (folder / "prices.yaml").write_text(text)
    monkeypatch.setenv(VARIABLE, str(folder / "prices.yaml"))


def test_completions_never_cost_less_than_prompts() -> None:
    prices = [known for models in PRICES.values() for known in models.values()]
    assert all(0 < known.prompt < known.completion for known in prices)


def test_a_server_is_known_by_its_address() -> None:
    assert seller("https://host:1/v1#llama:8b") == ("https://host:1/v1", "llama:8b")


def test_only_the_first_colon_parts_the_provider_from_the_model() -> None:
    assert seller("openai:ft:gpt-4o:me") == ("openai", "ft:gpt-4o:me")


def test_a_hash_mark_in_a_path_is_no_server() -> None:
    assert seller("hf:/models/run#3") == ("hf", "/models/run#3")


def test_a_cached_token_is_never_dearer_than_a_fresh_one() -> None:
    prices = [known for models in PRICES.values() for known in models.values()]
    assert all(known.cached is None or 0 < known.cached < known.prompt for known in prices)


def test_a_stated_price_is_that_of_a_model_that_is_listed_nowhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A million tokens read at 2 USD, half of them cached, and half a million written at 6."""
    assert price(SERVED, Usage(1)) is None
    state(monkeypatch, tmp_path, f'prices: {{"{SERVED}": {{prompt: 2, completion: 6.0}}}}')
    assert price(SERVED, Usage(1_000_000, 500_000, 500_000)) == 2 + 3


def test_a_stated_price_comes_before_the_published_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of the published prices of the others nothing is changed; a batch has half of the stated."""
    state(
        monkeypatch,
        tmp_path,
        'prices: {"openai:gpt-4.1": {prompt: 1, completion: 4, cached: 0.25}}',
    )
    assert price("openai:gpt-4.1", Usage(2_000_000, 0, 1_000_000)) == 1.25
    assert price("openai:gpt-4.1", Usage(1_000_000, 1_000_000, batched=True)) == 2.5
    assert price("openai:gpt-4o", Usage(1_000_000)) == PRICES["openai"]["gpt-4o"].prompt


def test_reading_may_be_free_where_writing_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    state(monkeypatch, tmp_path, f'prices: {{"{SERVED}": {{prompt: 0, completion: 1}}}}')
    assert either(SERVED, Prompt("a", ("hi",), Decoding(max_tokens=1_000_000))) == (1, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prices: {a: {prompt: 1}}", "1: the key 'prices.a.completion' is missing"),
        ("prices: {a: {prompt: -1, completion: 1}}", "greater than or equal to 0, came -1"),
        ("prices: {a: {promt: 1, completion: 1}}", "did you mean 'prompt'"),
        ("a: 1", "there is no key 'a'"),
        ("- 1", r"expected 'prices' in .*prices\.yaml, came \[1\]"),
    ],
)
def test_a_list_of_another_form_is_refused_in_a_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, said: str
) -> None:
    state(monkeypatch, tmp_path, text)
    with pytest.raises(SpecError, match=said):
        price(SERVED, Usage(1))
