"""Opens what a command names: a series, its benchmark, its models with their answers in a store."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness import registry
from harness.commands.doors import Doors
from harness.errors import SpecError
from harness.models.batches import batched, providers, sells_batches
from harness.models.local.weights import check, fingerprint
from harness.models.serving.fingerprinted import Fingerprinted
from harness.names import public, takes_part
from harness.pipeline import decoded, limited
from harness.price_list import VARIABLE
from harness.pricing import price
from harness.ranking import BestOf
from harness.report.table import Table
from harness.spec import BestOfSpec, Checkpoint, Series, read_series, series_of
from harness.store import Batches, Budgeted, Cached, Spend, Store
from harness.types import Assets, Benchmark, Judge, Model, ModelOptions, Rubric, Usage

SELF = "self"
"""The checkpoint under evaluation, where a judge's name names a model."""

EXACT = "exact"
"""The judge of benchmarks that match answers by themselves."""

Wrap = Callable[[Model, Rubric], Model]
"""What is put around a model that a judge asks by a rubric."""


def unwrapped(model: Model, _rubric: Rubric) -> Model:
    """The model as it is."""
    return model


def _unheard(_line: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Buying:
    """How hosted models are paid."""

    budget: float | None = None
    """USD that a run may cost in all; None sets no limit."""
    batch: bool = False
    """Whether providers that sell batches are asked by batch."""
    tell: Callable[[str], None] = _unheard
    """Is told a line when a batch has come further."""


@dataclass(frozen=True, slots=True)
class Models:
    """Opens models by name; what they answer is kept in the store."""

    options: ModelOptions
    assets: Assets
    store: Store
    run: str
    """Whose bill it is."""
    buying: Buying = field(default_factory=Buying)
    opened: dict[tuple[str, ...], Model] = field(default_factory=dict)
    """What judges ask, by name, benchmark and rubric."""
    doors: Doors = field(default_factory=Doors)
    """How models are opened."""

    def judge(
        self,
        name: str,
        benchmark: Benchmark,
        candidate: Model | None = None,
        wrap: Wrap = unwrapped,
    ) -> Judge:
        """The judge of that name, on a benchmark.

        Args:
            name: A judge's or a model's; names of judges compose.
            benchmark: Whose grader decides how it is asked.
            candidate: The checkpoint under evaluation, which `self` means.
            wrap: What is put around each model that it asks.

        Raises:
            SpecError: `self` judges where there is no checkpoint.
        """

        def open_model(asked: str, rubric: Rubric) -> Model:
            model = candidate if asked == SELF else self.of_judge(asked, benchmark, rubric)
            if model is None:
                raise SpecError(
                    f"expected a judge by name, came '{name}', in which 'self' is nobody here; "
                    f"name a model"
                )
            return wrap(model, rubric)

        return registry.judge(name, benchmark.grader(self.assets), open_model)

    def of_judge(self, name: str, benchmark: Benchmark, rubric: Rubric) -> Model:
        """The model of that name, which a judge asks by the rubric; opened once."""
        key = (name, benchmark.card.label, rubric.digest)
        if key not in self.opened:
            self.opened[key] = self._kept(
                self.doors.open(
                    f"judge {public(name)} on {benchmark.card.label} by {rubric.digest}",
                    lambda: registry.asked_model(
                        name, self.options, benchmark, rubric, self.assets
                    ),
                )
            )
        return self.opened[key]

    def live(self, name: str) -> Model:
        """The model of that name, which answers whatever is asked."""
        return self._kept(registry.live(name, self.options))

    def of_checkpoint(self, checkpoint: Checkpoint, benchmarks: Sequence[Benchmark]) -> list[Model]:
        """The checkpoint's model for each benchmark: one and the same, unless it is recorded."""
        template = checkpoint.chat_template or self.options.chat_template
        options = replace(self.options, chat_template=template)
        if checkpoint.model.startswith("replay:"):
            _check_once(checkpoint)
            return [self._opened(checkpoint, options, benchmark) for benchmark in benchmarks]
        kept = self._kept(self._opened(checkpoint, options, benchmarks[0]))
        if checkpoint.best_of is None:
            return [kept] * len(benchmarks)
        return [self._best_of(checkpoint.best_of, kept, b) for b in benchmarks]

    def _opened(self, checkpoint: Checkpoint, options: ModelOptions, benchmark: Benchmark) -> Model:
        """The checkpoint's model by itself; one that is served has its weights told."""

        def opener() -> Model:
            model = registry.model(checkpoint.model, options, benchmark, self.assets)
            if checkpoint.weights is None:
                return model
            check(Path(checkpoint.weights))
            return Fingerprinted(model, fingerprint(Path(checkpoint.weights)))

        told = f"{checkpoint.name} ({public(checkpoint.model)}) on {benchmark.card.label}"
        return self.doors.open(told, opener)

    def _best_of(self, asked: BestOfSpec, model: Model, benchmark: Benchmark) -> Model:
        return BestOf(model, self.judge(asked.judge, benchmark, model), asked.n)

    def _kept(self, model: Model) -> Model:
        """The model with its answers in the store; a recording needs none."""
        if self.doors.complete or "recording" in model.identity:
            return model
        return Cached(self._bought(model), self.store, self.run)

    def _bought(self, model: Model) -> Model:
        """The model as the user wants to pay for it."""
        if not self.buying.batch:
            return self._limited(model)
        if not sells_batches(model.name):
            self.buying.tell(
                f"{model.name} is asked directly: only models of {' and '.join(providers())} are "
                f"asked by batch"
            )
            return self._limited(model)
        docket = Batches(self.store, model.name, model.identity)
        by_batch = batched(self._limited(model), docket, self.buying.tell)
        return self._limited(by_batch, batched=True)

    def _limited(self, model: Model, *, batched: bool = False) -> Model:
        """The model within the budget, if there is one.

        Raises:
            SpecError: Its price is not known.
        """
        budget = self.buying.budget
        if budget is None:
            return model
        if price(model.name, Usage()) is None:
            raise SpecError(
                f"expected models whose price is known for --budget, came '{model.name}', whose "
                f"price is not; state it in a file that {VARIABLE} names, as `prices: "
                f'{{"{model.name}": {{prompt: 0.5, completion: 1.5}}}}` in USD per million tokens'
            )
        return Budgeted(model, self.store, self.run, budget, batched)


def _check_once(recorded: Checkpoint) -> None:
    """A recording has one answer to each prompt."""
    asked = {"best_of": recorded.best_of is not None, "samples": recorded.samples > 1}
    again = [key for key, is_asked in asked.items() if is_asked]
    if again:
        raise SpecError(
            f"expected a model that can answer again for {' and '.join(again)} of "
            f"'{recorded.name}', came a recording; leave that out"
        )


def named_series(what: Sequence[str]) -> Series:
    """The series that was named, or the one that the named models make.

    Raises:
        SpecError: A series file stands among other names, or is no series file.
    """
    files = [Path(name) for name in what if name.endswith((".yaml", ".yml"))]
    if not files:
        return series_of(list(what))
    if len(what) > 1:
        raise SpecError(
            f"expected one series file or several models, came {len(what)} names with "
            f"{files[0]} among them; put the models into the file"
        )
    return read_series(files[0])


def named_benchmark(
    name: str, series: Series, decoding: Mapping[str, float | None], limit: int | None
) -> Benchmark:
    """The benchmark as a command asks it: decoding set by it, else by the series."""
    return as_asked(registry.benchmark(name), series, decoding, limit)


def as_asked(
    benchmark: Benchmark,
    series: Series,
    decoding: Mapping[str, float | None],
    limit: int | None,
) -> Benchmark:
    """The benchmark with its decoding set by a command, else by the series, and so many prompts."""
    there = series.decoding.model_dump(exclude_none=True)
    here = {key: value for key, value in decoding.items() if value is not None}
    return limited(decoded(benchmark, there | here), limit)


def run_name(series: Series, *asked: object) -> str:
    """The series with a digest of what is asked of it, so that no run overwrites another."""
    digest = hashlib.sha256(repr([series, *asked]).encode()).hexdigest()
    return f"{series.name}-{digest[:8]}"


def is_remote(model: Model) -> bool:
    """Whether asking the model takes no memory of this machine."""
    return "server" in model.identity


def doubts(checkpoint: Checkpoint, judge: str) -> Iterator[str]:
    """What the series gives reason to doubt when that judge judges the checkpoint."""
    if takes_part(SELF, judge) or takes_part(checkpoint.model, judge):
        yield "it judged itself"
    labeller = checkpoint.trained_by_judge
    if labeller is not None and takes_part(labeller, judge):
        yield f"{labeller} also labelled its training data"
    if checkpoint.best_of is not None and takes_part(checkpoint.best_of.judge, judge):
        yield f"{checkpoint.best_of.judge} also picked the best of its samples"
    if checkpoint.model.startswith("http") and checkpoint.weights is None:
        yield (
            "its server does not tell its weights, so answers are kept by name and address; "
            "for a checkpoint, give its folder as 'weights' in a series file"
        )


def judge_name(benchmark: Benchmark, *asked: str | None) -> str:
    """The first judge that was asked for, else the official one; a matcher always decides itself.

    Args:
        benchmark: What is judged.
        asked: Names, None where nobody is named.
    """
    official = benchmark.card.judge
    return official if official == EXACT else next(filter(None, asked), official)


def bill(spends: Sequence[Spend]) -> list[Table]:
    """What the run has bought so far, if anything."""
    rows = [
        [
            f"{spend.provider}:{spend.model}",
            str(spend.answered),
            str(spend.possibly_paid),
            str(spend.prompt_tokens),
            str(spend.completion_tokens),
            "?" if spend.usd is None else f"{spend.usd:.2f}",
        ]
        for spend in spends
        if spend.usd != 0 or spend.possibly_paid
    ]
    columns = ["model", "answered", "possibly paid", "tokens read", "tokens written", "USD"]
    return [Table("Paid for this series", columns, rows)] if rows else []
