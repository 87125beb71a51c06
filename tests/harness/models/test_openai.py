"""The chat-completions protocol: what is sent, how answers are read, and who gets the key."""

import math
from typing import Any
from urllib.parse import urlsplit

import pytest

from harness.errors import ModelError
from harness.models.openai import _proxy, _server, build
from harness.types import Decoding, ModelOptions, Prompt, Response, Usage
from tests.harness.models.calling import Diary, asking, hasty
from tests.servers.loopback import Loopback, Reply, completion

KEY = "sk-very-secret"
JUDGE = Decoding(max_tokens=1, temperature=1.0, top_logprobs=2)


def sent(server: Loopback, prompt: Prompt) -> dict[str, Any]:
    """The body of the request for a prompt."""
    hasty(server).generate([prompt])
    return server.seen[-1].body


def came(server: Loopback, body: dict[str, Any] | bytes, decoding: Decoding) -> Response:
    """How a body is read."""
    server.script = lambda _seen, _before: Reply(body=body)
    [generation] = hasty(server).generate([Prompt("p", ("hi",), decoding)])
    return generation.responses[0]


def said(text: str | None, **more: Any) -> dict[str, Any]:
    """A chat completion with parts of its choice replaced."""
    body = completion({"model": "tiny"}, "")
    body["choices"][0] |= {"message": {"role": "assistant", "content": text}} | more
    return body


# What is sent


def test_a_greedy_prompt_is_sent_with_nothing_superfluous(loopback: Loopback) -> None:
    assert sent(loopback, Prompt("p", ("hi",), Decoding(7))) == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 7,
        "temperature": 0.0,
    }


def test_the_system_message_comes_first(loopback: Loopback) -> None:
    body = sent(loopback, Prompt("p", ("hi",), Decoding(7), system="Be brief."))
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}


def test_sampling_is_sent(loopback: Loopback) -> None:
    body = sent(loopback, Prompt("p", ("hi",), Decoding(7, 0.7, top_p=0.9, stop=("END",))))
    assert (body["temperature"], body["top_p"], body["stop"]) == (0.7, 0.9, ["END"])


def test_log_probabilities_are_asked_for(loopback: Loopback) -> None:
    body = sent(loopback, Prompt("p", ("hi",), JUDGE))
    assert (body["logprobs"], body["top_logprobs"]) == (True, 2)


def test_further_samples_have_seeds_of_their_own(loopback: Loopback) -> None:
    prompts = [Prompt("p", ("hi",), Decoding(7, 1.0, sample=sample)) for sample in (1, 2)]
    prompts.append(Prompt("p", ("ho",), Decoding(7, 1.0, sample=1)))
    seeds = {sent(loopback, prompt)["seed"] for prompt in prompts}
    assert len(seeds) == 3
    assert all(0 <= seed < 2**31 for seed in seeds)


@pytest.mark.parametrize("decoding", [Decoding(7, 1.0), Decoding(7, 0.0, sample=3)])
def test_first_and_greedy_samples_have_no_seed(loopback: Loopback, decoding: Decoding) -> None:
    assert "seed" not in sent(loopback, Prompt("p", ("hi",), decoding))


def test_a_lone_surrogate_in_a_prompt_is_sent_as_it_is(loopback: Loopback) -> None:
    assert sent(loopback, Prompt("p", ("a\ud800",), Decoding(7)))["messages"][0]["content"] == (
        "a\ud800"
    )


# How answers are read


def test_an_answer_is_read_whole(loopback: Loopback) -> None:
    assert came(loopback, said("yes"), Decoding(7)) == Response(
        "yes", "stop", (), Usage(7, 3), "tiny / fp_1"
    )


def test_no_content_is_an_empty_text(loopback: Loopback) -> None:
    assert came(loopback, said(None, finish_reason="length"), Decoding(7)).text == ""


def test_what_a_plain_server_leaves_out_is_not_missed(loopback: Loopback) -> None:
    body = {"choices": [{"message": {"content": "yes"}}], "usage": None}
    assert came(loopback, body, Decoding(7)) == Response("yes")


