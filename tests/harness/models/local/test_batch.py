from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, DynamicCache

from harness.models.local.batch import Batch
from harness.models.local.network import Network
from harness.models.local.sampling import Request
from harness.types import Decoding

LAYERS = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
SMALL = {**LAYERS, "intermediate_size": 32, "head_dim": 8, "max_position_embeddings": 48}
GPT = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 48}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "llama": SMALL,
    "mistral": {**SMALL, "sliding_window": 6, "num_key_value_heads": 1},
    "gemma3_text": {**SMALL, "sliding_window": 6, "num_key_value_heads": 1},
    "gpt2": GPT,
    "bloom": {"hidden_size": 16, "n_layer": 2, "n_head": 2},  # takes no positions
    "mamba": {"hidden_size": 16, "num_hidden_layers": 2, "state_size": 4},  # names its cache so
    "openai-gpt": GPT,  # has no cache
    "minimax": {**SMALL, "num_key_value_heads": 2, "num_local_experts": 2},  # has one of its own
}
VOCABULARY = 40
PROMPTS = ([5, 6, 7], [8], [9, 10, 11, 12, 13, 14, 15, 16], [5, 6, 7])


class Words:
    """A tokenizer that writes numbers."""

    def decode(self, ids: list[int], **_: Any) -> str:
        return " ".join(map(str, ids))


def make(name: str, **settings: Any) -> Any:
    torch.manual_seed(0)
    config: Any = AutoConfig.for_model(
        name,
        vocab_size=VOCABULARY,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        initializer_range=0.5,
        **settings,
    )
    auto: Any = AutoModelForCausalLM
    return auto.from_config(config).eval()


class Watched:
    """A model that writes down how many rows and tokens it reads at once."""

    def __init__(self, model: Any) -> None:
        self.model, self.shapes = model, list[tuple[int, ...]]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def __call__(self, input_ids: torch.Tensor, **options: Any) -> Any:
        self.shapes.append(tuple(input_ids.shape))
        return self.model(input_ids=input_ids, **options)


@pytest.fixture(scope="module")
def llama() -> Any:
    return make("llama", **SMALL)


def ask(ids: list[int], n: int = 20, **decoding: Any) -> Request:
    return Request(ids, replace(Decoding(n), **decoding), seed=sum(ids))


def their_answer(model: Any, request: Request) -> str:
    """What transformers says to a prompt alone."""
    ids = torch.tensor([request.ids])
    out = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=request.decoding.max_tokens,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=0,
    )
    return Words().decode(out[0, len(request.ids) :].tolist())


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_any_architecture_answers_as_alone_with_transformers(name: str) -> None:
    model = make(name, **ARCHITECTURES[name])
    requests = [ask(ids, n) for ids, n in zip(PROMPTS, (20, 8, 20, 13), strict=True)]
    answers = Network(model, Words(), frozenset()).respond(requests)
    assert [answer.text for answer in answers] == [their_answer(model, r) for r in requests]


def test_an_architecture_without_a_cache_reads_the_whole_text_for_each_token() -> None:
    watched = Watched(make("openai-gpt", **GPT))
    Network(watched, Words(), frozenset()).respond([ask([5, 6, 7], 3)])
    assert watched.shapes == [(1, 3), (1, 4), (1, 5)]


def test_equal_prompts_are_read_once(llama: Any) -> None:
    watched = Watched(llama)
    Network(watched, Words(), frozenset()).respond([ask(ids, 3) for ids in PROMPTS])
    assert watched.shapes == [(3, 8), (4, 1), (4, 1)]


def test_of_a_prompt_only_the_last_logits_are_made(llama: Any) -> None:
    made = []
    hook = llama.lm_head.register_forward_hook(lambda *seen: made.append(tuple(seen[2].shape)))
    Batch(llama, [ask(ids) for ids in PROMPTS]).start()
    hook.remove()
    assert made == [(3, 1, VOCABULARY)]


def test_samples_of_one_prompt_are_those_of_its_copies_alone(llama: Any) -> None:
    network = Network(llama, Words(), frozenset({3}))
    requests = [ask([5, 6, 7], temperature=1.5)._replace(seed=seed) for seed in range(6)]
    answers = network.respond(requests)
    assert answers == [network.respond([request])[0] for request in requests]
    assert len({answer.text for answer in answers}) == 6


def test_rows_that_have_ended_are_left_out_once_they_are_a_quarter(llama: Any) -> None:
    watched = Watched(llama)
    requests = [ask([5, n], limit) for n, limit in enumerate((1, 1, 3, 4, 5, 5, 5, 5))]
    Network(watched, Words(), frozenset()).respond(requests)
    assert [rows for rows, _ in watched.shapes] == [8, 6, 6, 6, 4]  # one of six stays


def test_a_row_that_has_ended_stays_inside_the_window() -> None:
    network = Network(make("gpt2", **GPT), Words(), frozenset())
    full, short = ask([7] * 44, 4), ask([5], 30)  # one of five stays, for 26 tokens more
    assert network.respond([full, *[short] * 4])[:2] == network.respond([full, short])


def test_logits_are_those_of_one_pass_over_the_text(llama: Any) -> None:
    answers = torch.randint(VOCABULARY, (2, 40), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        batch = Batch(llama, [ask([5, 6, 7], 40), ask([8], 40)])
        steps = [batch.start(), *(batch.go_on(tokens_B) for tokens_B in answers.T[:-1])]
        for row, prompt in enumerate(([5, 6, 7], [8])):
            text = torch.tensor([[*prompt, *answers[row].tolist()]])
            logits_T_V = llama(text).logits[0, len(prompt) - 1 : -1]
            # Sums in another order: CPUs differ in how far apart these come out.
            torch.testing.assert_close(torch.stack(steps)[:, row], logits_T_V, rtol=1e-4, atol=1e-4)


def test_a_network_in_bfloat16_scores_in_float32(llama: Any) -> None:
    with torch.inference_mode():
        whole, half = (
            Batch(model, [ask(ids) for ids in PROMPTS]).start()
            for model in (llama, make("llama", **SMALL).bfloat16())
        )
    assert half.dtype == torch.float32
    assert not torch.equal(half, whole)
    torch.testing.assert_close(half, whole, rtol=0, atol=0.1)


def test_a_plain_cache_gets_room_and_no_other(llama: Any) -> None:
    with torch.inference_mode():
        plain, sliding = (
            Batch(model, [ask([5])])
            for model in (llama, make("mistral", **ARCHITECTURES["mistral"]))
        )
        kinds = []
        for batch in (plain, sliding):
            batch.start()
            assert isinstance(batch._cache, DynamicCache)
            kinds.append({type(layer).__name__ for layer in batch._cache.layers})
    assert kinds == [{"_Layer"}, {"DynamicSlidingWindowLayer"}]
