"""`every_eval_ever/*.json`: a record for each checkpoint in the schema of Every Eval Ever.

Who evaluates, and whose weights these are, is not known here: both are "unknown" for the user to
fill in. Scores that are withheld are left out.

Source: https://github.com/evaleval/every_eval_ever at 805ef1eb4859207dddf3ea0933644dfc8586b11d,
every_eval_ever/schemas/eval.schema.json, version 0.3.0.
"""

from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import time
from typing import Any

from harness.report.naming import file_names
from harness.report.save import write_json
from harness.report.scores import metric_title
from harness.report.story import Entry, Step, Story, Track
from harness.types import Score

VERSION = "0.3.0"
"""Of the schema."""

_UNKNOWN = {"deployment_type": "unknown", "model_availability": "unknown"}
_UNITS: Mapping[str, str] = {"fraction": "proportion", "rating": "points"}
_ENDS: Mapping[str, tuple[Any, Any]] = {
    "fraction": (0.0, 1.0),
    "correlation": (-1.0, 1.0),
    "characters": (0.0, "Infinity"),
}
"""Least and largest value by unit; of ratings they are the judge's own affair."""


def write(story: Story, folder: Path, at: float | None = None) -> list[Path]:
    """Writes a file for each checkpoint that has a score.

    Args:
        story: What is told.
        folder: Where the folder `every_eval_ever` is made.
        at: When the records were made, in seconds since 1970; None is now.

    Raises:
        DataError: A file cannot be written.
    """
    stamp = str(time() if at is None else at)
    written = []
    for step, name in zip(story.steps, file_names(s.name for s in story.steps), strict=True):
        record = _record(story, step, stamp)
        if record["evaluation_results"]:
            path = folder / "every_eval_ever" / f"{name}.json"
            write_json(path, record)
            written.append(path)
    return written


def _record(story: Story, step: Step, stamp: str) -> dict[str, Any]:
    return {
        "schema_version": VERSION,
        "evaluation_id": f"{story.name}/{step.name}/{stamp}",
        "retrieved_timestamp": stamp,
        "source_metadata": {
            "source_name": story.name,
            "source_type": "evaluation_run",
            "source_organization_name": "unknown",
            "evaluator_relationship": "other",
        },
        "eval_library": {"name": "iterbench", "version": _version()},
        "model_info": _model(step.name, dict(_origin(step))),
        "evaluation_results": [
            _result(story.tracks[entry.track], entry, score)
            for entry in story.entries
            for score in entry.scores
            if entry.step == step.name and score.value is not None
        ],
    }


def _version() -> str:
    try:
        return version("iterbench")
    except PackageNotFoundError:  # run from a checkout
        return "unknown"


def _model(name: str, details: Mapping[str, str]) -> dict[str, Any]:
    return {"name": name, "id": name, "additional_details": {**_UNKNOWN, **details}}


def _origin(step: Step) -> Iterator[tuple[str, str]]:
    for key, value in step._asdict().items():
        if key != "name" and value is not None:
            yield key, str(value)


def _result(track: Track, entry: Entry, score: Score) -> dict[str, Any]:
    return {
        "evaluation_result_id": f"{track.benchmark}/{track.judge}/{score.metric}",
        "evaluation_name": track.title,
        "source_data": {
            "dataset_name": track.benchmark,
            "source_type": "other",
            "additional_details": dict(track.identity),
        },
        "metric_config": _metric(track, score),
        "score_details": {
            "score": score.value,
            "details": dict(_details(entry, score)),
            "uncertainty": dict(_uncertainty(score)),
        },
    }


def _metric(track: Track, score: Score) -> dict[str, Any]:
    least, largest = _ENDS.get(score.unit, (None, None))
    return {
        "metric_id": f"{track.benchmark.partition('@')[0]}.{score.metric}",
        "metric_name": metric_title(score.metric),
        "metric_kind": score.metric,
        "metric_unit": _UNITS.get(score.unit, score.unit),
        "lower_is_better": False,
        "score_type": "continuous",
        "min_score": least,
        "max_score": largest,
        **({} if track.judge == "exact" else {"llm_scoring": _judging(track)}),
    }


def _judging(track: Track) -> dict[str, Any]:
    """Who judges; the published template is named by its digest, for it is not ours to copy."""
    rubric = track.identity.get("judge rubric", "unknown")
    return {
        "judges": [{"model_info": _model(track.judge, {})}],
        "input_prompt": f"the published template with the digest {rubric}",
    }


def _details(entry: Entry, score: Score) -> Iterator[tuple[str, str]]:
    yield "coverage", f"{score.coverage:.4f}"
    yield "unread", str(score.n_unread)
    if remarks := [*entry.flags, *score.doubts]:
        yield "flags", "; ".join(remarks)


def _uncertainty(score: Score) -> Iterator[tuple[str, Any]]:
    if score.standard_error is not None:
        yield "standard_error", {"value": score.standard_error}
    if score.interval is not None:
        low, high = score.interval
        yield "confidence_interval", {"lower": low, "upper": high, "confidence_level": 0.95}
    yield "num_samples", score.n