def test_log_probabilities_are_read_likeliest_first(loopback: Loopback) -> None:
    top = [{"token": "m", "logprob": -2.0}, {"token": "M", "logprob": -0.5}]
    token = {"token": "M", "logprob": -0.5, "top_logprobs": top}
    response = came(loopback, said("M", logprobs={"content": [token]}), JUDGE)
    assert response.tokens == (("M", -0.5, (("M", -0.5), ("m", -2.0))),)


def test_a_log_probability_just_above_zero_is_zero(loopback: Loopback) -> None:
    token = {"token": "M", "logprob": 1e-7}
    response = came(loopback, said("M", logprobs={"content": [token]}), JUDGE)
    assert response.tokens[0].logprob == 0.0


def test_minus_infinity_is_read(loopback: Loopback) -> None:
    token = {"token": "M", "logprob": -math.inf}
    response = came(loopback, said("M", logprobs={"content": [token]}), JUDGE)
    assert response.tokens[0].logprob == -math.inf


def test_a_lone_surrogate_in_an_answer_is_read_as_it_is(loopback: Loopback) -> None:
    assert came(loopback, said("a\ud800"), Decoding(7)).text == "a\ud800"


def test_log_probabilities_that_nobody_asked_for_are_left_out(loopback: Loopback) -> None:
    body = said("M", logprobs={"content": [{"token": "M", "logprob": -1.0}]})
    assert came(loopback, body, Decoding(7)).tokens == ()


def test_a_server_without_log_probabilities_is_named(loopback: Loopback) -> None:
    with pytest.raises(ModelError, match="asked for 2 log-probabilities for each token, came none"):
        came(loopback, said("M", logprobs=None), JUDGE)


def test_a_call_that_brought_no_log_probabilities_is_possibly_paid(loopback: Loopback) -> None:
    loopback.script = lambda _seen, _before: Reply(body=said("M", logprobs=None))
    diary = Diary()
    with pytest.raises(ModelError):
        hasty(loopback).generate([Prompt("p", ("hi",), JUDGE)], diary)
    assert diary.open_ids == {"p"}


def test_an_empty_answer_needs_no_log_probabilities(loopback: Loopback) -> None:
    assert came(loopback, said("", finish_reason="length"), JUDGE).tokens == ()


@pytest.mark.parametrize("logprob", [math.nan, math.inf, "nan", 10**400, None])
def test_a_log_probability_that_is_no_number_damages_the_answer(
    loopback: Loopback, logprob: object
) -> None:
    token = {"token": "M", "logprob": -0.5, "top_logprobs": [{"token": "M", "logprob": logprob}]}
    with pytest.raises(ModelError, match="expected a chat completion, came"):
        came(loopback, said("M", logprobs={"content": [token]}), JUDGE)


@pytest.mark.parametrize("text", [None, ""])
def test_an_answer_that_was_filtered_is_a_refusal(loopback: Loopback, text: str | None) -> None:
    filtered = said(text, finish_reason="content_filter")
    loopback.script = lambda _seen, _before: Reply(body=filtered)
    [generation] = hasty(loopback).generate(asking(1))
    assert (generation.failure, generation.responses) == (
        "filtered by the server: no reason given",
        (),
    )


def test_a_filter_that_says_why_is_quoted(loopback: Loopback) -> None:
    message = {"content": None, "refusal": "violent\n\x1b[2J"}
    filtered = said(None, finish_reason="content_filter", message=message)
    loopback.script = lambda _seen, _before: Reply(body=filtered)
    [generation] = hasty(loopback).generate(asking(1))
    assert generation.failure == r"filtered by the server: violent \x1b[2J"


def test_the_beginning_of_an_answer_that_was_filtered_is_an_answer(loopback: Loopback) -> None:
    response = came(loopback, said("It be", finish_reason="content_filter"), Decoding(7))
    assert (response.text, response.finish_reason) == ("It be", "content_filter")


@pytest.mark.parametrize("odd", ["abc", None, -1, 7.5, [7], True, 1 << 63])
def test_an_odd_number_of_tokens_loses_no_answer(loopback: Loopback, odd: object) -> None:
    body = said("yes") | {"usage": {"prompt_tokens": odd, "completion_tokens": 3}}
    response = came(loopback, body, Decoding(7))
    assert (response.text, response.usage) == ("yes", Usage(0, 3))


