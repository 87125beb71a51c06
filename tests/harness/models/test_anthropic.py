"""The Messages API: what is sent, how answers are read, and what it cannot do."""

import sys
from dataclasses import replace
from typing import Any

import pytest

from harness.errors import ModelError
from harness.models.anthropic import build
from harness.models.serving.remote import Remote
from harness.types import Decoding, ModelOptions, Prompt, Response, Usage
from tests.harness.models.calling import HASTE, Diary, asking
from tests.servers.loopback import Loopback, Reply, message

KEY = "sk-ant-very-secret"
NAME = "anthropic:claude-opus-5"


@pytest.fixture
def model(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> Remote:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", loopback.url)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    return replace(build(NAME, ModelOptions(concurrency=20)), patience=HASTE)


def came(server: Loopback, model: Remote, **parts: Any) -> Response:
    """How an answer is read, with parts of it replaced."""
    body = message({"model": "claude-opus-5-20260101"}, "yes") | parts
    server.script = lambda _seen, _before: Reply(body=body)
    return model.generate(asking(1))[0].responses[0]


def error(kind: str, text: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": text}}


def test_a_prompt_is_sent_with_nothing_superfluous(loopback: Loopback, model: Remote) -> None:
    model.generate([Prompt("p", ("hi",), Decoding(7, temperature=0.7, top_p=0.9))])
    assert loopback.seen[0].body == {
        "model": "claude-opus-5",
        "max_tokens": 7,
        "messages": [{"role": "user", "content": "hi"}],
    }


def test_system_message_and_stops_are_sent(loopback: Loopback, model: Remote) -> None:
    model.generate([Prompt("p", ("hi",), Decoding(7, stop=("END",)), system="Be brief.")])
    body = loopback.seen[0].body
    assert (body["system"], body["stop_sequences"]) == ("Be brief.", ["END"])


def test_a_later_turn_is_asked_with_the_answer_before_it(loopback: Loopback, model: Remote) -> None:
    model.generate([Prompt("p", ("one", "two"), Decoding(7))])
    said = [turn["content"] for turn in loopback.seen[1].body["messages"]]
    assert said == ["one", "echo one", "two"]


def test_a_long_answer_may_be_asked_for(model: Remote) -> None:
    [generation] = model.generate([Prompt("p", ("hi",), Decoding(max_tokens=64_000))])
    assert generation.text == "echo hi"


def test_an_answer_is_read_whole(loopback: Loopback, model: Remote) -> None:
    assert came(loopback, model) == Response(
        "yes", "stop", (), Usage(5 + 2, 3, 2), "claude-opus-5-20260101"
    )


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("stop_sequence", "stop"), ("max_tokens", "length"), ("refusal", "refusal")],
)
def test_why_it_ended_is_said_in_common_words(
    loopback: Loopback, model: Remote, theirs: str, ours: str
) -> None:
    assert came(loopback, model, stop_reason=theirs).finish_reason == ours


@pytest.mark.parametrize(
    ("details", "why"),
    [
        (None, "no reason given"),
        ("odd", "no reason given"),
        ({"type": "refusal", "category": "bio", "explanation": None}, "bio"),
        ({"type": "refusal", "category": "bio", "explanation": "how\nto"}, "how to"),
    ],
)
def test_an_answer_that_was_filtered_is_a_refusal(
    loopback: Loopback, model: Remote, details: object, why: str
) -> None:
    parts = {"content": [], "stop_reason": "refusal", "stop_details": details}
    loopback.script = lambda seen, _before: Reply(body=message(seen.body, "") | parts)
    [generation] = model.generate(asking(1))
    assert (generation.failure, generation.responses) == (f"filtered by the server: {why}", ())


@pytest.mark.parametrize("odd", ["abc", None, -1, 7.5, [7]])
def test_an_odd_number_of_tokens_loses_no_answer(
    loopback: Loopback, model: Remote, odd: object
) -> None:
    response = came(loopback, model, usage={"input_tokens": odd, "output_tokens": 3})
    assert (response.text, response.usage) == ("yes", Usage(0, 3))


@pytest.mark.parametrize("odd", ["abc", None, [7], 7])
def test_an_odd_bill_loses_no_answer(loopback: Loopback, model: Remote, odd: object) -> None:
    assert came(loopback, model, usage=odd).usage == Usage()


