"""A story as tables, for the terminal and for files."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from harness.report.judge_eval import judge_eval_table
from harness.report.reproduction import reproduction_table
from harness.report.scores import cell, metric_title, shown_value
from harness.report.story import Change, Entry, Game, Story, Track
from harness.report.table import Table
from harness.report.telling.cells import opponents
from harness.stats.paired import Difference

EXACT = "exact"
"""The judge of benchmarks that match answers: what alignment may cost shows there."""

_LEGEND = (
    (
        "paired by prompt; p: of no difference, by flipped signs, or by refits where the score is "
        "fitted; Holm's over all changes of the series; a ruling is at 5 %"
    ),
    (
        "n: prompts, or their turns; finds: the least difference that so many find with a power of "
        "80 %; needs: so many find one as large as this with that power; both as a test by itself, "
        "the more tests the more it takes"
    ),
)


class Labels(NamedTuple):
    """What tracks are called, with their judges only where a benchmark has several."""

    tracks: Sequence[Track]

    def __call__(self, place: int) -> str:
        """Of one track."""
        track = self.tracks[place]
        alone = sum(other.benchmark == track.benchmark for other in self.tracks) == 1
        return track.benchmark if alone else f"{track.benchmark}, {track.judge}"


def tables(story: Story) -> list[Table]:
    """Everything that is told, most important first; what is empty is left out."""
    made = [
        scores_table(story),
        changes_table(story),
        tax_table(story),
        parts_table(story),
        fallen_table(story),
        gaps_table(story),
        spreads_table(story),
        *(game_table(story, game) for game in story.games),
        *(judge_eval_table(one.judge, one.found) for one in story.trials),
        *map(reproduction_table, story.papers),
    ]
    return [table for table in made if table.rows]


def scores_table(story: Story) -> Table:
    """A row for each checkpoint, a column for the main score of each track."""
    label = Labels(story.tracks)
    shown = sorted({entry.track for entry in story.entries})
    found = {(entry.step, entry.track): entry for entry in story.entries}
    return Table(
        f"{story.name}: main scores, 95 % intervals",
        ["checkpoint", *(f"{label(t)}: {metric_title(story.tracks[t].main)}" for t in shown)],
        [
            [step.name, *(_main(found.get((step.name, track))) for track in shown)]
            for step in story.steps
        ],
        [
            f"{entry.step} on {label(entry.track)}: {f}"
            for entry in story.entries
            for f in entry.flags
        ],
    )


def changes_table(story: Story) -> Table:
    """Every checkpoint against the one before it and against its base."""
    return _changes(story, f"{story.name}: what changed", lambda _: True, _LEGEND)


def tax_table(story: Story) -> Table:
    """What alignment costs: changes on benchmarks that match answers, against the base."""
    bases = {step.name for step in story.steps if not opponents(story.steps, step)}

    def taxes(change: Change) -> bool:
        return story.tracks[change.track].judge == EXACT and change.against in bases

    notes = ["the same tests as above, of benchmarks with known answers, against the base alone"]
    return _changes(story, f"{story.name}: alignment tax", taxes, notes)


def parts_table(story: Story) -> Table:
    """Every category in which a checkpoint changed."""
    label, unit = Labels(story.tracks), Units(story)
    return Table(
        f"{story.name}: by category, against the checkpoint before",
        ["checkpoint", "against", "benchmark", "category", "n", "change", "ruling"],
        [
            [
                p.step,
                p.against,
                label(p.track),
                p.category,
                str(p.difference.n),
                change_cell(p.difference, unit(p.track)),
                p.ruling,
            ]
            for p in story.parts
        ],
        ["a ruling is at 5 % over the categories of one checkpoint and benchmark (Holm)"],
        words=4,
    )


def fallen_table(story: Story) -> Table:
    """The prompts that got worse."""
    label, unit = Labels(story.tracks), Units(story)
    return Table(
        f"{story.name}: prompts that got worse, the worst first",
        ["checkpoint", "against", "benchmark", "prompt", "before", "after"],
        [
            [
                f.step,
                f.against,
                label(f.track),
                f.id,
                shown_value(f.before, unit(f.track)),
                shown_value(f.after, unit(f.track)),
            ]
            for f in story.fallen
        ],
        words=4,
    )


def gaps_table(story: Story) -> Table:
    """The judge that labelled the training data beside judges that did not, by checkpoint."""
    unit, lengths = Units(story), _lengths(story)
    return Table(
        f"{story.name}: over-optimisation",
        [
            "checkpoint",
            "benchmark",
            "trained by",
            "held out",
            "length",
            "gap",
            "growth since the one before",
            "grown",
        ],
        [
            [
                gap.step,
                story.tracks[gap.training].benchmark,
                story.tracks[gap.training].judge,
                story.tracks[gap.held_out].judge,
                lengths.get((gap.step, gap.training), ""),
                _signed(gap.value, unit(gap.training)),
                "" if gap.growth is None else change_cell(gap.growth, unit(gap.training)),
                "yes" if gap.grown else "no",
            ]
            for gap in story.gaps
        ],
        ["gap: how much more the judge that labelled training data likes it than the other judge"],
        words=4,
    )


def spreads_table(story: Story) -> Table:
    """How much of each standard error is chance in answering and in judging."""
    label, unit, parts = Labels(story.tracks), Units(story), spread_parts(story)
    return Table(
        f"{story.name}: what standard errors are made of",
        ["checkpoint", "benchmark", "metric", "n", "samples", "repeats", *parts],
        [
            [
                one.step,
                label(one.track),
                metric_title(one.metric),
                *map(str, (one.n, one.samples, one.repeats)),
                *("" if value is None else shown_value(value, unit(one.track)) for value in told),
            ]
            for one, told in zip(story.spreads, zip(*parts.values(), strict=True), strict=True)
        ],
        ["squares of the parts add up, unless one by itself is larger; " + unparted(story)],
        words=3,
    )


def spread_parts(story: Story) -> dict[str, list[float | None]]:
    """By title, what is told of every spread; None, or no column, where it was not tried."""
    parts: dict[str, list[float | None]] = {
        "standard error": [one.components.standard_error for one in story.spreads],
        "prompts alone": [one.prompts for one in story.spreads],
        "answers alone": [one.answers for one in story.spreads],
        "judge alone": [one.judge for one in story.spreads],
        "mean of all samples": [None if one.answers is None else one.mean for one in story.spreads],
        "its standard error": [
            None if one.answers is None else one.error_of_mean for one in story.spreads
        ],
        "with twice the repeats": [
            None if one.judge is None else one.with_repeats(2 * one.repeats)
            for one in story.spreads
        ],
    }
    return {title: told for title, told in parts.items() if any(one is not None for one in told)}


def unparted(story: Story) -> str:
    """Which parts hold what was not tried by itself."""
    told = []
    if any(one.answers is None for one in story.spreads):
        told.append("with one sample prompts hold the chance in answering")
    judged = (one for one in story.spreads if story.tracks[one.track].judge != EXACT)
    if any(one.judge is None for one in judged):
        told.append("with one repeat answers hold the judge's noise")
    return ", and ".join(told) or "each is told by itself"


def game_table(story: Story, game: Game) -> Table:
    """Every pair head to head, and who wins the game that they are."""
    track = story.tracks[game.track]
    columns = ["checkpoint", *game.steps, "winner's share", "exploitability", "Elo"]
    return Table(
        f"{track.title} head to head, {track.judge} judging: win rate of the row over the column",
        columns,
        [
            [name]
            + [
                "" if row == column else shown_value(value, "fraction")
                for column, value in enumerate(game.preference[row])
            ]
            + [
                shown_value(game.winner[row], "fraction"),
                shown_value(game.exploitability[row], "fraction"),
            ]
            + [_elo(game.elo[row])]
            for row, name in enumerate(game.steps)
        ],
        [
            (
                "winner's share: of the mixture of checkpoints that none beats (von Neumann); "
                "exploitability: twice what the best answer wins beyond half"
            ),
            (
                f"{game.cycles} of {game.triads} triads without an even pair are cycles; strengths "
                f"miss a preference by {100 * game.residual:.1f} points at most"
            ),
        ],
    )


class Units:
    """The unit of each track's items."""

    def __init__(self, story: Story) -> None:
        """Reads them off the main scores."""
        self._of = {entry.track: entry.scores[0].unit for entry in story.entries}

    def __call__(self, track: int) -> str:
        """Of one track."""
        return self._of.get(track, "fraction")


