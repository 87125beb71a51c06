"""Recorded answers as a model: published outputs, or judgments that are already paid for."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import DataError
from harness.types import UNWATCHED, Generation, Prompt, Response, Rows, Watch

Asked = tuple[tuple[str, ...], str | None]
"""Turns and system message; recorded answers are found by these, whatever the decoding was."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Answers from a recording."""

    name: str
    answers: Mapping[Asked, tuple[Response, ...]]
    fingerprint: str
    """SHA-256 of the recording's content."""
    partial: bool = False
    """Whether prompts without a recorded answer become failures of their own."""

    @property
    def identity(self) -> Mapping[str, str]:
        """The recording's content; how it was decoded is not known."""
        return {"recording": self.fingerprint, "decoding": "as recorded"}

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        """The recorded answers.

        Raises:
            DataError: Some prompts have none, and the recording is not taken as partial.
        """
        missing = [p for p in prompts if (p.turns, p.system) not in self.answers]
        if missing and (len(missing) == len(prompts) or not self.partial):
            raise DataError(_gap(self.name, missing, prompts))
        generations = [self._answer(prompt) for prompt in prompts]
        watch.finished(generations)
        return generations

    def _answer(self, prompt: Prompt) -> Generation:
        responses = self.answers.get((prompt.turns, prompt.system), ())
        failure = None if responses else f"{self.name} has no answer to it"
        return Generation(prompt, self.name, responses, failure)


def outputs(
    name: str,
    files: Mapping[str, Rows],
    read_outputs: Callable[[Rows], Mapping[tuple[str, ...], tuple[str, ...]]],
    *,
    partial: bool = False,
) -> Replay:
    """A model that gives published outputs.

    Raises:
        DataError: There are several files, or one is not of the published form.
    """
    if len(files) != 1:
        raise DataError(f"expected one file of outputs for '{name}', came {len(files)}; name one")
    (rows,) = files.values()
    answers: dict[Asked, tuple[Response, ...]] = {
        (turns, None): tuple(Response(text) for text in texts)
        for turns, texts in read_outputs(rows).items()
    }
    return Replay(name, answers, _fingerprint(files), partial)


def judgments(
    name: str,
    files: Mapping[str, Rows],
    recorded: Callable[[Rows], Sequence[tuple[Prompt, Response]]],
    *,
    partial: bool = False,
) -> Replay:
    """A judge's model that says what was recorded for each of its prompts.

    Raises:
        DataError: A file is not of the published form.
    """
    answers = {
        (prompt.turns, prompt.system): (response,)
        for rows in files.values()
        for prompt, response in recorded(rows)
    }
    return Replay(name, answers, _fingerprint(files), partial)


def _fingerprint(files: Mapping[str, Rows]) -> str:
    # The standard library's encoder and not a faster one: it alone keeps lone surrogates.
    contents = sorted(json.dumps(rows, sort_keys=True) for rows in files.values())
    return hashlib.sha256("\n".join(contents).encode()).hexdigest()


def _gap(name: str, missing: Sequence[Prompt], prompts: Sequence[Prompt]) -> str:
    first = f"{missing[0].id}: {missing[0].turns[0][:60]!r}"
    if len(missing) == len(prompts):
        return (
            f"expected '{name}' to answer these {len(prompts)} prompts, it answers none (first "
            f"{first}); is it of another benchmark or version?"
        )
    return (
        f"expected '{name}' to answer every prompt, {len(missing)} of {len(prompts)} are missing "
        f"(first {first}); add them, or pass --partial to count them as unread"
    )
