import json
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from harness.errors import DataError, ModelError
from harness.models.hf import HuggingFace, _Chat, build
from harness.models.local.loading import loaded
from harness.models.local.network import Network
from harness.models.local.sampling import Request, seed_of
from harness.models.local.templates import Message, Shipped
from harness.types import (
    GIVEN,
    LIKELIEST,
    Decoding,
    Generation,
    Model,
    ModelOptions,
    Prompt,
    Response,
)
from tests.tiny.checkpoint import CHATML, make_checkpoint

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")

GREEDY = Decoding(max_tokens=12)
SAMPLED = Decoding(max_tokens=12, temperature=1.0, top_p=0.95)


def ask(*turns: str, decoding: Decoding = GREEDY, system: str | None = None) -> Prompt:
    return Prompt(turns[0], turns, decoding, system)


def texts(generations: Sequence[Generation]) -> list[str]:
    return [generation.text for generation in generations]


@dataclass
class Seen:
    """A watch that writes down what it sees."""

    events: list[tuple[str, list[str]]] = field(default_factory=list)

    def started(self, prompts: Sequence[Prompt]) -> None:
        self.events.append(("started", [prompt.id for prompt in prompts]))

    def finished(self, generations: Sequence[Generation]) -> None:
        self.events.append(("finished", [generation.prompt.id for generation in generations]))


def test_a_model_satisfies_the_protocol(model: HuggingFace, checkpoint: Path) -> None:
    as_protocol: Model = model
    assert as_protocol.name == f"hf:{checkpoint}"


def test_answers_come_in_the_order_of_the_prompts(model: HuggingFace) -> None:
    prompts = [ask("x" * n) for n in (5, 90, 1, 40, 7, 60, 2, 30, 3)]
    answers = model.generate(prompts)
    assert [answer.prompt for answer in answers] == prompts
    assert texts(answers) == [model.generate([prompt])[0].text for prompt in prompts]
    assert {answer.model for answer in answers} == {model.name}


def test_a_prompt_is_counted_as_it_is_read(model: HuggingFace) -> None:
    prompts = [ask("Hello"), ask("Hello there")]
    read = [one.responses[0].usage.prompt_tokens for one in model.generate(prompts)]
    assert [model.count_tokens(prompt) for prompt in prompts] == read
    assert model.count_tokens(ask("Hello", "And then?")) is None


def test_the_second_turn_is_asked_with_the_first_answer(model: HuggingFace) -> None:
    [answer] = model.generate([ask("Hello", "And then?")])
    first, second = answer.responses
    history = f"Hello<|im_end|>\n<|im_start|>assistant\n{first.text}<|im_end|>\n<|im_start|>user\n"
    [alone] = model.generate([ask(history + "And then?")])
    assert (second.text, second.usage) == (alone.text, alone.responses[0].usage)


def test_prompts_of_one_and_of_two_turns_share_a_batch(model: HuggingFace) -> None:
    answers = model.generate([ask("a", "b"), ask("c")])
    assert [len(answer.responses) for answer in answers] == [2, 1]


def test_samples_do_not_depend_on_what_shares_the_batch(checkpoint: Path) -> None:
    prompts = [ask("x" * n, "more", decoding=SAMPLED) for n in range(1, 8)]
    answers = [
        build(f"hf:{checkpoint}", ModelOptions(batch_size=size)).generate(prompts)
        for size in (1, 3, 7)
    ]
    assert texts(answers[0]) == texts(answers[1]) == texts(answers[2])


def test_samples_of_one_prompt_differ(model: HuggingFace) -> None:
    prompts = [ask("Hello", decoding=replace(SAMPLED, sample=n)) for n in range(5)]
    assert len(set(texts(model.generate(prompts)))) == 5


