import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.errors import ModelError
from harness.models.local.loading import Checkpoint, load_tokenizer, loaded
from harness.models.local.network import Network
from harness.models.local.sampling import Request
from harness.models.local.weights import fingerprint
from harness.types import Decoding, Response, Usage

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")
TEXTS = ("Hello", "What is the capital of France, and why?", "a", "b " * 30)


@pytest.fixture
def network(checkpoint: Path) -> Network:
    record = Checkpoint(checkpoint, fingerprint(checkpoint), "float32")
    with loaded(record) as model:
        return Network(model, load_tokenizer(record), frozenset({4}))


def ask(network: Network, text: str, n: int = 12, **decoding: Any) -> Request:
    ids = network.tokenizer(text)["input_ids"]
    return Request(ids, replace(Decoding(n), **decoding), seed=len(text))


def alone(network: Network, requests: list[Request]) -> list[Response]:
    return [network.respond([request])[0] for request in requests]


def test_greedy_answers_are_those_of_transformers_one_by_one(network: Network) -> None:
    requests = [ask(network, text, 40) for text in TEXTS]
    theirs = []
    for request in requests:
        ids = torch.tensor([request.ids])
        out = network.model.generate(
            ids, attention_mask=ids > 0, max_new_tokens=40, eos_token_id=4, pad_token_id=0
        )
        theirs.append(network.decode(out[0, len(request.ids) :].tolist()))
    assert [response.text for response in network.respond(requests)] == theirs
    assert len(set(theirs)) == len(TEXTS)


def test_samples_do_not_depend_on_what_shares_the_batch(network: Network) -> None:
    requests = [ask(network, text, 40, temperature=1.0, top_p=0.9) for text in TEXTS]
    assert network.respond(requests) == alone(network, requests)
    assert network.respond(requests[::-1]) == network.respond(requests)[::-1]


def test_rows_of_one_batch_may_be_decoded_each_in_its_way(network: Network) -> None:
    requests = [
        ask(network, "a", 5),
        ask(network, "b", 30, temperature=1.5, top_logprobs=2),
        ask(network, "c", 20, temperature=0.3, top_p=0.5),
        ask(network, "d", 10, top_logprobs=4),
    ]
    together, apart = network.respond(requests), alone(network, requests)
    assert [response.text for response in together] == [response.text for response in apart]
    assert [[len(token.top) for token in response.tokens[:1]] for response in together] == [
        [], [2], [], [4],
    ]  # fmt: skip


def test_log_probabilities_are_those_of_a_forward_pass(network: Network) -> None:
    request = ask(network, "Hello", 6, temperature=1.0, top_logprobs=3)
    _, response = network.respond([ask(network, "much longer than hello"), request])
    ids = request.ids + network.tokenizer(response.text)["input_ids"]
    logps = network.model(torch.tensor([ids])).logits[0, len(request.ids) - 1 : -1].log_softmax(-1)
    best = logps.topk(3).values
    chosen = logps.gather(1, torch.tensor(ids[len(request.ids) :])[:, None])[:, 0]
    assert [token.logprob for token in response.tokens] == pytest.approx(chosen.tolist(), abs=1e-5)
    assert [[value for _, value in token.top] for token in response.tokens] == [
        pytest.approx(row, abs=1e-5) for row in best.tolist()
    ]


def test_the_tokens_of_an_answer_spell_it(network: Network) -> None:
    [response] = network.respond([ask(network, "Hello", 20, top_logprobs=1)])
    assert "".join(token.text for token in response.tokens) == response.text


def test_special_tokens_among_the_likeliest_are_named(network: Network) -> None:
    [response] = network.respond([ask(network, "Hello", 1, top_logprobs=102)])
    assert {"<|im_end|>", "<pad>", "a"} <= {text for text, _ in response.tokens[0].top}


def test_an_answer_that_reaches_its_limit_says_so(network: Network) -> None:
    [response] = network.respond([ask(network, "Hello", 3)])
    assert (response.finish_reason, response.usage) == ("length", Usage(5, 3))


