"""Asks by batch for all checkpoints at once, so that one wait is enough for a whole run."""

from collections.abc import Callable, Iterable, Sequence

from harness.models.batches import sells_batches
from harness.types import Model, Prompt


def ask_at_once(
    questions: Iterable[tuple[Model, Sequence[Prompt]]], shown: Callable[[Model], Model]
) -> None:
    """Asks each model that sells batches everything that it will be asked, one after the other.

    The answers stay in the store; whoever asks again for one of them finds it there.

    Args:
        questions: Models that keep their answers, and what they will be asked.
        shown: What is put around a model to show its progress.
    """
    together: dict[tuple[object, ...], tuple[Model, list[Prompt]]] = {}
    for model, prompts in questions:
        if sells_batches(model.name):
            key = (model.name, *sorted(model.identity.items()))
            together.setdefault(key, (model, []))[1].extend(prompts)
    for model, prompts in together.values():
        shown(model).generate(list(dict.fromkeys(prompts)))