def test_only_text_is_text(loopback: Loopback, model: Remote) -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "x"}
    parts = [thought, {"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert came(loopback, model, content=parts).text == "ab"


def test_many_answers_come_in_order(model: Remote) -> None:
    assert [one.text for one in model.generate(asking(40))] == [f"echo q{i}" for i in range(40)]


@pytest.mark.parametrize(
    "trouble",
    [
        Reply(500),
        Reply(429, error("rate_limit_error", "slow"), headers={"Retry-After": "0.01"}),
        Reply(529, error("overloaded_error", "busy")),
        Reply(body=b"<h1>It works!</h1>", headers={"Content-Type": "text/html"}),
        Reply(body=b'{"type": "mess'),
        Reply(body={}),
        Reply(body=b"[]"),
        Reply(cut=0),
        Reply(cut=20),
        Reply(delay=5),
    ],
    ids=lambda reply: f"{reply.status}-{reply.body!r}-{reply.cut}-{reply.delay}"[:40],
)
def test_trouble_that_passes_leaves_no_trace(
    loopback: Loopback, model: Remote, trouble: Reply
) -> None:
    loopback.script = lambda _seen, before: Reply() if before else trouble
    assert [one.text for one in model.generate(asking(2))] == ["echo q0", "echo q1"]


def test_a_pause_that_is_asked_for_is_heeded(loopback: Loopback, model: Remote) -> None:
    busy = Reply(429, error("rate_limit_error", "slow"), headers={"Retry-After": "7200"})
    loopback.script = lambda _seen, _before: busy
    with pytest.raises(ModelError, match=r"wants no call for 7200 s \(HTTP 429: slow\)"):
        model.generate(asking(1))


def test_a_refused_prompt_says_why(loopback: Loopback, model: Remote) -> None:
    too_long = Reply(400, error("invalid_request_error", "prompt is too long"))
    loopback.script = lambda _seen, _before: too_long
    assert model.generate(asking(1))[0].failure == "HTTP 400: prompt is too long"


def test_a_prompt_that_is_no_unicode_is_refused(model: Remote) -> None:
    [generation] = model.generate([Prompt("p", ("a\ud800",), Decoding(7))])
    assert generation.failure == "the prompt is not valid Unicode"


def test_a_denial_names_model_status_reason_and_key(loopback: Loopback, model: Remote) -> None:
    loopback.script = lambda _seen, _before: Reply(401, error("authentication_error", f"no {KEY}"))
    with pytest.raises(ModelError) as caught:
        model.generate(asking(1))
    assert str(caught.value) == (
        f"{NAME}: HTTP 401: no ***; check the model's name and the key in ANTHROPIC_API_KEY"
    )


def test_an_empty_account_ends_the_run(loopback: Loopback, model: Remote) -> None:
    loopback.script = lambda _seen, _before: Reply(400, error("billing_error", "balance too low"))
    with pytest.raises(ModelError, match="HTTP 400: balance too low; add funds to the account"):
        model.generate(asking(1))


def test_an_unreachable_server_is_an_error_that_says_so(
    model: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    gone = replace(build(NAME, ModelOptions()), patience=model.patience)
    with pytest.raises(ModelError, match="last cause: ConnectError"):
        gone.generate(asking(1))


def test_log_probabilities_cannot_be_had(loopback: Loopback, model: Remote) -> None:
    diary = Diary()
    with pytest.raises(ModelError, match="which Anthropic does not give; choose a judge at OpenAI"):
        model.generate([Prompt("p", ("hi",), Decoding(1, top_logprobs=5))], diary)
    assert not loopback.seen
    assert not diary.open_ids


def test_the_identity_says_what_cannot_be_set(loopback: Loopback, model: Remote) -> None:
    assert model.identity == {
        "model": "claude-opus-5",
        "server": loopback.url,
        "temperature": "not settable",
        "top_p": "not settable",
        "seed": "not settable",
    }


def test_the_identity_holds_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://me:word@proxy.example/a")
    assert build(NAME, ModelOptions()).identity["server"] == "https://proxy.example/a"


def test_anthropic_is_the_default_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    model = build(NAME, ModelOptions())
    assert (model.name, model.identity["server"]) == (NAME, "https://api.anthropic.com")


def test_the_key_is_in_no_repr(model: Remote) -> None:
    assert KEY not in repr(model)


def test_without_a_key_there_is_an_error_before_any_call() -> None:
    model, diary = build(NAME, ModelOptions()), Diary()
    with pytest.raises(ModelError, match="expected ANTHROPIC_API_KEY in the environment, came not"):
        model.generate(asking(1), diary)
    assert diary.started_at == {}


def test_without_the_client_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "anthropic", None)
    with pytest.raises(ModelError, match=r"pip install 'iterbench\[anthropic\]'"):
        build(NAME, ModelOptions())
