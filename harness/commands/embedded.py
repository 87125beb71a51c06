"""What was asked and answered as vectors, by a model that the user has."""

from collections.abc import Iterable, Mapping

from harness.errors import DataError, SpecError
from harness.report.story import Vectors
from harness.types import ModelOptions

_SCHEME = "hf:"


def embedded(
    model: str, said: Mapping[str, Mapping[str, Mapping[tuple[str, ...], tuple[str, ...]]]]
) -> list[Vectors]:
    """Prompts and answers of each benchmark, a vector each; those of several turns are one text.

    Args:
        model: `hf:PATH_OR_ID`, an encoder or a causal language model.
        said: By benchmark and checkpoint, answers by the turns of their prompts.

    Raises:
        SpecError: The model is of another kind.
        DataError: There are no answers, or the model's files are not to be read.
        ModelError: It cannot be loaded.
    """
    if not model.startswith(_SCHEME):
        raise SpecError(f"expected hf:PATH_OR_ID with --embeddings, came '{model}'")
    if not said:
        raise DataError("expected the answers that `score` keeps beside its scores, found none")
    from harness.models import hf
    from harness.models.local.embedding import embed

    checkpoint = hf.build(model, ModelOptions()).checkpoint
    return [
        Vectors(
            title,
            model,
            embed(checkpoint, _texts(turns for one in answers.values() for turns in one)),
            {name: embed(checkpoint, _texts(one.values())) for name, one in answers.items()},
        )
        for title, answers in said.items()
    ]


def _texts(said: Iterable[tuple[str, ...]]) -> list[str]:
    """Each once, empty ones left out."""
    texts = dict.fromkeys("\n\n".join(turns) for turns in said)
    return [text for text in texts if text.strip()]
