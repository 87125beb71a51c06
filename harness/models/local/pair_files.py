"""Where a pair ranker's weights, settings and tokenizer are, in either published layout.

`llm-blender/PairRM-hf` holds all three. `llm-blender/PairRM` holds weights and the settings of the
program that trained them, which name the encoder whose settings and tokenizer are meant.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import DataError, ModelError
from harness.models.local.pair_encoding import PUBLISHED, Budgets
from harness.models.local.weights import check, fingerprint, read_object, weight_files


@dataclass(frozen=True, slots=True)
class PairFiles:
    """The files of a pair ranker, checked and not yet loaded."""

    weights: Path
    """The folder of its weights."""
    settings: Path
    """The folder of the encoder's config.json and tokenizer: the same one, or another."""
    budgets: Budgets

    @property
    def whole(self) -> bool:
        """Whether everything is in one folder."""
        return self.weights == self.settings

    def fingerprint(self) -> str:
        """SHA-256, in hex, of whatever decides what the pair ranker says."""
        held = fingerprint(self.weights)
        if self.whole:
            return held
        borrowed = fingerprint(self.settings, weights=False)
        return hashlib.sha256(f"{held} {borrowed}".encode()).hexdigest()


def named_encoder(folder: Path) -> str | None:
    """The encoder that a folder's settings name; None when its settings are the encoder's own.

    Raises:
        DataError: There are no settings, or they name none.
    """
    settings = _settings(folder)
    if "ranker_type" not in settings:
        return None
    name = settings.get("model_name")
    if not isinstance(name, str) or not name:
        raise DataError(
            f"{folder / 'config.json'} names no encoder: expected model_name to be such as "
            f"'microsoft/deberta-v3-large', came {name!r}; download it again"
        )
    return name


def pair_files(folder: Path, encoder: Path | None = None) -> PairFiles:
    """A pair ranker's files.

    Args:
        folder: Where its weights are.
        encoder: Where the settings and tokenizer of its encoder are, if not there too.

    Raises:
        DataError: A file is absent, cut short or not of its format.
        ModelError: The encoder is no DeBERTa of the second or third version.
    """
    if encoder is None:
        check(folder)
    weight_files(folder)
    settings = encoder or folder
    check_encoder(settings)
    return PairFiles(folder, settings, _budgets(folder / "config.json", _settings(folder)))


def check_encoder(folder: Path) -> None:
    """See that a folder's settings are those of a DeBERTa of the second or third version.

    Raises:
        DataError: There are no settings.
        ModelError: They are of something else.
    """
    kind = _settings(folder).get("model_type")
    if kind != "deberta-v2":
        raise ModelError(
            f"expected an encoder of the type 'deberta-v2' in {folder}, came {kind!r}; name "
            f"another, such as llm-blender/PairRM or microsoft/deberta-v3-large"
        )


def _budgets(file: Path, settings: Mapping[str, Any]) -> Budgets:
    source = settings.get("source_maxlength", PUBLISHED.source)
    candidate = settings.get("candidate_maxlength", PUBLISHED.candidate)
    if not all(isinstance(value, int) and value > 3 for value in (source, candidate)):
        raise DataError(
            f"{file}: expected source_maxlength and candidate_maxlength to be whole numbers above "
            f"3, came {source!r} and {candidate!r}; download or save it again"
        )
    return Budgets(source, candidate)


def _settings(folder: Path) -> dict[str, Any]:
    file = folder / "config.json"
    if not file.is_file():
        raise DataError(f"{folder} is no pair ranker: it has no config.json")
    return read_object(file)
