"""What hosted models cost: list prices as they were published, and those that the user states.

The file that ITERBENCH_PRICES names holds the user's own, which come first, by the models' names::

    prices:                       # USD per million tokens
      "http://localhost:8000/v1#judge": {prompt: 0.2, completion: 0.6}
      "openai:gpt-4.1": {prompt: 1.6, completion: 6.4, cached: 0.4}

What is read from a cache costs as much as what is not, where nothing is said of it.
"""

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from harness.yaml_file import read_yaml

VARIABLE = "ITERBENCH_PRICES"
"""Names the file of the user's own prices."""


class Price(NamedTuple):
    """The list price of a hosted model, each call asked for by itself."""

    prompt: float
    """USD per million tokens read."""
    completion: float
    """USD per million tokens written."""
    as_of: date
    """The price was seen to hold on this day; look again before a large run."""
    retires: date | None = None
    """The provider's announced last day; None where none was known."""
    cached: float | None = None
    """USD per million tokens read from the provider's cache of prompts; None where none is known,
    which is so for models that have no such cache too."""


class Discount(NamedTuple):
    """What a provider asks for a batch."""

    share: float
    """Of the list price, for whatever is read or written."""
    as_of: date
    """It was seen to hold on this day."""


_SEEN_2025 = date(2025, 8, 31)
_SEEN_2026 = date(2026, 3, 21)
_SEEN_MAY = date(2026, 5, 4)
_SEEN_OCTOBER = date(2026, 10, 16)
_SEEN_JUNE = date(2026, 6, 4)
_LEGACY_GPT_ENDS = date(2026, 10, 23)

PRICES: dict[str, dict[str, Price]] = {
    "openai": {
        "gpt-3.5-turbo": Price(0.5, 1.5, _SEEN_2025, _LEGACY_GPT_ENDS),
        "gpt-3.5-turbo-0125": Price(0.5, 1.5, _SEEN_2025, _LEGACY_GPT_ENDS),
        "gpt-4": Price(30, 60, _SEEN_2025, _LEGACY_GPT_ENDS),
        "gpt-4-0314": Price(30, 60, _SEEN_2025),
        "gpt-4-0613": Price(30, 60, _SEEN_2025, _LEGACY_GPT_ENDS),
        "gpt-4-1106-preview": Price(10, 30, _SEEN_2025, _LEGACY_GPT_ENDS),
        "gpt-4-0125-preview": Price(10, 30, _SEEN_2025),
        "gpt-4-turbo": Price(10, 30, _SEEN_2025, _LEGACY_GPT_ENDS),
        "gpt-4-turbo-2024-04-09": Price(10, 30, _SEEN_2025, _LEGACY_GPT_ENDS),
        "gpt-4o": Price(2.5, 10, _SEEN_2025, cached=1.25),
        "gpt-4o-2024-05-13": Price(5, 15, _SEEN_2025, _LEGACY_GPT_ENDS),
        "gpt-4o-2024-08-06": Price(2.5, 10, _SEEN_2025, cached=1.25),
        "gpt-4o-2024-11-20": Price(2.5, 10, _SEEN_2025, cached=1.25),
        "gpt-4o-mini": Price(0.15, 0.6, _SEEN_2025, cached=0.075),
        "gpt-4o-mini-2024-07-18": Price(0.15, 0.6, _SEEN_2025, cached=0.075),
        "gpt-4.1": Price(2, 8, _SEEN_2025, cached=0.5),
        "gpt-4.1-2025-04-14": Price(2, 8, _SEEN_2025, cached=0.5),
        "gpt-4.1-mini": Price(0.4, 1.6, _SEEN_2025, cached=0.1),
        "gpt-4.1-mini-2025-04-14": Price(0.4, 1.6, _SEEN_2025, cached=0.1),
        "gpt-4.1-nano": Price(0.1, 0.4, _SEEN_2025, _LEGACY_GPT_ENDS, cached=0.025),
        "gpt-4.1-nano-2025-04-14": Price(0.1, 0.4, _SEEN_2025, _LEGACY_GPT_ENDS, cached=0.025),
        "gpt-5": Price(1.25, 10, _SEEN_2025, cached=0.125),
        "gpt-5-mini": Price(0.25, 2, _SEEN_2025, cached=0.025),
        "gpt-5-nano": Price(0.05, 0.4, _SEEN_2025, cached=0.005),
        "gpt-5.4": Price(2.5, 15, _SEEN_MAY, cached=0.25),
        "gpt-5.4-mini": Price(0.75, 4.5, _SEEN_MAY, cached=0.075),
        "gpt-5.4-nano": Price(0.2, 1.25, _SEEN_MAY, cached=0.02),
        "gpt-5.5": Price(5, 30, _SEEN_MAY, cached=0.5),
    },
    "anthropic": {
        "claude-3-haiku-20240307": Price(0.25, 1.25, _SEEN_2025, cached=0.03),
        "claude-3-opus-20240229": Price(15, 75, _SEEN_2025, date(2026, 1, 5), cached=1.5),
        "claude-3-5-haiku-20241022": Price(0.8, 4, _SEEN_2025, date(2026, 2, 19), cached=0.08),
        "claude-3-7-sonnet-20250219": Price(3, 15, _SEEN_2025, date(2026, 2, 19), cached=0.3),
        "claude-opus-4-20250514": Price(15, 75, _SEEN_2025, date(2026, 6, 15), cached=1.5),
        "claude-sonnet-4-20250514": Price(3, 15, _SEEN_2025, date(2026, 6, 15), cached=0.3),
        "claude-opus-4-1-20250805": Price(15, 75, _SEEN_2025, cached=1.5),
        "claude-haiku-4-5": Price(1, 5, _SEEN_2026, cached=0.1),
        "claude-haiku-4-5-20251001": Price(1, 5, _SEEN_2026, cached=0.1),
        "claude-sonnet-4-5": Price(3, 15, _SEEN_2026, date(2026, 11, 30), cached=0.3),
        "claude-sonnet-4-5-20250929": Price(3, 15, _SEEN_2026, date(2026, 11, 30), cached=0.3),
        "claude-sonnet-4-6": Price(3, 15, _SEEN_2026, cached=0.3),
        "claude-opus-4-5": Price(5, 25, _SEEN_2026, cached=0.5),
        "claude-opus-4-5-20251101": Price(5, 25, _SEEN_2026, cached=0.5),
        "claude-opus-4-6": Price(5, 25, _SEEN_2026, cached=0.5),
        "claude-opus-5": Price(5, 25, _SEEN_OCTOBER),
        "claude-opus-5-5": Price(4, 20, _SEEN_OCTOBER),
        "claude-sonnet-5-5": Price(2, 10, _SEEN_OCTOBER),
    },
}
"""By provider and model. Names are matched whole: a snapshot may cost other than its alias."""


