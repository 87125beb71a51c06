"""Fixtures around tiny checkpoints.

A test module asks for them with `pytest_plugins = ["tests.tiny.fixtures"]`, and keeps its digests
out of the user's cache with `pytestmark = pytest.mark.usefixtures("own_cache")`.
"""

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from harness.models.hf import HuggingFace, build
from harness.types import ModelOptions
from tests.tiny.checkpoint import make_checkpoint


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A checkpoint with a chat template; not to be changed."""
    import torch

    # Tiny networks are slower, and their rounding less repeatable, on several threads.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield make_checkpoint(tmp_path_factory.mktemp("tiny") / "checkpoint")
    torch.set_num_threads(threads)


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    """The same checkpoint, to be changed or damaged."""
    return copytree(checkpoint, tmp_path / "copy")


@pytest.fixture
def model(checkpoint: Path) -> HuggingFace:
    """The checkpoint as a model that takes four rows at once."""
    return build(f"hf:{checkpoint}", ModelOptions(batch_size=4))
