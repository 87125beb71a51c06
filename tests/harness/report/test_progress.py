"""What a run shows while it works."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO

import pytest
from rich.console import Console

from harness.models.scripted import Scripted
from harness.report.progress import Board, Read, Shown
from harness.types import UNWATCHED, Generation, Model, Prompt, Response, Usage, Watch
from tests.records import generation, prompt, read_number

TWENTY = [prompt(f"q{n}") for n in range(20)]


@dataclass(frozen=True)
class OneByOne:
    """A model whose answers arrive one at a time, the first ones out of a store."""

    stored: int = 0
    refused: bool = False
    name: str = "openai:gpt-4"

    @property
    def identity(self) -> dict[str, str]:
        return {"model": self.name}

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        generations = [self._answer(prompt) for prompt in prompts]
        for number, one in enumerate(generations):
            if number >= self.stored:
                watch.started([one.prompt])
            watch.finished([one])
        return generations

    def _answer(self, asked: Prompt) -> Generation:
        if self.refused:
            return generation(prompt=asked, model=self.name, failure="too long")
        said = Response("yes", usage=Usage(1000, 1000))
        return Generation(asked, self.name, (said,))


def shown(
    model: Model, prompts: Sequence[Prompt], *, read: Read | None = None, terminal: bool = False
) -> str:
    """Everything that is shown while a model answers."""
    out = StringIO()
    console = Console(file=out, force_terminal=terminal, width=120, color_system=None)
    Shown(model, Board(console), "iter[red]: answering", read).generate(prompts)
    return out.getvalue()


def test_a_shown_model_is_the_model_itself_to_everyone_else() -> None:
    plain = Scripted(lambda _: "yes", "x")
    model = Shown(plain, Board(Console(file=StringIO())), "label")
    assert (model.name, model.identity) == (plain.name, plain.identity)
    assert model.generate(TWENTY) == plain.generate(TWENTY)


def test_whoever_watches_is_told_of_every_call_and_answer() -> None:
    class Diary:
        calls, answers = 0, 0

        def started(self, prompts: Sequence[Prompt], /) -> None:
            self.calls += len(prompts)

        def finished(self, generations: Sequence[Generation], /) -> None:
            self.answers += len(generations)

    diary = Diary()
    Shown(OneByOne(stored=5), Board(Console(file=StringIO())), "label").generate(TWENTY, diary)
    assert (diary.calls, diary.answers) == (15, 20)


def test_a_pipe_gets_a_line_at_each_tenth() -> None:
    lines = shown(OneByOne(), TWENTY).splitlines()
    done = [re.match(r"iter\[red\]: answering: (\d+)/20, ", line) for line in lines]
    assert [int(found[1]) for found in done if found] == list(range(2, 21, 2))


def test_answers_that_arrive_at_once_get_one_line() -> None:
    assert len(shown(Scripted(lambda _: "yes"), TWENTY).splitlines()) == 1


@pytest.mark.parametrize("prompts", [TWENTY, []])
def test_answers_out_of_the_store_are_not_shown(prompts: Sequence[Prompt]) -> None:
    assert not shown(OneByOne(stored=20), prompts)


def test_stored_answers_count_as_done_once_something_is_asked() -> None:
    assert shown(OneByOne(stored=19), TWENTY).startswith("iter[red]: answering: 20/20")


def test_a_line_tells_the_rate() -> None:
    assert re.search(r"20/20, \d+\.\d/s", shown(OneByOne(), TWENTY))


def test_a_judges_unread_answers_are_counted() -> None:
    said = iter(["1", "maybe", "0", "both"])
    lines = shown(Scripted(lambda _: next(said)), TWENTY[:4], read=read_number)
    assert lines.endswith(", 2 unread\n")


def test_a_refusal_is_unread_too() -> None:
    assert ", 20 unread" in shown(OneByOne(refused=True), TWENTY, read=lambda _: 1.0)


def test_an_answer_that_nobody_has_to_read_is_never_unread() -> None:
    assert "unread" not in shown(Scripted(lambda _: "maybe"), TWENTY)


def test_only_what_was_bought_now_is_counted_as_spend() -> None:
    # Of GPT-4, a thousand tokens read and a thousand written cost 0.03 + 0.06 USD.
    assert shown(OneByOne(stored=10), TWENTY).endswith(", 0.90 USD\n")


@pytest.mark.parametrize("model", [OneByOne(refused=True), OneByOne(name="hf:x")])
def test_what_costs_nothing_shows_no_spend(model: Model) -> None:
    assert "USD" not in shown(model, TWENTY)


def test_a_terminal_gets_a_bar_with_counts_unread_and_spend() -> None:
    out = shown(OneByOne(), TWENTY, read=read_number, terminal=True)
    assert re.search(r"answering ━+ 20/20 \d+\.\d/s, 20 unread, 1\.80 USD", out)


def test_a_label_is_shown_as_it_is_and_styles_nothing() -> None:
    assert "iter[red]: answering" in shown(OneByOne(), TWENTY, terminal=True)


def test_a_bar_is_erased_when_it_is_done() -> None:
    assert shown(OneByOne(), TWENTY, terminal=True).endswith("\x1b[2K")
