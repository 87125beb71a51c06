"""`report.csv`: every score and every change, a row each, for spreadsheets."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from harness.report.save import write_text
from harness.report.story import Story
from harness.report.table import plain

NAME = "report.csv"
COLUMNS = (
    "kind",
    "checkpoint",
    "against",
    "benchmark",
    "judge",
    "metric",
    "unit",
    "value",
    "low",
    "high",
    "standard_error",
    "n",
    "n_unread",
    "p_value",
    "adjusted_p",
    "ruling",
)
_FORMULA = ("=", "+", "-", "@")


def write(story: Story, folder: Path) -> None:
    """Writes the file.

    Raises:
        DataError: It cannot be written.
    """
    write_text(folder / NAME, to_text(story))


def to_text(story: Story) -> str:
    """The rows under their columns; fractions in [0, 1], what is not known is empty."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_shown(row) for row in (*_scores(story), *_changes(story)))
    return file.getvalue()


def _scores(story: Story) -> Iterator[dict[str, object]]:
    for entry in story.entries:
        track = story.tracks[entry.track]
        for score in entry.scores:
            low, high = score.interval or (None, None)
            yield {
                "kind": "score",
                "checkpoint": entry.step,
                "benchmark": track.benchmark,
                "judge": track.judge,
                "metric": score.metric,
                "unit": score.unit,
                "value": score.value,
                "low": low,
                "high": high,
                "standard_error": score.standard_error,
                "n": score.n,
                "n_unread": score.n_unread,
            }


def _changes(story: Story) -> Iterator[dict[str, object]]:
    units = {entry.track: entry.scores[0].unit for entry in story.entries}
    for change in story.changes:
        track, difference = story.tracks[change.track], change.difference
        low, high = difference.interval or (None, None)
        yield {
            "kind": "change",
            "checkpoint": change.step,
            "against": change.against,
            "benchmark": track.benchmark,
            "judge": track.judge,
            "metric": change.metric,
            "unit": units[change.track],
            "value": difference.value,
            "low": low,
            "high": high,
            "standard_error": difference.standard_error,
            "n": difference.n,
            "p_value": difference.p_value,
            "adjusted_p": change.adjusted_p,
            "ruling": change.ruling,
        }


def _shown(row: dict[str, object]) -> dict[str, object]:
    return {key: _text(value) if isinstance(value, str) else value for key, value in row.items()}


def _text(text: str) -> str:
    """On one line, and never a formula where the file is opened in a spreadsheet."""
    line = plain(text)
    return f"'{line}" if line.startswith(_FORMULA) else line
