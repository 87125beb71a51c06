"""What a model will have answered: what is stored, and a stand-in for what is not."""

from collections.abc import Sequence
from dataclasses import replace

from harness.pipeline import load
from harness.types import Assets, Benchmark, Generation, Keeping, Model, Prompt, Response


def unanswered(model: Model, prompts: Sequence[Prompt]) -> list[Prompt]:
    """The prompts whose answers are not at hand."""
    return model.missing(prompts) if isinstance(model, Keeping) else []


def asking_as(some: Sequence[Prompt], prompts: Sequence[Prompt]) -> list[Prompt]:
    """Those of the prompts that ask what one of a few asks, whatever they are called.

    One unanswered prompt stands for all that ask the same, and none of them may be asked for now.
    """
    requests = {replace(prompt, id="") for prompt in some}
    return [prompt for prompt in prompts if replace(prompt, id="") in requests]


def foresee(benchmark: Benchmark, model: Model, assets: Assets, place: int = 1) -> list[Generation]:
    """An answer to each prompt, nobody asked: an open one is as long as the baseline's.

    Args:
        benchmark: Whose prompts and baseline they are.
        model: Who will answer.
        assets: Where the benchmark's files are.
        place: From 1. Models in different places are foreseen to answer differently, and none as
            the baseline does, so that a judge will have to decide.
    """
    prompts = load(benchmark, assets)
    unasked = {prompt.id for prompt in asking_as(unanswered(model, prompts), prompts)}
    stored = iter(model.generate([prompt for prompt in prompts if prompt.id not in unasked]))
    blank = [Generation(p, model.name, (Response(" " * place),) * len(p.turns)) for p in prompts]
    # The first comparison of a prompt has the baseline's answer in its place, whatever follows.
    pairs = reversed(benchmark.compare(blank, assets))
    longer = {pair.candidate.prompt.id: pair.baseline for pair in pairs}
    return [
        _lengthened(one, longer.get(one.prompt.id)) if one.prompt.id in unasked else next(stored)
        for one in blank
    ]


def _lengthened(blank: Generation, baseline: Generation | None) -> Generation:
    theirs = [response.text for response in baseline.responses] if baseline else []
    # A baseline that refused the prompt has no responses at all.
    longer = theirs or [""] * len(blank.responses)
    pairs = zip(longer, blank.responses, strict=True)
    return replace(blank, responses=tuple(Response(their + our.text) for their, our in pairs))
