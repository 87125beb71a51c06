"""How models of a run are opened: by name, or from what a bundle says that they answered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from harness.errors import DataError, ModelError
from harness.store import Store
from harness.store.encoding import address, encode_identity, encode_request, encode_responses
from harness.types import UNWATCHED, Generation, Model, Prompt, Response, Watch, close

Opener = Callable[[], Model]


class Opened(NamedTuple):
    """Who a model was."""

    name: str
    identity: Mapping[str, str]

    def data(self) -> dict[str, Any]:
        """As it is written."""
        return {"name": self.name, "identity": dict(self.identity)}


@dataclass(frozen=True)
class Doors:
    """Opens each model by its name, and remembers who it was."""

    opened: dict[str, Opened] = field(default_factory=dict)
    """By what it was opened for."""

    @property
    def complete(self) -> bool:
        """Whether models opened here hold all their answers, and are asked nothing."""
        return False

    def open(self, key: str, opener: Opener) -> Model:
        """The model that is opened for something.

        Args:
            key: What it is opened for: a checkpoint on a benchmark, a judge by a rubric.
            opener: Opens it by its name.
        """
        model = opener()
        self.opened[key] = Opened(model.name, dict(model.identity))
        return model


Failures = Mapping[str, str]
"""Why there is no answer, by address."""


@dataclass(frozen=True)
class Standing:
    """In the place of a model that is not here: it gives the answers that are stored."""

    name: str
    identity: Mapping[str, str]
    store: Store
    failures: Failures

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        """The stored answers.

        Raises:
            ModelError: One is not stored.
        """
        identity = encode_identity(self.identity)
        addresses = [address(identity, encode_request(prompt)) for prompt in prompts]
        stored = self.store.answers(addresses)
        absent = [at for at in addresses if at not in stored and at not in self.failures]
        if absent:
            raise ModelError(
                f"expected the stored answers of '{self.name}', {len(absent)} of {len(prompts)} "
                f"are not there and nobody is asked; run the same `score` to its end first"
            )
        generations = [
            Generation(prompt, self.name, stored.get(at, ()), self._failure(at, stored))
            for prompt, at in zip(prompts, addresses, strict=True)
        ]
        watch.finished(generations)
        return generations

    def _failure(self, at: str, stored: Mapping[str, object]) -> str | None:
        return None if at in stored else self.failures[at]


@dataclass(frozen=True)
class Recollection(Doors):
    """Opens nobody: every model is who it was, and gives what is stored."""

    recorded: Mapping[str, Opened] = field(default_factory=dict)
    store: Store = field(kw_only=True)
    failures: Failures = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """As everything that is opened here."""
        return True

    def open(self, key: str, opener: Opener) -> Model:  # noqa: ARG002 - nobody is opened
        """The model as it was recorded.

        Raises:
            DataError: The run never opened it.
        """
        return self.stand(key)

    def stand(self, key: str) -> Standing:
        """What stands for the model."""
        if key not in self.recorded:
            raise DataError(
                f"expected the run to say who was opened for '{key}', it does not; was it scored "
                f"by another version, or with other options?"
            )
        name, identity = self.recorded[key]
        return Standing(name, identity, self.store, self.failures)


class Row(NamedTuple):
    """An answer as the store keeps it."""

    identity: bytes
    request: bytes
    responses: bytes


@dataclass(frozen=True)
class Packing(Recollection):
    """As a recollection, but recordings are read again, and all that is used is kept."""

    rows: dict[str, Row] = field(default_factory=dict)
    """By address."""
    lost: dict[str, str] = field(default_factory=dict)
    """Why there is no answer, by address."""

    def open(self, key: str, opener: Opener) -> Model:
        """The model as it was recorded, under watch.

        Raises:
            DataError: A recording is not the one that the run read.
        """
        standing = self.stand(key)
        if "recording" not in standing.identity:
            return _Copying(standing, self.rows, self.lost)
        model = opener()
        if dict(model.identity) != dict(standing.identity):
            raise DataError(
                f"expected the recording '{model.name}' as the run read it, its content has "
                f"changed; run `score` again"
            )
        return _Copying(model, self.rows, self.lost)


@dataclass(frozen=True)
class _Copying:
    """A model whose answers are kept as they are given."""

    model: Model
    rows: dict[str, Row]
    lost: dict[str, str]

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def identity(self) -> Mapping[str, str]:
        return self.model.identity

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        generations = self.model.generate(prompts, watch)
        identity = encode_identity(self.identity)
        for one in generations:
            self._keep(identity, one.prompt, one.responses, one.failure)
        return generations

    def close(self) -> None:
        close(self.model)

    def _keep(
        self, identity: bytes, asked: Prompt, said: tuple[Response, ...], failure: str | None
    ) -> None:
        request = encode_request(asked)
        at = address(identity, request)
        if failure is None:
            self.rows[at] = Row(identity, request, encode_responses(said))
        else:
            self.lost[at] = failure
