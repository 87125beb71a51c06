"""`report.tex`: the main scores as a table of a paper, for `booktabs`."""

from collections.abc import Sequence
from pathlib import Path

from harness.report.latex import PREAMBLE, escaped, tabular
from harness.report.save import write_text
from harness.report.scores import metric_title, shown_value
from harness.report.story import Story
from harness.report.told import Labels

NAME = "report.tex"

_MARKS = {"better": r"^{\uparrow}", "worse": r"^{\downarrow}", "undecided": ""}


def write(story: Story, folder: Path) -> None:
    """Writes the file.

    Raises:
        DataError: It cannot be written.
    """
    write_text(folder / NAME, to_text(story))


def to_text(story: Story) -> str:
    """A table of checkpoints by tracks: the best bold, arrows where a change is significant."""
    label, shown = Labels(story.tracks), sorted({entry.track for entry in story.entries})
    heads = [escaped(f"{label(t)}: {metric_title(story.tracks[t].main)}") for t in shown]
    columns = [_column(story, track) for track in shown]
    rows = [
        " & ".join([escaped(step.name), *(column.get(step.name, "") for column in columns)])
        for step in story.steps
    ]
    return "\n".join(
        [
            PREAMBLE,
            r"\begin{table}",
            r"\centering",
            *tabular(f"l{'r' * len(shown)}", " & ".join(["Checkpoint", *heads]), rows),
            rf"\caption{{{_caption(story)}}}",
            r"\end{table}",
            "",
        ]
    )


def _column(story: Story, track: int) -> dict[str, str]:
    """One track's cells by checkpoint."""
    mains = {entry.step: entry.scores[0] for entry in story.entries if entry.track == track}
    shown = {n: shown_value(s.value, s.unit) for n, s in mains.items() if s.value is not None}
    best = max(shown.values(), key=float, default=None)
    marks = _marks(story, track)
    cells = dict.fromkeys(mains, "withheld")
    for name, text in shown.items():
        bold = rf"\mathbf{{{text}}}" if text == best and len(shown) > 1 else text
        cells[name] = f"${bold}{marks.get(name, '')}$"
    return cells


def _marks(story: Story, track: int) -> dict[str, str]:
    """An arrow where a checkpoint's main score changed from that of the one before."""
    marks: dict[str, str] = {}
    for change in story.changes:  # the first of a checkpoint is against the one before
        if change.track == track and change.metric == story.tracks[track].main:
            marks.setdefault(change.step, _MARKS[change.ruling])
    return marks


def _caption(story: Story) -> str:
    judges = _listed(
        [f"{t.benchmark} ({t.judge}{_n(story, p)})" for p, t in enumerate(story.tracks)]
    )
    return (
        f"{escaped(story.name)}. Fractions in percent. Arrows: significantly better or worse than "
        f"the checkpoint before (paired by prompt, 5\\,\\% over all changes by Holm). "
        f"Judges: {judges}."
    )


def _n(story: Story, track: int) -> str:
    """How many verdicts the scores of a track are of."""
    counts = sorted({entry.scores[0].n for entry in story.entries if entry.track == track})
    ends = [str(n) for n in counts if n in {counts[0], counts[-1]}]
    return f", n = {' to '.join(ends)}" if ends else ""


def _listed(names: Sequence[str]) -> str:
    return "; ".join(map(escaped, names))