def test_what_several_ask_alike_is_rendered_once(model: HuggingFace) -> None:
    rendered = []

    class Counting(Shipped):
        def render(self, messages: Sequence[Message], tokenizer: Any, **variables: str) -> str:
            rendered.append([message["content"] for message in messages])
            return super().render(messages, tokenizer, **variables)

    counting = replace(model, template=Counting(CHATML))
    samples = [ask("Hello", decoding=replace(SAMPLED, sample=n)) for n in range(3)]
    answers = counting.generate([*samples, ask("Hello", system="Be brief.")])
    assert answers == [*model.generate(samples), *answers[3:]]
    assert rendered == [["Hello"], ["Be brief.", "Hello"]]


def test_samples_of_one_prompt_are_neighbours(model: HuggingFace) -> None:
    prompts = [ask(text, decoding=replace(SAMPLED, sample=n)) for n in range(4) for text in "abc"]
    seen = Seen()
    model.generate(prompts, seen)
    assert [ids for event, ids in seen.events if event == "started"] == [
        ["c"] * 4, ["b"] * 4, ["a"] * 4,
    ]  # fmt: skip


def test_each_turn_is_drawn_with_a_seed_of_its_own(model: HuggingFace) -> None:
    prompt = ask("Hello", "And then?")
    chats = [_Chat(prompt), _Chat(prompt, [Response("Hi.")])]
    seeds = [request.seed for _, request in model._asked(chats)]
    assert seeds == [seed_of(prompt, 0), seed_of(prompt, 1)]


def test_a_system_message_reaches_the_model(model: HuggingFace) -> None:
    plain, told = model.generate([ask("Hello"), ask("Hello", system="Be brief.")])
    assert told.text != plain.text
    assert told.responses[0].usage.prompt_tokens == plain.responses[0].usage.prompt_tokens + 19


def test_the_first_turn_can_be_shown(model: HuggingFace) -> None:
    shown = model.render(ask("Hello", "And then?", system="Be brief."))
    assert shown == (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_prompt_longer_than_the_window_is_refused_and_not_cut(model: HuggingFace) -> None:
    fits, refused = model.generate([ask("x" * 481), ask("x" * 482)])
    assert len(fits.responses) == 1
    assert refused.responses == ()
    assert refused.failure == "prompt is 501 tokens, the window is 512: 12 are kept for the answer"


def test_a_refused_prompt_is_not_shown_to_the_network(
    model: HuggingFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = []
    respond = Network.respond

    def watched(network: Network, requests: Sequence[Request]) -> list[Response]:
        shown.append([len(request.ids) for request in requests])
        return respond(network, requests)

    monkeypatch.setattr(Network, "respond", watched)
    model.generate([ask("x" * 481), ask("x" * 482)])
    assert shown == [[500]]


def test_a_conversation_that_outgrows_the_window_has_no_answer_at_all(model: HuggingFace) -> None:
    [answer] = model.generate([ask("x" * 200, "y" * 300)])
    assert answer.responses == ()
    assert (answer.failure or "").startswith("prompt is ")


def test_each_batch_is_seen_before_it_is_asked_and_after_it_is_answered(
    model: HuggingFace,
) -> None:
    seen = Seen()
    model.generate([ask("x" * n) for n in range(1, 7)], seen)
    assert [(event, len(ids)) for event, ids in seen.events] == [
        ("started", 4), ("finished", 4), ("started", 2), ("finished", 2),
    ]  # fmt: skip
    assert seen.events[0][1] == seen.events[1][1] == ["x" * n for n in (6, 5, 4, 3)]


def test_what_was_answered_before_a_failure_has_been_seen(model: HuggingFace) -> None:
    class Interrupted(Seen):
        def started(self, prompts: Sequence[Prompt]) -> None:
            super().started(prompts)
            if len(self.events) == 3:
                raise KeyboardInterrupt

    seen = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        model.generate([ask("x" * n) for n in range(1, 7)], seen)
    assert [event for event, _ in seen.events] == ["started", "finished", "started"]


def test_a_message_that_the_template_refuses_stops_the_run_before_it_begins(tmp_path: Path) -> None:
    refuses = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no') }}{% endif %}x:"
    strict = build(f"hf:{make_checkpoint(tmp_path, template=refuses)}", ModelOptions())
    seen = Seen()
    with pytest.raises(ModelError, match="refuses the messages system, user: no"):
        strict.generate([ask("Hello"), ask("Hello", system="Be brief.")], seen)
    assert seen.events == []


def test_settings_that_the_checkpoint_recommends_are_not_applied(
    model: HuggingFace, copy: Path
) -> None:
    file = copy / "generation_config.json"
    recommended = {
        "do_sample": True,
        "temperature": 0.1,
        "top_k": 1,
        "top_p": 0.1,
        "repetition_penalty": 5.0,
        "max_length": 3,
        "min_new_tokens": 11,
        "suppress_tokens": list(range(6, 60)),
    }
    file.write_text(json.dumps(json.loads(file.read_text()) | recommended))
    prompts = [ask("Hello"), ask("Hello", decoding=SAMPLED)]
    assert texts(build(f"hf:{copy}", ModelOptions()).generate(prompts)) == texts(
        model.generate(prompts)
    )


def test_identity_is_weights_template_and_precision(model: HuggingFace, checkpoint: Path) -> None:
    assert model.identity.keys() == {"engine", "weights", "template", "dtype"}
    assert model.identity["dtype"] == "float32"
    assert str(checkpoint) not in str(model.identity)


def test_a_copy_elsewhere_has_the_same_identity(model: HuggingFace, copy: Path) -> None:
    assert build(f"hf:{copy}", ModelOptions()).identity == model.identity


def test_other_weights_have_another_identity(model: HuggingFace, tmp_path: Path) -> None:
    other = build(f"hf:{make_checkpoint(tmp_path / 'other', seed=1)}", ModelOptions())
    assert other.identity["template"] == model.identity["template"]
    assert other.identity["weights"] != model.identity["weights"]


def test_another_precision_has_another_identity(model: HuggingFace, checkpoint: Path) -> None:
    half = build(f"hf:{checkpoint}", ModelOptions(dtype="bfloat16"))
    assert half.identity == {**model.identity, "dtype": "bfloat16"}


def test_a_model_is_loaded_when_it_is_first_asked_something(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"model_type": "tomorrows"}))
    late = build(f"hf:{copy}", ModelOptions())
    assert late.generate([]) == []
    with pytest.raises(ModelError, match="tomorrows"):
        late.generate([ask("Hello")])


