import json
import sys
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fastchat.conversation import conv_templates

from harness.errors import DataError, ModelError, SpecError, UnknownNameError
from harness.models.local.templates import FastChat, Message, Shipped, choose, encode, lint
from tests.tiny.checkpoint import CHATML, make_tokenizer

EOS = 4
HELLO: list[Message] = [{"role": "user", "content": "Hello"}]
BRIEF: list[Message] = [{"role": "system", "content": "Be brief. "}, *HELLO]
LLAMA2 = (
    "{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ raise_exception('no system role') }}"
    "{% elif message['role'] == 'user' %}<s>[INST] {{ message['content'] }} [/INST]"
    "{% else %} {{ message['content'] }}</s>{% endif %}"
    "{% endfor %}"
)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return make_tokenizer()


def write(folder: Path, chat_template: object) -> Path:
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": chat_template}))
    return folder


def test_the_template_in_the_tokenizers_config_is_chosen(tmp_path: Path) -> None:
    assert choose(write(tmp_path, CHATML), None) == Shipped(CHATML)


def test_a_template_in_a_file_of_its_own_comes_first(tmp_path: Path) -> None:
    (tmp_path / "chat_template.jinja").write_text("of its own")
    assert choose(write(tmp_path, CHATML), None) == Shipped("of its own")


def test_the_default_of_several_templates_is_chosen(tmp_path: Path) -> None:
    several = [{"name": name, "template": f"{name}!"} for name in ("rag", "default")]
    assert choose(write(tmp_path, several), None) == Shipped("default!")


def test_the_checkpoints_own_template_wins_over_the_option(tmp_path: Path) -> None:
    assert choose(write(tmp_path, CHATML), "fastchat:vicuna_v1.1") == Shipped(CHATML)


@pytest.mark.parametrize("config", [None, [{"name": "rag", "template": "rag!"}]])
def test_no_template_and_no_option_says_what_to_pass(tmp_path: Path, config: object) -> None:
    with pytest.raises(ModelError, match=r"ships no chat template; .* 'fastchat:NAME'"):
        choose(write(tmp_path, config), None)


def test_a_folder_without_a_tokenizers_config_has_no_template(tmp_path: Path) -> None:
    assert choose(tmp_path, "fastchat:vicuna_v1.1") == FastChat("vicuna_v1.1")


def test_a_config_that_is_not_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer_config.json").write_text("{")
    with pytest.raises(DataError, match=r"tokenizer_config\.json is not JSON"):
        choose(tmp_path, None)


def test_a_template_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "chat_template.jinja").write_bytes(b"\xff\xfe")
    with pytest.raises(
        DataError, match=r"chat_template\.jinja is not UTF-8 text; download or save"
    ):
        choose(tmp_path, None)


@pytest.mark.parametrize("odd", [3, [3], {"name": "default"}, [{"name": "default", "template": 3}]])
def test_a_template_that_is_no_text_is_told(tmp_path: Path, odd: object) -> None:
    with pytest.raises(DataError, match=r"tokenizer_config\.json: expected chat_template to be a"):
        choose(write(tmp_path, odd), None)


def test_a_conversation_that_only_an_api_can_write_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="no conversation of FastChat is called 'chatgpt'"):
        choose(tmp_path, "fastchat:chatgpt")


def test_an_unknown_conversation_is_corrected(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean .vicuna_v1\.1."):
        choose(tmp_path, "fastchat:vicuna_v11")


@pytest.mark.parametrize("option", ["vicuna_v1.1", "fastchat:", "jinja:x"])
def test_an_option_of_another_form_is_refused(tmp_path: Path, option: str) -> None:
    with pytest.raises(SpecError, match=f"'fastchat:NAME', not '{option}'"):
        choose(tmp_path, option)


def test_fastchat_that_is_not_installed_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fastchat.conversation", None)
    with pytest.raises(ModelError, match=r"pip install 'iterbench\[fastchat\]'"):
        choose(tmp_path, "fastchat:vicuna_v1.1")


def test_a_prompt_ends_where_the_answer_begins(tokenizer: Any) -> None:
    text = Shipped(CHATML).render(HELLO, tokenizer)
    assert text == "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"


def test_the_rendering_is_that_of_transformers(tokenizer: Any) -> None:
    expected = tokenizer.apply_chat_template(BRIEF, tokenize=False, add_generation_prompt=True)
    assert Shipped(CHATML).render(BRIEF, tokenizer) == expected


def test_another_text_has_another_digest() -> None:
    assert Shipped("a").digest != Shipped("b").digest
    assert FastChat("vicuna_v1.1").digest == "fastchat:vicuna_v1.1"


def test_a_system_message_that_the_template_refuses_is_an_error(tokenizer: Any) -> None:
    with pytest.raises(ModelError, match="refuses the messages system, user: no system role"):
        Shipped(LLAMA2).render(BRIEF, tokenizer)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("{{ messages[0]['content'] + 1 }}", "TypeError: can only concatenate str"),
        ("{{ 1 / 0 }}", "ZeroDivisionError: division by zero"),
        ("{{ 'a'.index('b') }}", "ValueError: substring not found"),
        ("{{ 'a'.encode('none') }}", "LookupError: unknown encoding: none"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "RecursionError: maximum recursion"),
    ],
)
def test_a_template_that_fails_is_an_error(tokenizer: Any, text: str, cause: str) -> None:
    with pytest.raises(ModelError, match=f"template fails on the messages user: {cause}.*; corr"):
        Shipped(text).render(HELLO, tokenizer)


