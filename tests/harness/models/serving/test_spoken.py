"""Fields that chats and texts have in common."""

import math

import pytest

from harness.models.serving.spoken import drawn, logprob, served_by, usage
from harness.types import Decoding, Prompt, Usage


def test_only_what_differs_from_the_protocols_defaults_is_sent() -> None:
    assert drawn(Prompt("a", ("b",), Decoding(5))) == {"temperature": 0.0}


def test_a_further_sample_has_a_seed_of_its_own() -> None:
    seeds = {drawn(Prompt("a", ("b",), Decoding(5, 1.0, sample=k))).get("seed") for k in range(3)}
    assert len(seeds) == 3
    assert None in seeds


def test_cached_tokens_are_some_of_those_that_were_read() -> None:
    told = {"prompt_tokens": 3, "completion_tokens": 1}
    assert usage({**told, "prompt_tokens_details": {"cached_tokens": 9}}) == Usage(3, 1, 3)
    assert usage(None) == Usage()


def test_a_log_probability_is_at_most_0() -> None:
    assert logprob(1e-9) == 0.0
    assert logprob(-math.inf) == -math.inf


@pytest.mark.parametrize("told", [math.nan, math.inf])
def test_what_is_none_is_an_error(told: float) -> None:
    with pytest.raises(ValueError, match=r"inf|nan"):
        logprob(told)


def test_a_server_is_known_by_model_and_fingerprint() -> None:
    assert served_by({"model": "m", "system_fingerprint": "f"}) == "m / f"
    assert not served_by({})