def test_a_closed_model_is_loaded_again_when_it_is_asked(model: HuggingFace) -> None:
    first = texts(model.generate([ask("Hello")]))
    with loaded(model.checkpoint) as weights:
        held = weakref.ref(weights)
    del weights
    model.close()
    assert held() is None
    assert texts(model.generate([ask("Hello")])) == first


def test_closing_a_model_leaves_another_in_memory(model: HuggingFace, tmp_path: Path) -> None:
    other = build(f"hf:{make_checkpoint(tmp_path / 'other', seed=1)}", ModelOptions())
    model.generate([ask("Hello")])
    with loaded(model.checkpoint) as before:
        pass
    other.close()
    with loaded(model.checkpoint) as after:
        assert after is before


def test_a_checkpoint_with_half_a_file_cannot_be_built(copy: Path) -> None:
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(DataError, match="cut short"):
        build(f"hf:{copy}", ModelOptions())


def test_a_checkpoint_without_a_template_is_asked_no_question(tmp_path: Path) -> None:
    model = build(f"hf:{make_checkpoint(tmp_path, template=None)}", ModelOptions())
    with pytest.raises(ModelError, match="ships no chat template"):
        model.examine([ask("Hello")])
    with pytest.raises(ModelError, match="ships no chat template"):
        model.generate([ask("Hello")])


def test_a_checkpoint_without_a_template_goes_on_with_texts(tmp_path: Path) -> None:
    model = build(f"hf:{make_checkpoint(tmp_path, template=None)}", ModelOptions())
    text = Prompt("a", ("Once upon",), GREEDY, raw=True)
    model.examine([text])
    assert model.generate([text])[0].text
    assert (model.render(text), model.lint(), model.identity["template"]) == (
        "Once upon",
        [],
        "none",
    )