def test_a_template_cannot_command_a_terminal(tokenizer: Any) -> None:
    with pytest.raises(ModelError, match=r"refuses the messages user: \\x1b\[31m no$"):
        Shipped(r"{{ raise_exception('\x1b[31m\nno') }}").render(HELLO, tokenizer)


def test_a_system_message_that_the_template_drops_is_an_error(tokenizer: Any) -> None:
    drops = Shipped("{{ messages[-1]['content'] }}:")
    with pytest.raises(ModelError, match="drops the system message"):
        drops.render(BRIEF, tokenizer)


def test_a_system_message_that_the_template_trims_is_none(tokenizer: Any) -> None:
    trims = Shipped("{% for message in messages %}{{ message['content'] | trim }}{% endfor %}")
    assert trims.render(BRIEF, tokenizer) == "Be brief.Hello"


def test_the_date_in_a_prompt_is_the_same_every_day(tokenizer: Any) -> None:
    text = Shipped("Today is {{ strftime_now('%d %b %Y') }}.").render(HELLO, tokenizer)
    assert text == "Today is 26 Jul 2024."
    assert f"{date.today():%d %b %Y}" not in text  # noqa: DTZ011 - the reader's own day


def test_a_fastchat_conversation_is_written_as_fastchat_writes_it(tokenizer: Any) -> None:
    messages: list[Message] = [*BRIEF, {"role": "assistant", "content": "Hi."}, *HELLO]
    text = FastChat("vicuna_v1.1").render(messages, tokenizer)
    assert text == "Be brief.  USER: Hello ASSISTANT: Hi.</s>USER: Hello ASSISTANT:"


def test_every_conversation_that_is_accepted_can_be_written(tmp_path: Path, tokenizer: Any) -> None:
    written = [name for name, template in conv_templates.items() if template.sep_style]
    assert len(written) > 50
    for name in written:
        assert "Hello" in choose(tmp_path, f"fastchat:{name}").render(HELLO, tokenizer)


def test_one_conversation_leaves_nothing_for_the_next(tokenizer: Any) -> None:
    template = FastChat("vicuna_v1.1")
    first = template.render(HELLO, tokenizer)
    template.render(BRIEF, tokenizer)
    assert template.render(HELLO, tokenizer) == first
    assert "curious user" in first


def test_a_fastchat_conversation_without_a_system_role_is_an_error(tokenizer: Any) -> None:
    with pytest.raises(ModelError, match="drops the system message"):
        FastChat("yuan").render(BRIEF, tokenizer)


def test_fastchat_knows_what_ends_an_answer() -> None:
    assert FastChat("zero_shot").stop == ("###",)
    assert FastChat("mpt-7b-chat").stop_ids == (50278, 0)
    assert (FastChat("vicuna_v1.1").stop, FastChat("vicuna_v1.1").stop_ids) == ((), ())


@pytest.mark.parametrize("stops", [CHATML, LLAMA2])
def test_a_template_that_fits_has_no_warnings(stops: str, tokenizer: Any) -> None:
    assert lint(Shipped(stops), tokenizer, {2, EOS}) == []


def test_a_template_that_opens_a_thought_has_no_warnings(tokenizer: Any) -> None:
    thinks = CHATML.replace("assistant\n", "assistant\n<think>\n")
    assert lint(Shipped(thinks), tokenizer, {EOS}) == []


def test_a_fastchat_conversation_that_fits_has_no_warnings(tokenizer: Any) -> None:
    assert lint(FastChat("vicuna_v1.1"), tokenizer, {2}) == []
    assert lint(FastChat("zero_shot"), tokenizer, {2}) == []


def test_a_second_bos_is_warned_of(tokenizer: Any) -> None:
    assert lint(Shipped("<s><s>" + CHATML), tokenizer, {EOS}) == ["a prompt begins with <s> twice"]


def test_a_missing_generation_prompt_is_warned_of(tokenizer: Any) -> None:
    closed = CHATML.partition("{% if add")[0]
    assert lint(Shipped(closed), tokenizer, {EOS}) == [
        "a prompt ends before the assistant's turn is opened"
    ]


def test_an_end_that_does_not_stop_generation_is_warned_of(tokenizer: Any) -> None:
    assert lint(Shipped(CHATML), tokenizer, {2}) == [
        "a trained answer ends in '<|im_end|>\\n', which does not stop generation"
    ]


def test_a_date_in_the_template_is_told(tokenizer: Any) -> None:
    [warning] = lint(Shipped("{{ strftime_now('%Y') }}" + CHATML), tokenizer, {EOS})
    assert warning == "the template writes the date; every prompt says 26 Jul 2024"


def test_a_bos_that_the_template_writes_is_not_added_again(tokenizer: Any) -> None:
    adds = with_bos(tokenizer)
    assert encode("<s>a", Shipped(""), adds).count(1) == 1
    assert encode("<s>a", FastChat("vicuna_v1.1"), adds).count(1) == 1


def test_only_a_fastchat_conversation_leaves_its_bos_to_the_tokenizer(tokenizer: Any) -> None:
    adds = with_bos(tokenizer)
    assert encode("a", FastChat("vicuna_v1.1"), adds)[0] == 1
    assert 1 not in encode("a", Shipped(""), adds)


def with_bos(tokenizer: Any) -> Any:
    """The same tokenizer, which adds a BOS as Llama's does."""
    from tokenizers.processors import TemplateProcessing

    adds = deepcopy(tokenizer)
    adds.backend_tokenizer.post_processor = TemplateProcessing("<s> $0", None, [("<s>", 1)])
    return adds
