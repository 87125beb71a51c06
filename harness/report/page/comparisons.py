"""How the checkpoints compare: with each other, by category, head to head, under other judges."""

from collections import defaultdict
from collections.abc import Sequence

from harness.report.page import cells
from harness.report.page.markup import Markup, element, joined
from harness.report.page.tables import Cell, Column, table
from harness.report.scores import metric_title, shown_value
from harness.report.story import Change, Fallen, Game, Story
from harness.report.told import EXACT, Units, spread_parts, unparted

_FALLEN = 20
"""Prompts that are shown of one checkpoint on one track; the others are counted."""


def changes(story: Story, shown: Sequence[Change]) -> Markup:
    """A row for each of these changes."""
    careful, units = any(one.unlike for one in shown), Units(story)
    columns = [
        *(Column(name, words=True) for name in ("checkpoint", "against", "benchmark", "metric")),
        Column("difference", "points, 95 %"),
        Column("p", "Holm"),
        Column("ruling", words=True),
        Column("detectable", "80 % power"),
        Column("prompts", "to decide it"),
        *([Column("with care", words=True)] if careful else []),
    ]
    rows = []
    for one in shown:
        unit, found = units(one.track), one.detectable
        rows.append(
            [
                cells.words(one.step),
                cells.words(one.against),
                cells.words(cells.label(story.tracks[one.track])),
                cells.words(metric_title(one.metric)),
                cells.difference(one.difference, unit),
                cells.p_value(one.adjusted_p),
                cells.ruling(one.ruling),
                cells.number(found, None if found is None else shown_value(found, unit)),
                cells.number(one.prompts_needed),
                *([cells.words("; ".join(one.unlike))] if careful else []),
            ]
        )
    caption = "Paired by prompt; rulings at 5 % over all of them, after Holm"
    return table(caption, columns, rows) if rows else joined()


def tax(story: Story) -> Markup:
    """The changes on benchmarks that match answers, against the base."""
    bases = {step.name for step in story.steps} - {change.step for change in story.changes}
    paid = [c for c in story.changes if story.tracks[c.track].judge == EXACT]
    return changes(story, [change for change in paid if change.against in bases])


def parts(story: Story) -> Markup:
    """A row for each category in which a checkpoint was compared with the one before it."""
    units = Units(story)
    columns = [
        *(Column(name, words=True) for name in ("checkpoint", "against", "benchmark", "category")),
        Column("difference", "points, 95 %"),
        Column("n"),
        Column("ruling", words=True),
    ]
    rows = [
        [
            cells.words(one.step),
            cells.words(one.against),
            cells.words(cells.label(story.tracks[one.track])),
            cells.words(one.category),
            cells.difference(one.difference, units(one.track)),
            cells.number(one.difference.n),
            cells.ruling(one.ruling),
        ]
        for one in story.parts
    ]
    caption = "Rulings at 5 % over the categories of one checkpoint and benchmark, after Holm"
    return table(caption, columns, rows) if rows else joined()


def fallen(story: Story) -> Markup:
    """The prompts that got worse, a list that opens for each checkpoint and track."""
    groups: dict[tuple[str, str, int], list[Fallen]] = defaultdict(list)
    for one in story.fallen:
        groups[one.step, one.against, one.track].append(one)
    return joined(*(_fell(story, *of, some) for of, some in groups.items()))


def _fell(story: Story, step: str, against: str, track: int, some: Sequence[Fallen]) -> Markup:
    unit = Units(story)(track)
    columns = [Column("prompt", words=True), Column("before"), Column("after"), Column("change")]
    rows = [
        [
            cells.words(one.id),
            cells.number(one.before, shown_value(one.before, unit)),
            cells.number(one.after, shown_value(one.after, unit)),
            cells.number(one.after - one.before, cells.signed(one.after - one.before, unit)),
        ]
        for one in some[:_FALLEN]
    ]
    more = len(some) - len(rows)
    behind = f"; {more} more fell less far" if more else ""
    title = f"{step} against {against}, {cells.label(story.tracks[track])}"
    summary = element("summary", f"{title}: {len(some)} prompts")
    return element("details", summary, table(f"The worst first{behind}", columns, rows))


def game_of(story: Story, game: Game) -> Markup:
    """The matrix of a game, who wins it and how far there is an order."""
    columns = [Column("checkpoint", words=True), *(Column(name) for name in game.steps)]
    columns += [Column("Nash", "share"), Column("exploitability")]
    columns += [Column("Elo")] if game.elo else []
    rows = [
        [
            cells.words(name),
            *(
                Cell("") if row == column else cells.percent(value)
                for column, value in enumerate(game.preference[row])
            ),
            cells.percent(game.winner[row]),
            cells.percent(game.exploitability[row]),
            *([cells.number(game.elo[row], f"{game.elo[row]:.0f}")] if game.elo else []),
        ]
        for row, name in enumerate(game.steps)
    ]
    caption = (
        f"{cells.label(story.tracks[game.track])}: win rate of the row over the column, in percent"
    )
    shape = (
        f"{game.cycles} of {game.triads} triads without an even pair are cycles; strengths alone "
        f"miss a win rate by at most {100 * game.residual:.1f} points."
    )
    return joined(table(caption, columns, rows), element("p", shape))


def spreads(story: Story) -> Markup:
    """A row for each score whose prompts were answered or judged repeatedly."""
    units, parts = Units(story), spread_parts(story)
    columns = [Column(name, words=True) for name in ("checkpoint", "benchmark", "metric")]
    columns += [Column(name) for name in ("n", "samples", "repeats", *parts)]
    rows = [
        [
            cells.words(one.step),
            cells.words(cells.label(story.tracks[one.track])),
            cells.words(metric_title(one.metric)),
            *map(cells.number, (one.n, one.samples, one.repeats)),
            *(
                cells.words(None)
                if value is None
                else cells.number(value, shown_value(value, units(one.track)))
                for value in told
            ),
        ]
        for one, told in zip(story.spreads, zip(*parts.values(), strict=True), strict=True)
    ]
    caption = f"Squares of the parts add up, unless one by itself is larger; {unparted(story)}"
    return table(caption, columns, rows) if rows else joined()


def gaps(story: Story) -> Markup:
    """A row for each checkpoint under two judges of which one labelled training data."""
    units = Units(story)
    names = ("checkpoint", "benchmark", "training judge", "held-out judge")
    columns = [*(Column(name, words=True) for name in names), Column("gap", "points")]
    columns += [Column("growth", "points, 95 %"), Column("since", words=True)]
    columns += [Column("sign", words=True)]
    rows = []
    for one in story.gaps:
        unit, ours = units(one.training), story.tracks[one.training]
        grown = cells.words(None) if one.growth is None else cells.difference(one.growth, unit)
        sign = Cell("⚑ over-optimised", 1.0, "worse") if one.grown else Cell("", 0.0)
        rows.append(
            [
                *map(cells.words, (one.step, ours.title, ours.judge)),
                cells.words(story.tracks[one.held_out].judge),
                cells.number(one.value, cells.signed(one.value, unit)),
                grown,
                cells.words(one.against),
                sign,
            ]
        )
    caption = "How much more the judge that labelled the training data likes a checkpoint"
    return table(caption, columns, rows) if rows else joined()