def choosing(*turns: str, choices: tuple[str, ...] = (" yes", " no"), raw: bool = True) -> Prompt:
    return Prompt(" ".join(turns), turns, Decoding(0), choices=choices, raw=raw)


def test_each_turn_and_choice_has_a_response_of_its_own(model: HuggingFace) -> None:
    [both] = model.generate([choosing("Is it?", "Was it?")])
    alone = [model.generate([choosing(turn)])[0].responses for turn in ("Is it?", "Was it?")]
    assert [r.text for r in both.responses] == [" yes", " no", " yes", " no"]
    expected = [r.logprob for one in alone for r in one]
    assert [r.logprob for r in both.responses] == pytest.approx(expected, abs=1e-5)


def test_a_choice_is_as_likely_as_its_tokens(model: HuggingFace) -> None:
    [answer] = model.generate([choosing("Is it?")])
    first = answer.responses[0]
    assert "".join(token.text for token in first.tokens) == " yes"
    assert first.logprob == sum(token.logprob for token in first.tokens) < 0
    assert first.usage.prompt_tokens == len("Is it? yes")


def test_what_the_model_would_write_is_the_likeliest(model: HuggingFace) -> None:
    text = Prompt("a", ("Hello",), Decoding(5), raw=True)
    [written] = model.generate([text])
    [told] = model.generate([choosing("Hello", choices=(written.text, written.text + "~~"))])
    assert [r.finish_reason for r in told.responses] == [LIKELIEST, GIVEN]


def test_a_question_with_choices_goes_through_the_template(model: HuggingFace) -> None:
    [asked] = model.generate([choosing("Is it?", raw=False)])
    [written] = model.generate([choosing(model.render(ask("Is it?")))])
    assert asked.responses == written.responses


def test_a_context_that_is_too_long_loses_its_beginning(model: HuggingFace) -> None:
    [cut] = model.generate([choosing("x" * 300 + "y" * 512)])
    [short] = model.generate([choosing("y" * 509)])
    assert [r.cut for r in cut.responses] == [303, 302]  # " yes" is longer than " no"
    assert cut.responses[0].logprob == pytest.approx(short.responses[0].logprob, abs=1e-5)


def test_a_text_to_go_on_with_that_is_too_long_loses_its_beginning(model: HuggingFace) -> None:
    long, short = (
        Prompt(text[:3], (text,), Decoding(12), raw=True)
        for text in ("x" * 99 + "y" * 500, "y" * 500)
    )
    [cut, whole] = model.generate([long, short])
    assert (cut.text, cut.responses[0].cut) == (whole.text, 99)
    assert whole.responses[0].cut == 0


def test_a_choice_longer_than_the_window_is_refused_by_itself(model: HuggingFace) -> None:
    answers = model.generate([choosing("a", choices=("y" * 600,)), choosing("b")])
    assert answers[0].failure == "a choice is 600 tokens, the window is 512"
    assert answers[1].failure is None


def test_without_turns_a_long_text_is_read_window_by_window(model: HuggingFace) -> None:
    text = "abc " * 300
    [whole] = model.generate([Prompt("a", (), Decoding(0), choices=(text,), raw=True)])
    assert "".join(token.text for token in whole.responses[0].tokens) == text


def test_choices_are_watched_in_blocks(model: HuggingFace) -> None:
    prompts = [choosing(f"{letter}?") for letter in "abcdefghijklmnopqrst"]
    seen = Seen()
    model.generate(prompts, seen)
    assert [kind for kind, _ in seen.events] == ["started", "finished"] * 2
    assert sorted(name for kind, names in seen.events for name in names if kind == "started") == [
        prompt.id for prompt in prompts
    ]


def test_questions_texts_and_choices_may_be_mixed(model: HuggingFace) -> None:
    prompts = [choosing("a"), ask("b"), Prompt("c", ("c",), GREEDY, raw=True), choosing("d")]
    answers = model.generate(prompts)
    assert [answer.prompt for answer in answers] == prompts
    assert [len(answer.responses) for answer in answers] == [2, 1, 1, 2]


