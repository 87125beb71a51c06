import json
import math
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from harness.models.hf import HuggingFace
from harness.types import Decoding, Prompt
from tests.tiny.server import serve

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")
SAID = [{"role": "user", "content": "Hello"}]
HELLO = {"model": "checkpoint", "messages": SAID, "temperature": 0, "max_tokens": 6}


@pytest.fixture
def url(checkpoint: Path) -> Iterator[str]:
    with serve(checkpoint) as address:
        yield address


def post(url: str, **body: Any) -> Any:
    data = json.dumps(HELLO | body).encode()
    with urllib.request.urlopen(f"{url}/chat/completions", data) as response:
        return json.load(response)


def status(url: str, **body: Any) -> int:
    with pytest.raises(HTTPError) as caught:
        post(url, **body)
    caught.value.close()
    return caught.value.code


def test_a_server_answers_as_its_model_does(url: str, model: HuggingFace) -> None:
    [answer] = model.generate([Prompt("a", ("Hello",), Decoding(6))])
    assert post(url)["choices"][0]["message"] == {"role": "assistant", "content": answer.text}


def test_log_probabilities_come_with_the_likeliest_tokens(url: str) -> None:
    [choice] = post(url, logprobs=True, top_logprobs=5)["choices"]
    first = choice["logprobs"]["content"][0]
    assert first["token"] == first["top_logprobs"][0]["token"] == choice["message"]["content"][0]
    assert len(first["top_logprobs"]) == 5
    assert sum(math.exp(top["logprob"]) for top in first["top_logprobs"]) < 1


def test_log_probabilities_come_only_when_asked_for(url: str) -> None:
    assert post(url)["choices"][0]["logprobs"] is None
    [empty] = post(url, logprobs=True, stop=post(url)["choices"][0]["message"]["content"])[
        "choices"
    ]
    assert (empty["message"]["content"], len(empty["logprobs"]["content"])) == ("", 6)


def test_the_same_request_has_the_same_sample(url: str) -> None:
    first, again, other = (post(url, temperature=1, seed=seed)["choices"] for seed in (1, 1, 2))
    assert first == again != other


def test_the_history_is_part_of_the_question(url: str) -> None:
    longer = [*SAID, {"role": "assistant", "content": "Hi."}, *SAID]
    assert (
        post(url, messages=longer)["usage"]["prompt_tokens"] > post(url)["usage"]["prompt_tokens"]
    )


def test_what_cannot_be_answered_is_refused(url: str) -> None:
    assert status(url, model="other") == 404
    assert status(url, max_tokens=1000) == 400


def test_models_are_listed(url: str) -> None:
    with urllib.request.urlopen(f"{url}/models") as response:
        assert [model["id"] for model in json.load(response)["data"]] == ["checkpoint"]
