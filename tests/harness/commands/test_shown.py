from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console

from harness.commands.setting import Setting
from harness.commands.shown import firsts, rendered, show_prompts, warnings
from harness.models.scripted import Scripted
from harness.types import UNWATCHED, Generation, Prompt, Watch
from tests.records import prompt

ASKED = Prompt("bench/task/0", ("What?",), prompt().decoding, "Be kind.")


class Shown:
    """A model that tells what it is shown."""

    name = "shown"
    identity: dict[str, str] = {}  # noqa: RUF012

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        del watch
        return [Generation(one, self.name, ()) for one in prompts]

    def render(self, asked: Prompt) -> str:
        return f"<s>{asked.turns[0]}[b]"

    def lint(self) -> list[str]:
        return ["a prompt begins with <s> twice"]


def test_the_first_of_each_task_is_shown() -> None:
    ids = ["a/x/0", "a/x/1", "a/y/0", "a/y/1", "b/0"]
    prompts = [replace(ASKED, id=name) for name in ids]
    assert [one.id for one in firsts(prompts)] == ["a/x/0", "a/y/0", "b/0"]


def test_text_is_as_the_model_is_shown_it_or_as_it_is_sent() -> None:
    assert rendered(Shown(), ASKED) == "<s>What?[b]"
    sent = rendered(Scripted(lambda _: "", "s"), ASKED)
    assert sent == "[system]\nBe kind.\n[user]\nWhat?"


def test_prompts_are_printed_as_they_are_with_their_digest() -> None:
    setting = Setting(out=Console(width=20))
    with setting.out.capture() as printed:
        digest = show_prompts("one", Shown(), [replace(ASKED, choices=(" b",))], setting)
    text = printed.get()
    assert "<s>What?[b]\n" in text, "neither wrapped nor read as markup"
    assert "' b'" in text
    other = show_prompts("one", Shown(), [replace(ASKED, turns=("Who?",))], setting)
    assert len(digest) == 64
    assert digest != other


def test_a_template_is_looked_at_only_where_it_is_used() -> None:
    assert list(warnings(Shown(), [ASKED])) == ["a prompt begins with <s> twice"]
    assert list(warnings(Shown(), [replace(ASKED, raw=True)])) == []
    assert list(warnings(Scripted(lambda _: "", "s"), [ASKED])) == []