def change_cell(difference: Difference, unit: str) -> str:
    """A difference with its sign and its interval."""
    ends = difference.interval
    tail = f" [{_signed(ends[0], unit)}, {_signed(ends[1], unit)}]" if ends else ""
    return f"{_signed(difference.value, unit)}{tail}"


def _changes(
    story: Story, title: str, kept: Callable[[Change], bool], notes: Sequence[str]
) -> Table:
    label, unit = Labels(story.tracks), Units(story)
    shown = [change for change in story.changes if kept(change)]
    unlike = [
        f"{c.step} against {c.against} on {label(c.track)}: {u}" for c in shown for u in c.unlike
    ]
    return Table(
        title,
        [
            "checkpoint",
            "against",
            "benchmark",
            "metric",
            "change",
            "p",
            "p (Holm)",
            "ruling",
            "n",
            "finds",
            "needs",
        ],
        [
            [
                c.step,
                c.against,
                label(c.track),
                metric_title(c.metric),
                change_cell(c.difference, unit(c.track)),
                _p(c.difference.p_value),
                _p(c.adjusted_p),
                c.ruling,
                str(c.difference.n),
                "" if c.detectable is None else shown_value(c.detectable, unit(c.track)),
                "" if c.prompts_needed is None else str(c.prompts_needed),
            ]
            for c in shown
        ],
        [*notes, *dict.fromkeys(unlike)] if shown else [],
        words=4,
    )


def _main(entry: Entry | None) -> str:
    return "" if entry is None else cell(entry.scores[0])


def _lengths(story: Story) -> dict[tuple[str, int], str]:
    return {
        (entry.step, entry.track): shown_value(score.value, score.unit)
        for entry in story.entries
        for score in entry.scores
        if score.unit == "characters" and score.value is not None
    }


def _signed(value: float, unit: str) -> str:
    shown = shown_value(abs(value), unit)
    return f"{'-' if value < 0 and float(shown) else '+'}{shown}"


def _p(value: float) -> str:
    return f"{value:.4f}"


def _elo(points: float) -> str:
    return f"{points:+.0f}" if math.isfinite(points) else str(points)
