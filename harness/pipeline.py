"""The whole line, from prompts to scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, NamedTuple

from harness.errors import AlignmentError, ConversesError, DataError, ModelError, SpecError
from harness.judging import reported
from harness.names import public
from harness.pairing import against, both_ways
from harness.types import (
    Assets,
    Benchmark,
    Card,
    Choosy,
    Explaining,
    Generation,
    Item,
    Judge,
    Model,
    Prompt,
    Score,
    Verdict,
    innermost,
)


@dataclass(frozen=True, slots=True)
class Result:
    """What one model scored on one benchmark under one judge, with what decided it."""

    card: Card
    model: str
    judge: str
    identity: Mapping[str, str]
    """Results are comparable when these agree in all but the entries that begin with "model"."""
    scores: Sequence[Score]
    items: Sequence[Item]
    """One for each prompt, or each turn that is judged, in order."""
    verdicts: Sequence[Verdict] = ()
    """What the items were made of; none when only their values were published."""


class Answers(NamedTuple):
    """A model's answers to a benchmark's prompts, when the model itself is no longer needed."""

    model: str
    identity: Mapping[str, str]
    """Of the model."""
    generations: Sequence[Generation]


def evaluate(benchmark: Benchmark, model: Model, judge: Judge, assets: Assets) -> Result:
    """Runs one model through one benchmark.

    Raises:
        AlignmentError: A stage returned other records than it was given.
        HarnessError: Data are missing or a backend cannot answer.
    """
    return grade(benchmark, answer(benchmark, model, assets), judge, assets)


def answer(benchmark: Benchmark, model: Model, assets: Assets) -> Answers:
    """The first half: a model's answers to the prompts, one for each, in order.

    Raises:
        ModelError: There is not a single answer.
    """
    prompts = load(benchmark, assets)
    examine(model, prompts)
    generations = model.generate(prompts)
    _one_to_one(model.name, prompts, [generation.prompt for generation in generations])
    if all(generation.failure is not None for generation in generations):
        raise ModelError(
            f"expected answers from '{model.name}', it refused all {len(prompts)} prompts (first: "
            f"{generations[0].failure}); if they do not fit, lower --max-tokens"
        )
    return Answers(model.name, {**model.identity, **_explained(model, prompts)}, generations)


def grade(benchmark: Benchmark, answers: Answers, judge: Judge, assets: Assets) -> Result:
    """The second half: what a judge says of the answers, and what that adds up to."""
    comparisons = benchmark.compare(answers.generations, assets)
    verdicts = judge(comparisons)
    _one_to_one(judge.name, comparisons, [verdict.comparison for verdict in verdicts])
    scores = [withhold(benchmark.card, score) for score in benchmark.aggregate(verdicts, assets)]
    scores += reported(judge, verdicts)
    items = benchmark.items(verdicts)
    identity = benchmark_identity(benchmark, assets) | identify(answers, judge)
    return Result(benchmark.card, answers.model, judge.name, identity, scores, items, verdicts)


def load(benchmark: Benchmark, assets: Assets) -> list[Prompt]:
    """The benchmark's prompts, checked.

    Raises:
        DataError: There are none, or two share an id.
    """
    prompts = benchmark.load(assets)
    ids = {prompt.id for prompt in prompts}
    if not ids or len(ids) < len(prompts):
        raise DataError(
            f"expected prompts with unique ids from {benchmark.card.label}, came {len(prompts)} "
            f"with {len(ids)} different ids; check its data files"
        )
    return prompts


def examine(model: Model, prompts: Sequence[Prompt]) -> None:
    """Sees that a model can answer such prompts, before anything is paid for.

    Raises:
        ModelError: It cannot.
    """
    inner = innermost(model)
    if isinstance(inner, Choosy):
        inner.examine(prompts)
    elif any(prompt.raw or prompt.choices for prompt in prompts):
        raise ConversesError(public(model.name))


def _explained(model: Model, prompts: Sequence[Prompt]) -> Mapping[str, str]:
    inner = innermost(model)
    return inner.explain(prompts) if isinstance(inner, Explaining) else {}


def limited(benchmark: Benchmark, limit: int | None) -> Benchmark:
    """The benchmark with so many of its prompts, spread evenly over all of them; None is all."""

    def some(assets: Assets) -> list[Prompt]:
        prompts = benchmark.load(assets)
        kept = min(limit or len(prompts), len(prompts))
        return [prompts[i * len(prompts) // kept] for i in range(kept)]

    return replace(benchmark, load=some)


def sampled(benchmark: Benchmark, n: int, seed: int = 0) -> Benchmark:
    """The benchmark with so many of its prompts, drawn at random; with all if there are fewer."""

    def some(assets: Assets) -> list[Prompt]:
        prompts = benchmark.load(assets)
        places = Random(seed).sample(range(len(prompts)), min(n, len(prompts)))
        return [prompts[place] for place in sorted(places)]

    return replace(benchmark, load=some)


def decoded(benchmark: Benchmark, changes: Mapping[str, Any]) -> Benchmark:
    """The benchmark with its prompts' decoding changed, where the protocol leaves it free.

    It does not for texts that are given as they are, and where nothing is written.
    """

    def changed(assets: Assets) -> list[Prompt]:
        prompts = benchmark.load(assets)
        return [
            p if p.raw or p.choices else replace(p, decoding=replace(p.decoding, **changes))
            for p in prompts
        ]

    return replace(benchmark, load=changed)


def resampled(benchmark: Benchmark, sample: int) -> Benchmark:
    """The benchmark with a further sample of each answer, wherever an answer is drawn by chance.

    Args:
        benchmark: Whose prompts they are.
        sample: How many samples of each prompt are passed over; 0 is the benchmark as it is.
    """

    def again(prompt: Prompt) -> Prompt:
        decoding = replace(prompt.decoding, sample=prompt.decoding.sample + sample)
        return replace(prompt, decoding=decoding) if is_drawn(prompt) else prompt

    def drawn(assets: Assets) -> list[Prompt]:
        return [again(prompt) for prompt in benchmark.load(assets)]

    return replace(benchmark, load=drawn) if sample else benchmark


def is_drawn(prompt: Prompt) -> bool:
    """Whether its answer may be another with another seed."""
    return prompt.decoding.temperature > 0 and not prompt.choices


def opposed(benchmark: Benchmark, baseline: Answers) -> Benchmark:
    """The benchmark with a model's answers in the place of its published baseline's.

    Its title and identity say so: what it scores is not comparable with published scores.

    Raises:
        SpecError: The published protocol rates answers alone, against no baseline.
    """
    if benchmark.duel is not None:
        raise SpecError(
            f"expected a benchmark whose answers meet a baseline's, came {benchmark.card.label}, "
            f"which rates each alone; leave --baseline out, or compare the two head to head"
        )
    rival = {f"baseline {key}": value for key, value in baseline.identity.items()}

    def identify(assets: Assets) -> dict[str, str]:
        return {**benchmark.identify(assets), "baseline": baseline.model, **rival}

    card = replace(benchmark.card, title=f"{benchmark.card.title} against {public(baseline.model)}")
    pair = both_ways if benchmark.both_orders else against
    compare = pair(lambda _: baseline.generations, benchmark.turns)
    return replace(benchmark, card=card, compare=compare, identify=identify)


def withhold(card: Card, score: Score) -> Score:
    """The score, without its value when too few verdicts could be used."""
    if score.coverage >= card.min_coverage:
        return score
    return replace(score, value=None, interval=None, standard_error=None)


def benchmark_identity(benchmark: Benchmark, assets: Assets) -> dict[str, str]:
    """What of the benchmark decides a score: its version and its data."""
    return {"benchmark": benchmark.card.label, **benchmark.identify(assets)}


def identify(answers: Answers, judge: Judge) -> dict[str, str]:
    """What decides a score beside the benchmark: prompts, decoding, judge, rubric, weights."""
    decodings = {str(generation.prompt.decoding) for generation in answers.generations}
    return {
        "prompts": str(len(answers.generations)),
        "judge": judge.name,
        **{f"judge {key}": value for key, value in judge.identity.items()},
        "model decoding": ", ".join(sorted(decodings)),
        **{f"model {key}": value for key, value in answers.identity.items()},
    }


def _one_to_one(name: str, given: Sequence[object], returned: Sequence[object]) -> None:
    if list(given) != list(returned):
        raise AlignmentError(
            f"expected '{name}' to return its {len(given)} records one to one, in order; "
            f"{len(returned)} came back that do not match; nothing was scored"
        )
