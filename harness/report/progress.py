"""What a run shows while it works: bars on a terminal, a line every tenth when piped."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from harness.pricing import paid
from harness.types import UNWATCHED, Generation, Model, Prompt, Unread, Watch

Read = Callable[[Generation], float | Unread]


@dataclass(frozen=True, slots=True)
class Shown:
    """A model whose work is shown under a label."""

    model: Model
    progress: "Board"
    label: str
    read: Read | None = None
    """For judges: what counts an answer as read."""

    @property
    def name(self) -> str:
        """The model's own name."""
        return self.model.name

    @property
    def identity(self) -> Mapping[str, str]:
        """The model's own identity."""
        return self.model.identity

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        """The model's own answers; whoever watches is told before the board is."""
        with self.progress.line(self.label, len(prompts), self.read) as line:
            return self.model.generate(prompts, _Both(watch, line))


@dataclass(frozen=True, slots=True)
class _Both:
    first: Watch
    second: Watch

    def started(self, prompts: Sequence[Prompt], /) -> None:
        self.first.started(prompts)
        self.second.started(prompts)

    def finished(self, generations: Sequence[Generation], /) -> None:
        self.first.finished(generations)
        self.second.finished(generations)


class Board:
    """Where progress is shown: bars on a terminal, plain lines elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def line(self, label: str, total: int, read: Read | None) -> "Iterator[Watch]":
        """One line of work, from its first call to its last answer."""
        if not self._console.is_terminal:
            yield _Tally(read, _tenths(self._console, label, total))
            return
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[facts]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._console, transient=True) as bars:
            task = bars.add_task(label, total=total, facts="")
            yield _Tally(read, lambda t: bars.update(task, completed=t.done, facts=t.facts()))


class _Tally:
    """Counts what was asked, what arrived, what cannot be read and what it costs."""

    def __init__(self, read: Read | None, show: "Callable[[_Tally], None]") -> None:
        self._read, self._show = read, show
        self._began = monotonic()
        self._bought: set[Prompt] = set()
        self.done = self._answered = self._unread = 0
        self._usd = 0.0

    def started(self, prompts: Sequence[Prompt], /) -> None:
        self._bought.update(prompts)

    def finished(self, generations: Sequence[Generation], /) -> None:
        self.done += len(generations)
        self._unread += sum(map(self._is_unread, generations))
        bought = [one for one in generations if one.prompt in self._bought]
        self._answered += len(bought)
        self._usd += sum(map(_cost, bought))
        self._show(self)

    @property
    def is_working(self) -> bool:
        """Whether anything had to be asked: what is stored needs no showing."""
        return bool(self._bought)

    def facts(self) -> str:
        """Rate, unread answers and spend so far."""
        rate = self._answered / max(monotonic() - self._began, 1e-9)
        unread = f", {self._unread} unread" if self._read else ""
        spend = f", {self._usd:.2f} USD" if self._usd else ""
        return f"{rate:.1f}/s{unread}{spend}"

    def _is_unread(self, generation: Generation) -> bool:
        if generation.failure is not None:
            return True
        return self._read is not None and isinstance(self._read(generation), Unread)


def _cost(generation: Generation) -> float:
    return paid(generation.model, generation.responses) or 0.0


def _tenths(console: Console, label: str, total: int) -> Callable[[_Tally], None]:
    """Prints a line for each tenth of the work, for logs."""
    printed = 0

    def show(tally: _Tally) -> None:
        nonlocal printed
        tenth = 10 * tally.done // max(total, 1)
        if tally.is_working and tenth > printed:
            printed = tenth
            console.print(
                f"{label}: {tally.done}/{total}, {tally.facts()}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )

    return show