def test_a_checkpoint_without_a_template_is_asked_as_fastchat_would(tmp_path: Path) -> None:
    name = f"hf:{make_checkpoint(tmp_path, template=None)}"
    vicuna = build(name, ModelOptions(chat_template="fastchat:vicuna_v1.1"))
    assert vicuna.render(ask("Hello", system="Hi.")) == "Hi. USER: Hello ASSISTANT:"
    assert vicuna.identity["template"] == "fastchat:vicuna_v1.1"


@pytest.mark.parametrize(
    ("conversation", "stop", "stop_ids"),
    [
        ("vicuna_v1.1", (), {4}),
        ("zero_shot", ("###",), {4}),  # a string that is no token
        ("llama2-chinese", ("</s>",), {4, 2}),  # a string that is token 2
        ("falcon", ("\nUser",), set(range(12))),  # tokens by number
    ],
)
def test_what_ends_an_answer_for_fastchat_ends_it_here(
    tmp_path: Path, conversation: str, stop: tuple[str, ...], stop_ids: set[int]
) -> None:
    name = f"hf:{make_checkpoint(tmp_path, template=None)}"
    as_trained = build(name, ModelOptions(chat_template=f"fastchat:{conversation}"))
    [(_, request)] = as_trained._asked([_Chat(ask("Hello", decoding=replace(GREEDY, stop=("x",))))])
    assert request.decoding.stop == ("x", *stop)
    assert as_trained.stop_ids == stop_ids


def test_a_model_that_fits_together_has_no_warnings(model: HuggingFace) -> None:
    assert model.lint() == []


def test_an_end_that_generation_ignores_is_warned_of(copy: Path) -> None:
    config = copy / "tokenizer_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"eos_token": "</s>"}))
    (copy / "generation_config.json").write_text(json.dumps({"eos_token_id": 2}))
    [warning] = build(f"hf:{copy}", ModelOptions()).lint()
    assert "does not stop generation" in warning


@pytest.fixture
def hub(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub that cannot be reached, and one model of it that was downloaded before."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    repository = tmp_path / "models--lab--tiny"
    (repository / "refs").mkdir(parents=True)
    for revision, commit in (("main", "a" * 40), ("iter3", "b" * 40)):
        copytree(checkpoint, repository / "snapshots" / commit)
        (repository / "refs" / revision).write_text(commit)
    return repository


@pytest.mark.parametrize(
    ("name", "commit"), [("hf:lab/tiny", "a" * 40), ("hf:lab/tiny@iter3", "b" * 40)]
)
@pytest.mark.usefixtures("hub")
def test_a_model_of_the_hub_is_named_by_its_id(name: str, commit: str, model: HuggingFace) -> None:
    remote = build(name, ModelOptions())
    assert (remote.name, remote.revision) == (name, commit)
    assert remote.identity == model.identity


def test_a_hub_model_with_older_weights_is_found(hub: Path) -> None:
    weights = hub / "snapshots" / ("a" * 40) / "model.safetensors"
    weights.rename(weights.with_name("pytorch_model.bin"))
    assert build("hf:lab/tiny", ModelOptions()).revision == "a" * 40


@pytest.mark.usefixtures("hub")
def test_a_model_that_is_neither_here_nor_on_the_hub_is_told() -> None:
    with pytest.raises(DataError, match="lab/other is no folder here and cannot be had"):
        build("hf:lab/other", ModelOptions())


@pytest.mark.parametrize("name", ["hf:/no/such/folder", "hf:./missing", "hf:a/b/c"])
def test_a_path_that_does_not_exist_is_told(name: str) -> None:
    with pytest.raises(DataError, match="is no folder here, and no hub id"):
        build(name, ModelOptions())


def test_a_folder_in_the_home_directory_may_be_written_with_a_tilde(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(copy.parent))
    assert build("hf:~/copy", ModelOptions()).name == "hf:~/copy"
