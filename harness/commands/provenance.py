"""What a run was made with: the command, versions, the series, and who its models were."""

import platform
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness.commands.doors import Opened
from harness.names import public
from harness.pipeline import Result
from harness.spec import Series
from harness.store.encoding import address, encode_identity, encode_request
from harness.types import Generation, Verdict

FORMAT = "iterbench.provenance/1"

PACKAGES = ("iterbench", "numpy", "scipy", "torch", "transformers", "vllm", "lm_eval")
"""Whose versions may move a score."""


def provenance(
    request: Mapping[str, Any],
    series: Series,
    opened: Mapping[str, Opened],
    results: Sequence[tuple[str, Result]],
) -> dict[str, Any]:
    """What tells two runs apart, and lets one be scored again; nothing of the machine.

    Args:
        request: What was asked for, as far as it decides the scores.
        series: Its checkpoints.
        opened: Its models.
        results: What came of it.
    """
    return {
        "format": FORMAT,
        "command": [public(word) for word in sys.argv[1:]],
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "request": dict(request),
        "series": series.model_dump(mode="json"),
        "series_file": _series_file(request["what"]),
        "models": {key: one.data() for key, one in opened.items()},
        "failures": dict(_failures(opened.values(), results)),
    }


def versions() -> dict[str, str]:
    """Of Python, and of the packages that are installed."""
    return {"python": platform.python_version(), **dict(_installed())}


def _installed() -> Iterator[tuple[str, str]]:
    for name in PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def _series_file(what: Sequence[str]) -> str | None:
    files = [Path(name) for name in what if name.endswith((".yaml", ".yml"))]
    return files[0].read_text(encoding="utf-8") if files else None


def _failures(
    opened: Iterable[Opened], results: Sequence[tuple[str, Result]]
) -> Iterator[tuple[str, str]]:
    """Why requests were refused, by address: the store keeps answers only."""
    identities = [(one.name, encode_identity(one.identity)) for one in opened]
    verdicts = (verdict for _, result in results for verdict in result.verdicts)
    for one in (generation for verdict in verdicts for generation in _generations(verdict)):
        if one.failure is None:
            continue
        request = encode_request(one.prompt)
        for name, identity in identities:
            if name == one.model:
                yield address(identity, request), one.failure


def _generations(verdict: Verdict) -> Iterator[Generation]:
    comparison = verdict.comparison
    yield from filter(None, (comparison.candidate, comparison.baseline, verdict.raw))
    for vote in verdict.votes:
        yield from _generations(vote)