@pytest.mark.parametrize("odd", ["abc", [7], 7])
def test_an_odd_bill_loses_no_answer(loopback: Loopback, odd: object) -> None:
    assert came(loopback, said("yes") | {"usage": odd}, Decoding(7)).usage == Usage()


def test_tokens_from_the_cache_of_prompts_are_counted(loopback: Loopback) -> None:
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 1,
        "prompt_tokens_details": {"cached_tokens": 4},
    }
    assert came(loopback, said("yes") | {"usage": usage}, Decoding(7)).usage == Usage(9, 1, 4)


@pytest.mark.parametrize("odd", [None, 7, [], {"cached_tokens": "4"}, {}])
def test_odd_details_of_a_bill_lose_no_answer(loopback: Loopback, odd: object) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": odd}
    assert came(loopback, said("yes") | {"usage": usage}, Decoding(7)).usage == Usage(9, 1)


# What servers complain of


def test_a_model_that_wants_the_new_name_of_the_limit_gets_it(loopback: Loopback) -> None:
    message = "Unsupported parameter: use 'max_completion_tokens' instead."
    error = {"message": message, "param": "max_tokens", "code": "unsupported_parameter"}
    loopback.script = lambda seen, _: (
        Reply(400, {"error": error}) if "max_tokens" in seen.body else Reply()
    )
    assert [one.text for one in hasty(loopback, 1).generate(asking(2))] == ["echo q0", "echo q1"]
    assert [seen.body.get("max_completion_tokens") for seen in loopback.seen] == [None, 9, 9]


def test_a_complaint_about_the_new_name_itself_is_final(loopback: Loopback) -> None:
    error = {"message": "max_completion_tokens is too large"}
    loopback.script = lambda _seen, _before: Reply(400, {"error": error})
    generations = hasty(loopback, 1).generate(asking(2))
    assert [one.failure for one in generations] == [f"HTTP 400: {error['message']}"] * 2
    assert len(loopback.seen) == 3


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (400, "unsupported_value", "choose a model that accepts it"),
        (429, "insufficient_quota", "add funds to the account"),
    ],
)
def test_a_complaint_that_would_meet_every_call_ends_the_run(
    loopback: Loopback, status: int, code: str, remedy: str
) -> None:
    body = {"error": {"message": "temperature 0 is not for me", "code": code}}
    loopback.script = lambda _seen, _before: Reply(status, body)
    with pytest.raises(ModelError, match=f"HTTP {status}: temperature 0 is not for me; {remedy}"):
        hasty(loopback, 1).generate(asking(5))
    assert len(loopback.seen) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"error": {"message": "a\n b"}}, "a b"),
        ({"error": "plain"}, "plain"),
        ({"message": "old"}, "old"),
        ({"detail": "Not Found"}, "Not Found"),
        (b'["odd"]', "['odd']"),
        (b"<h1>Sorry</h1>", "<h1>Sorry</h1>"),
        (b"", "Bad Request"),
        ({"error": {}}, "Bad Request"),
    ],
)
def test_a_reason_is_found_in_whatever_form(
    loopback: Loopback, body: dict[str, Any] | bytes, reason: str
) -> None:
    loopback.script = lambda _seen, _before: Reply(400, body)
    [generation] = hasty(loopback).generate(asking(1))
    assert generation.failure == f"HTTP 400: {reason}"


def test_a_redirect_is_not_followed(loopback: Loopback) -> None:
    loopback.script = lambda _seen, _before: Reply(307, headers={"Location": "/v1/messages"})
    with pytest.raises(ModelError, match="HTTP 307"):
        hasty(loopback).generate(asking(1))
    assert [seen.path for seen in loopback.seen] == ["/v1/chat/completions"]


# Names, addresses, keys


def test_the_identity_is_model_and_server(loopback: Loopback) -> None:
    assert hasty(loopback).identity == {"model": "tiny", "server": f"{loopback.url}/v1"}


def test_openai_is_the_default_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    model = build("openai:gpt-4o", ModelOptions())
    assert model.name == "openai:gpt-4o"
    assert model.identity == {"model": "gpt-4o", "server": "https://api.openai.com/v1"}


