"""`report.md`: the story as Markdown, in which names are text and nothing else."""

import re
from dataclasses import replace
from pathlib import Path

from harness.report.save import write_text
from harness.report.story import Story
from harness.report.table import Table, plain, to_markdown
from harness.report.told import tables

NAME = "report.md"

# `|` is left to the table itself; an underscore inside a word is no mark.
_MARKS = re.compile(r"[\\`*{}\[\]<>#~&!$]|(?<!\w)_|_(?!\w)")


def write(story: Story, folder: Path) -> None:
    """Writes the file.

    Raises:
        DataError: It cannot be written.
    """
    write_text(folder / NAME, to_text(story))


def to_text(story: Story) -> str:
    """The whole report."""
    head = f"# {escaped(story.name)}\n\n{_checkpoints(story)}\n"
    notes = "".join(f"- {escaped(note)}\n" for note in story.notes)
    return "\n".join(filter(None, (head, notes, *(_section(t) for t in tables(story)))))


def escaped(text: str) -> str:
    """The text on one line, with everything that Markdown or HTML would read as a mark escaped."""
    return _MARKS.sub(lambda mark: f"\\{mark[0]}", plain(text))


def _checkpoints(story: Story) -> str:
    lines = []
    for step in story.steps:
        facts = {
            "iteration": step.iteration,
            "from": step.parent,
            "by": step.method,
            "data labelled by": step.trained_by_judge,
        }
        said = ", ".join(f"{key} {value}" for key, value in facts.items() if value is not None)
        lines.append(f"- {escaped(step.name)}{f': {escaped(said)}' if said else ''}\n")
    return "".join(lines)


def _section(table: Table) -> str:
    rows = [[*map(escaped, row[: table.words]), *row[table.words :]] for row in table.rows]
    named = replace(
        table,
        title=escaped(table.title),
        columns=[*map(escaped, table.columns)],
        rows=rows,
        notes=[*map(escaped, table.notes)],
    )
    return to_markdown(named)
