"""Texts as they are and choices, asked of real servers around a real tiny model."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ModelError
from harness.models.hf import HuggingFace
from harness.models.openai import build
from harness.models.serving.completions import ByText, ByTokens, read_echo
from harness.models.serving.failures import DeniedError, FailedError, RefusedError
from harness.models.vllm import Vllm
from harness.models.vllm import build as build_vllm
from harness.pipeline import examine
from harness.types import LIKELIEST, Decoding, Generation, Model, ModelOptions, Prompt
from tests.harness.models.test_vllm import install
from tests.servers.loopback import Loopback
from tests.tiny.server import serve

pytest_plugins = ["tests.tiny.fixtures"]

NOTHING = Decoding(max_tokens=0)
CHOICES = [
    Prompt("a", ("The sky is ",), NOTHING, choices=("blue", "green, I think"), raw=True),
    Prompt("b", ("One", "Two\n"), NOTHING, choices=(" and one", "."), raw=True),
]
WRITTEN = [
    Prompt("c", ("Question: 1 + 1\nAnswer:",), Decoding(12), raw=True),
    Prompt("d", ("abc",), Decoding(20, stop=("e", "o")), raw=True),
]
LONG = Prompt("long", ("x y" * 200,), NOTHING, choices=(" z", " zz"), raw=True)
ALONE = Prompt("alone", (), NOTHING, choices=("A text that stands alone.",), raw=True)
CHAT = Prompt("chat", ("Hello",), NOTHING, choices=("Hi.", "Bye."), system="Be brief.")


@pytest.fixture(scope="module")
def served(checkpoint: Path) -> Iterator[Model]:
    with serve(checkpoint) as url:
        yield build(f"{url}#checkpoint", ModelOptions(concurrency=4))


@pytest.fixture(scope="module")
def own(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vllm]:
    """A server of one's own, around the same weights."""
    folder = tmp_path_factory.mktemp("vllm")
    with pytest.MonkeyPatch.context() as patch:
        install(folder, patch)
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        with closing(build_vllm(f"vllm:{checkpoint}", ModelOptions(concurrency=4))) as model:
            yield model