def test_another_server_may_take_its_place(
    loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", f"{loopback.url}/v1/")
    [generation] = build("openai:gpt-4o", ModelOptions()).generate(asking(1))
    assert (generation.text, loopback.seen[0].body["model"]) == ("echo q0", "gpt-4o")


@pytest.mark.parametrize(
    "name",
    [
        "http://127.0.0.1:8000/v1",
        "ftp://127.0.0.1/v1#m",
        "http:///v1#m",
        "http://127.0.0.1:x/v1#m",
        "http://[::1/v1#m",
        "http://127.0.0.1/v1?a=b#m",
        "openai:",
    ],
)
def test_a_name_of_another_form_is_an_error(name: str) -> None:
    with pytest.raises(ModelError, match="expected openai:NAME or http://HOST:PORT/v1#NAME, came"):
        build(name, ModelOptions())


def test_an_address_may_be_numbers_only() -> None:
    assert build("http://[::1]:8000/v1#m", ModelOptions()).identity["server"] == (
        "http://[::1]:8000/v1"
    )


def test_openai_without_a_key_is_an_error_before_any_call() -> None:
    model, diary = build("openai:gpt-4o", ModelOptions()), Diary()
    with pytest.raises(ModelError, match="expected OPENAI_API_KEY in the environment"):
        model.generate(asking(1), diary)
    assert diary.started_at == {}


def test_openais_key_goes_to_no_other_server(
    loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    hasty(loopback).generate(asking(1))
    assert "Authorization" not in loopback.seen[0].headers


@pytest.mark.parametrize(
    ("base", "variable"),
    [
        ("https://api.openai.com/v1", "OPENAI_API_KEY"),
        ("https://eu.api.openai.com/v1", "OPENAI_API_KEY"),
        ("http://api.openai.com/v1", "ITERBENCH_API_KEY"),
        ("https://api.openai.com.evil.example/v1", "ITERBENCH_API_KEY"),
        ("https://evilapi.openai.com@evil.example/v1", "ITERBENCH_API_KEY"),
    ],
)
def test_a_key_is_chosen_by_the_host(
    monkeypatch: pytest.MonkeyPatch, base: str, variable: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert _server(f"{base}#m").key_variable == variable


def test_other_servers_get_their_own_key(
    loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ITERBENCH_API_KEY", f"{KEY}\n")
    hasty(loopback).generate(asking(1))
    assert loopback.seen[0].headers["Authorization"] == f"Bearer {KEY}"


def test_credentials_in_an_address_are_sent_and_shown_nowhere(loopback: Loopback) -> None:
    address = loopback.openai.replace("http://", "http://me:pass%20word@")
    model = build(address, ModelOptions())
    model.generate(asking(1))
    assert loopback.seen[0].headers["Authorization"] == "Basic bWU6cGFzcyB3b3Jk"
    assert model.name == loopback.openai
    assert "pass" not in repr(model)


def test_a_key_is_in_no_repr(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITERBENCH_API_KEY", KEY)
    assert KEY not in repr(hasty(loopback))


def test_a_key_that_a_server_repeats_is_struck_out(
    loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ITERBENCH_API_KEY", KEY)
    loopback.script = lambda _seen, _before: Reply(401, {"error": {"message": f"bad key {KEY}"}})
    with pytest.raises(ModelError, match=r"HTTP 401: bad key \*\*\*"):
        hasty(loopback).generate(asking(1))


# Proxies


def test_a_proxy_from_the_environment_is_used(
    loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", loopback.url.replace("http://", "http://me:word@"))
    monkeypatch.setenv("no_proxy", "")
    [generation] = build("http://judge.example/v1#m", ModelOptions()).generate(asking(1))
    assert generation.text == "echo q0"
    assert loopback.seen[0].headers["Proxy-Authorization"] == "Basic bWU6d29yZA=="


def test_this_machine_needs_no_proxy(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    assert hasty(loopback).generate(asking(1))[0].text == "echo q0"


def test_a_host_that_is_excepted_gets_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "judge.example")
    assert _proxy(urlsplit("http://judge.example:8000/v1")) is None
