"""The batch APIs of providers, a file for each that has one."""

import pkgutil
from collections.abc import Callable
from functools import partial
from importlib import import_module

from harness.batching import Docket
from harness.models.serving.batch import Batched
from harness.types import Model


def providers() -> list[str]:
    """Providers that sell batches, as the first word of a model's name."""
    return sorted(file.name for file in pkgutil.iter_modules(__path__))


def sells_batches(name: str) -> bool:
    """Whether the model that the user calls `name` can be asked by batch."""
    return name.partition(":")[0] in providers()


def batched(model: Model, docket: Docket, tell: Callable[[str], None]) -> Batched:
    """The model of one of the providers, asked by batch.

    Args:
        model: The same model, asked directly.
        docket: Where its batches are written down.
        tell: Is told a line whenever a batch has come further.
    """
    provider = model.name.partition(":")[0]
    office = import_module(f"{__name__}.{provider}").office
    return Batched(model, partial(office, model.name), docket, tell)