def alike(ours: list[Generation], theirs: list[Generation]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        assert one.failure is other.failure is None
        for a, b in zip(one.responses, other.responses, strict=True):
            assert (a.text, a.finish_reason, a.cut) == (b.text, b.finish_reason, b.cut)
            assert [t.logprob for t in a.tokens] == pytest.approx(
                [t.logprob for t in b.tokens], abs=1e-4
            )


def test_a_server_tells_what_the_same_weights_tell_here(served: Model, model: HuggingFace) -> None:
    asked = [*CHOICES, *WRITTEN]
    alike(served.generate(asked), model.generate(asked))


def test_ones_own_server_tells_what_the_same_weights_tell_here(
    own: Vllm, model: HuggingFace
) -> None:
    asked = [*CHOICES, *WRITTEN, ALONE, CHAT]
    alike(own.generate(asked), model.generate(asked))


def test_a_long_context_loses_its_beginning_to_a_token_that_is_written(
    own: Vllm, model: HuggingFace
) -> None:
    [[ours, _], [theirs, _]] = [m.generate([LONG])[0].responses for m in (own, model)]
    assert ours.cut == theirs.cut + 2
    assert own.generate([LONG])[0].failure is None


def test_the_likeliest_text_is_told(served: Model, own: Vllm, model: HuggingFace) -> None:
    [written] = model.generate([Prompt("w", ("Once",), Decoding(3), raw=True)])
    asked = [Prompt("x", ("Once",), NOTHING, choices=(written.text, "#"), raw=True)]
    for backend in (served, own, model):
        told = [one.finish_reason == LIKELIEST for one in backend.generate(asked)[0].responses]
        assert told == [True, False]


def test_a_server_that_counts_refuses_what_is_too_long(served: Model) -> None:
    [answer] = served.generate([LONG])
    assert "HTTP 400: 1 to 512 tokens, came 600" in str(answer.failure)


def test_nothing_is_told_of_a_first_token_that_nothing_stands_before(served: Model) -> None:
    [answer] = served.generate([ALONE])
    assert "nothing stands before a text without context" in str(answer.failure)


def test_how_it_is_done_is_told_where_it_is_done(served: Model, own: Vllm) -> None:
    plain = [Prompt("p", ("Hello",), Decoding(4))]
    for model in (served, own):
        assert not model.explain(plain)  # type: ignore[attr-defined]
        assert model.explain(CHOICES).keys() == {"likelihoods", "log-softmax", "tokens", "BOS"}  # type: ignore[attr-defined]
        assert "likelihoods" not in model.identity


def test_a_server_is_found_able(served: Model, own: Vllm) -> None:
    examine(served, [*CHOICES, *WRITTEN])
    examine(own, [*CHOICES, *WRITTEN, CHAT])


def test_a_server_without_completions_is_refused_before_it_is_asked(loopback: Loopback) -> None:
    with pytest.raises(
        ModelError, match=r"texts at /completions .* came HTTP 404: .*name the checkp"
    ):
        examine(build(loopback.openai, ModelOptions()), CHOICES)
    assert not loopback.seen


def test_openais_own_models_are_refused_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(ModelError, match="only answers in conversations; name a checkpoint"):
        examine(build("openai:gpt-4o", ModelOptions()), CHOICES)


def test_choices_in_a_conversation_need_a_template_that_can_be_seen(served: Model) -> None:
    with pytest.raises(ModelError, match="does not show its chat template; leave ':chat' out"):
        examine(served, [CHAT])


def test_a_server_that_is_away_may_have_answered_everything_before() -> None:
    examine(build("http://127.0.0.1:9/v1#m", ModelOptions()), CHOICES)


def says(answer: Mapping[str, Any]) -> Any:
    async def post(_asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return answer

    return post


def told(*tokens: str, read: int = 2) -> dict[str, Any]:
    logprobs = {
        "tokens": tokens,
        "token_logprobs": [None, *[-1.0] * (len(tokens) - 1)],
        "top_logprobs": [None, *[{"x": -0.5}] * (len(tokens) - 1)],
    }
    return {"choices": [{"text": "", "logprobs": logprobs}], "usage": {"prompt_tokens": read}}


def test_what_was_written_is_no_part_of_what_was_read() -> None:
    assert [place.text for place in read_echo(told("a", "b", "c"))] == ["a", "b"]


def test_a_token_is_not_the_likeliest_when_another_is_written_alike() -> None:
    answer = told("a", "x")
    assert [place.likeliest for place in read_echo(answer)] == [False, False]


@pytest.mark.parametrize(
    "answer",
    [told("only what was written", read=9), told(read=0), {"choices": [{}], **told()["usage"]}],
)
def test_a_server_that_does_not_echo_is_denied(answer: dict[str, Any]) -> None:
    with pytest.raises(DeniedError, match="expected log-probabilities of each token"):
        read_echo(answer)


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": [], "usage": {"prompt_tokens": 2}},
        {"choices": [{"logprobs": {"tokens": ["a", "b"]}}], "usage": {"prompt_tokens": 2}},
    ],
)
def test_what_is_no_completion_is_asked_again(answer: dict[str, Any]) -> None:
    with pytest.raises(FailedError, match="expected a completion, came"):
        read_echo(answer)


def test_a_choice_without_tokens_of_its_own_is_refused() -> None:
    asking = ByText(says(told("a", "b")))
    with pytest.raises(RefusedError, match="no tokens"):
        asyncio.run(asking.ask(CHOICES[0], ()))


def test_a_window_smaller_than_the_answer_is_refused(model: HuggingFace) -> None:
    asking = ByTokens(says({}), model.pairs, model.context, ())
    with pytest.raises(RefusedError, match="window of 512 tokens holds no prompt"):
        asyncio.run(asking.ask(Prompt("x", ("abc",), Decoding(600), raw=True), ()))


def test_ids_whose_log_probabilities_are_left_out_are_denied(model: HuggingFace) -> None:
    asking = ByTokens(says({"choices": [{"text": "x"}]}), model.pairs, model.context, ())
    with pytest.raises(DeniedError, match="tokens were sent, came those of 0"):
        asyncio.run(asking.ask(CHOICES[0], ()))


def test_a_text_alone_is_told_after_what_the_server_puts_before_it() -> None:
    async def post(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return told("<s>", "a", "b", read=3 if asked.get("add_special_tokens", True) else 2)

    response = asyncio.run(ByText(post).ask(Prompt("x", (), NOTHING, choices=("ab",)), ()))
    assert [token.text for token in response.tokens] == ["a", "b"]


def test_a_context_is_counted_once_for_all_its_choices() -> None:
    asked: list[Mapping[str, Any]] = []

    async def post(body: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(body)
        return told("a", "b", "c", read=2 if body.get("echo") else 1)

    asking, prompt = ByText(post), Prompt("x", ("a ",), NOTHING, choices=("b", "c"), raw=True)
    first = asyncio.run(asking.ask(prompt, ()))
    asyncio.run(asking.ask(prompt, (first,)))
    assert [body["prompt"] for body in asked] == ["a", "a b", "a c"]