BATCHES: dict[str, Discount] = {
    "openai": Discount(0.5, _SEEN_JUNE),
    "anthropic": Discount(0.5, _SEEN_JUNE),
}
"""By provider; the others sell no batches."""


class Seller(NamedTuple):
    """Who is paid, and for which model."""

    provider: str
    """The word before the colon, or the server's address."""
    model: str


def seller(name: str) -> Seller:
    """Who is paid for the answers of the model that the user calls `name`."""
    server, _, served = name.partition("#")
    if "://" in server:
        return Seller(server, served)
    provider, _, model = name.partition(":")
    return Seller(provider, model)


class _PriceSpec(BaseModel):
    """A price that the user states, in USD per million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0)


class _PriceList(BaseModel):
    """The file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    prices: dict[str, _PriceSpec]


def listed(name: str) -> Price | None:
    """The price of the model that the user calls `name`, stated or published; None if neither.

    Raises:
        SpecError: The user's file is not of the form above.
    """
    file = os.environ.get(VARIABLE)
    stated = _stated(Path(file).absolute()) if file else {}
    return stated.get(name) or _published(name)


def retires(name: str) -> date | None:
    """The announced last day of the model that the user calls `name`; None where none is known."""
    known = _published(name)
    return known.retires if known else None


def _published(name: str) -> Price | None:
    sold = seller(name)
    return PRICES.get(sold.provider, {}).get(sold.model)


@cache
def _stated(file: Path) -> Mapping[str, Price]:
    today = datetime.now(UTC).date()
    told = read_yaml(file).read_as(_PriceList, f"`prices` has a line for each model ({VARIABLE})")
    return {
        name: Price(
            one.prompt,
            one.completion,
            today,
            cached=one.prompt if one.cached is None else one.cached,
        )
        for name, one in told.prices.items()
    }