def test_a_stop_token_ends_the_answer_and_is_not_in_its_text(network: Network) -> None:
    [whole] = network.respond([ask(network, "Hello", 10)])
    ids = network.tokenizer(whole.text)["input_ids"]
    [response] = replace(network, stop_ids=frozenset({4, ids[3]})).respond([ask(network, "Hello")])
    end = ids.index(ids[3])
    assert (response.text, response.finish_reason) == (whole.text[:end], "stop")
    assert response.usage.completion_tokens == end + 1


def test_a_stop_token_has_no_log_probabilities_of_its_own(network: Network) -> None:
    [whole] = network.respond([ask(network, "Hello", 10)])
    ids = network.tokenizer(whole.text)["input_ids"]
    stopping = replace(network, stop_ids=frozenset({ids[0]}))
    [response] = stopping.respond([ask(network, "Hello", top_logprobs=2)])
    assert (response.text, response.tokens, response.finish_reason) == ("", (), "stop")


def test_a_stop_string_ends_the_answer_and_is_not_in_its_text(network: Network) -> None:
    [whole] = network.respond([ask(network, "Hello", 10)])
    stop = (whole.text[4:6], "never said")
    [response, other] = network.respond([ask(network, "Hello", stop=stop), ask(network, "b", 12)])
    end = whole.text.index(stop[0])
    assert (response.text, response.finish_reason) == (whole.text[:end], "stop")
    assert response.usage.completion_tokens == end + 2
    assert other.usage.completion_tokens > end + 2


def test_a_network_without_stop_tokens_runs_to_the_limit(network: Network) -> None:
    [response] = replace(network, stop_ids=frozenset()).respond([ask(network, "Hello", 60)])
    assert (response.usage.completion_tokens, response.finish_reason) == (60, "length")


def test_the_window_is_the_configurations(network: Network) -> None:
    assert network.window == 512


def test_no_requests_have_no_responses(network: Network) -> None:
    assert network.respond([]) == []


def test_weights_that_are_not_numbers_are_an_error(network: Network) -> None:
    norm = network.model.model.norm.weight
    before = norm.data.clone()
    norm.data.fill_(math.nan)
    with pytest.raises(ModelError, match=r"no finite numbers in torch\.float32"):
        network.respond([ask(network, "Hello")])
    norm.data.copy_(before)


class Small:
    """The same weights on a device with room for so many rows."""

    def __init__(self, model: Any, rows: int) -> None:
        self.model, self.rows, self.sizes = model, rows, list[int]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def __call__(self, input_ids: torch.Tensor, **options: Any) -> Any:
        self.sizes.append(len(input_ids))
        if len(input_ids) > self.rows:
            raise torch.OutOfMemoryError
        return self.model(input_ids=input_ids, **options)


def test_a_batch_that_does_not_fit_is_halved(network: Network) -> None:
    small = Small(network.model, rows=2)
    requests = [ask(network, text, 2) for text in TEXTS]
    assert replace(network, model=small).respond(requests) == network.respond(requests)
    assert small.sizes == [4, 2, 2, 2, 2]


def test_a_batch_that_outgrows_the_memory_while_it_is_answered_is_halved(network: Network) -> None:
    small = Small(network.model, rows=2)
    requests = [ask(network, "Hello", 2, temperature=1.0, sample=n) for n in range(4)]
    assert replace(network, model=small).respond(requests) == network.respond(requests)
    assert small.sizes == [1, 4, 1, 2, 1, 2]  # one prompt, four answers; then two at a time


def test_a_single_prompt_that_does_not_fit_is_an_error(network: Network) -> None:
    tight = replace(network, model=Small(network.model, rows=0))
    with pytest.raises(
        ModelError, match="a prompt of 5 tokens does not fit into the memory of cpu"
    ):
        tight.respond([ask(network, "Hello"), ask(network, "Hello")])
