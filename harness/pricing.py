"""What answers cost, and an estimate of their tokens before anything is paid."""

import re
from collections.abc import Iterable, Sequence

from harness.price_list import BATCHES, listed, seller
from harness.types import Prompt, Response, Usage

LOCAL = frozenset({"hf", "pairrm", "replay", "scripted", "vllm"})
"""Providers that send no bill."""


def price(name: str, usage: Usage) -> float | None:
    """USD for an answer of the model that the user calls `name`.

    0.0 for a model that runs on the user's own machine, unless they state a price; None where none
    is known.
    """
    known, provider = listed(name), seller(name).provider
    if known is None:
        return 0.0 if provider in LOCAL else None
    if usage.cached_tokens and known.cached is None:
        return None
    read = (usage.prompt_tokens - usage.cached_tokens) * known.prompt
    cached = usage.cached_tokens * (known.cached or 0.0)
    dollars = read + cached + usage.completion_tokens * known.completion
    return dollars / 1e6 * (BATCHES[provider].share if usage.batched else 1.0)


def paid(name: str, responses: Iterable[Response]) -> float | None:
    """USD for these answers of the model that the user calls `name`; None as from `price`."""
    prices = [price(name, response.usage) for response in responses]
    return None if None in prices else sum(filter(None, prices))


def total(responses: Iterable[Response]) -> Usage:
    """The tokens of all these answers."""
    usages = [response.usage for response in responses]
    return Usage(
        sum(usage.prompt_tokens for usage in usages),
        sum(usage.completion_tokens for usage in usages),
        sum(usage.cached_tokens for usage in usages),
        batched=any(usage.batched for usage in usages),
    )


def most(name: str, prompts: Sequence[Prompt], *, batched: bool = False) -> float | None:
    """USD that asking these prompts can cost: reading as estimated, writing at its longest.

    Args:
        name: What the user calls the model.
        prompts: Each is asked once.
        batched: Whether they are bought by batch, if their provider sells any.
    """
    batched &= seller(name).provider in BATCHES
    prices = [price(name, longest(prompt)._replace(batched=batched)) for prompt in prompts]
    return None if None in prices else sum(filter(None, prices))


def either(name: str, prompt: Prompt) -> tuple[float | None, float | None]:
    """USD that asking the prompt can cost, directly and by batch."""
    if not price(name, Usage(1, 1)):
        unit = price(name, Usage())  # nothing to count: it costs nothing, or nobody knows what
        return unit, unit
    usage = longest(prompt)
    batched = seller(name).provider in BATCHES
    return price(name, usage), price(name, usage._replace(batched=batched))


def longest(prompt: Prompt) -> Usage:
    """What a prompt makes a model read and write if every answer is as long as it may be.

    Each turn is read with all that was said before it. Tokens are estimated.
    """
    said, read = estimate_tokens(prompt.system or ""), 0
    for turn in prompt.turns:
        said += estimate_tokens(turn)
        read += said
        said += prompt.decoding.max_tokens
    return Usage(read, prompt.decoding.max_tokens * len(prompt.turns))


# A short word, up to three digits, a run of ASCII punctuation or of line ends is about one token
# of the byte-pair vocabularies in use, and so is a character of any other script.
_PIECE = re.compile(r"[A-Za-z]{1,12}|[0-9]{1,3}|\n+|[!-/:-@\[-`{-~]+|[^\x00-\x7F]")


def estimate_tokens(text: str) -> int:
    """About how many tokens a model reads in `text`: an estimate, for a quote before paying.

    Against what GPT-4 Turbo counted in 4,814 judge prompts of AlpacaEval 2.0, the sum is 1.6 %
    too low, the mean absolute error of one prompt is 2.5 %, nine in ten lie between -7.1 % and
    +2.6 %, and the extremes (one emoji or backslash hundreds of times) are -44 % and +14 %. Bytes
    divided by their best constant, 4.75, have a mean absolute error of 6.3 %; divided by the
    customary 4 they are 18.8 % too high in sum.
    """
    return len(_PIECE.findall(text))
