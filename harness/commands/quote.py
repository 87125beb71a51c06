"""What it costs to ask, counted by the models' own vocabularies where those are at hand."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from harness.price_list import BATCHES, seller
from harness.pricing import longest, price
from harness.types import Counting, Model, Prompt, Usage


class Quote(NamedTuple):
    """What asking some prompts would cost, each answer at its longest."""

    tokens: int = 0
    """That would be read."""
    counted: bool = True
    """Whether every prompt was counted by its model's own vocabulary, none estimated."""
    usd: float | None = 0.0
    """None when a price is not known."""
    usd_batched: float | None = 0.0
    """The same, where providers that sell batches are asked by batch."""


def quote(model: Model, prompts: Sequence[Prompt], *, exact: bool = False) -> Quote:
    """What asking the model would cost.

    Args:
        model: It may be wrapped.
        prompts: Each is asked once.
        exact: Whether a tokenizer may be loaded to count; otherwise tokens are estimated.
    """
    counting = _counting(model) if exact else None
    counts = [counting.count_tokens(prompt) if counting else None for prompt in prompts]
    usages = [_usage(*pair) for pair in zip(prompts, counts, strict=True)]
    by_batch = seller(model.name).provider in BATCHES
    return Quote(
        sum(usage.prompt_tokens for usage in usages),
        None not in counts,
        total(price(model.name, usage) for usage in usages),
        total(price(model.name, usage._replace(batched=by_batch)) for usage in usages),
    )


def together(quotes: Sequence[Quote]) -> Quote:
    """What all of it would cost."""
    return Quote(
        sum(one.tokens for one in quotes),
        all(one.counted for one in quotes),
        total(one.usd for one in quotes),
        total(one.usd_batched for one in quotes),
    )


def total(prices: Iterable[float | None]) -> float | None:
    """The sum, which is not known when one of the prices is not."""
    known = list(prices)
    return None if None in known else sum(filter(None, known))


def _usage(prompt: Prompt, counted: int | None) -> Usage:
    usage = longest(prompt)
    return usage if counted is None else usage._replace(prompt_tokens=counted)


def _counting(model: Model | None) -> Counting | None:
    while model is not None and not isinstance(model, Counting):
        model = getattr(model, "model", None)
    return model
