"""`model_cards/*.md`: for each checkpoint the head of a model card, with its scores.

It is the YAML between two rules that the Hugging Face hub reads at the top of a README.md, with a
`model-index`. Scores that are withheld are left out.

Source: https://github.com/huggingface/hub-docs/blob/main/modelcard.md
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from harness.report.naming import file_names
from harness.report.save import write_text
from harness.report.scores import metric_title
from harness.report.story import Entry, Step, Story, Track
from harness.types import Score

_TASK = {"type": "text-generation", "name": "Text Generation"}


def write(story: Story, folder: Path) -> list[Path]:
    """Writes a file for each checkpoint that has a score.

    Raises:
        DataError: A file cannot be written.
    """
    written = []
    for step, name in zip(story.steps, file_names(s.name for s in story.steps), strict=True):
        results = [*_results(story, step)]
        if results:
            path = folder / "model_cards" / f"{name}.md"
            write_text(path, f"---\n{_yaml(step.name, results)}---\n")
            written.append(path)
    return written


def _yaml(name: str, results: list[dict[str, Any]]) -> str:
    index = {"model-index": [{"name": name, "results": results}]}
    return yaml.safe_dump(index, sort_keys=False, allow_unicode=True, width=100)


def _results(story: Story, step: Step) -> Iterator[dict[str, Any]]:
    for entry in story.entries:
        metrics = [*_metrics(entry)]
        if entry.step == step.name and metrics:
            dataset = _dataset(story.tracks[entry.track])
            yield {"task": dict(_TASK), "dataset": dataset, "metrics": metrics}


def _dataset(track: Track) -> dict[str, Any]:
    """The benchmark; the judge is part of its configuration, for it decides what is comparable."""
    name, _, version = track.benchmark.partition("@")
    return {
        "name": track.title,
        "type": name,
        "config": f"{version}, {track.judge} judging".removeprefix(", "),
        "args": dict(track.identity),
    }


def _metrics(entry: Entry) -> Iterator[dict[str, Any]]:
    for score in entry.scores:
        if score.value is not None:
            percent = score.unit == "fraction"
            yield {
                "type": score.metric,
                "value": _rounded(score.value, score),
                "name": f"{metric_title(score.metric)} (%)"
                if percent
                else metric_title(score.metric),
                "args": dict(_args(entry, score)),
            }


def _args(entry: Entry, score: Score) -> Iterator[tuple[str, Any]]:
    if score.interval is not None:
        yield "interval_95", [_rounded(end, score) for end in score.interval]
    yield "n", score.n
    yield "n_unread", score.n_unread
    if remarks := [*entry.flags, *score.doubts]:
        yield "flags", remarks


def _rounded(value: float, score: Score) -> float:
    return round(100 * value if score.unit == "fraction" else value, 2)
