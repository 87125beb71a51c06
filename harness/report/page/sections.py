"""The parts of a page, each made from the records of a story."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from harness.report.page import cells
from harness.report.page.markup import Markup, element, joined
from harness.report.page.tables import Cell, Column, bullets, facts, small, table
from harness.report.scores import metric_title
from harness.report.story import Entry, Fallen, Game, Story, Track

_FALLEN = 20
"""Prompts that are shown of one checkpoint on one track; the others are counted."""


class Section(NamedTuple):
    """One part of the page, which the list of contents names."""

    id: str
    title: str
    body: Markup


def sections(story: Story) -> list[Section]:
    """All parts that the story has something for, figures left out."""
    made = [
        Section("scores", "Scores", _scores(story)),
        Section("changes", "What changed", _changes(story)),
        Section("parts", "By category", _parts(story)),
        Section("fallen", "Prompts that got worse", _fallen(story)),
        Section("game", "Head to head", joined(*(_game(story, game) for game in story.games))),
        Section("gaps", "Training judge against other judges", _gaps(story)),
        Section("details", "Every score", _details(story)),
        Section("identity", "What was scored", _identity(story)),
    ]
    return [section for section in made if section.body.html]


def label(track: Track) -> str:
    """A track as it is called in a line."""
    return f"{track.title}, {track.judge}"


def _scores(story: Story) -> Markup:
    """Checkpoints by benchmarks, the main score of each."""
    flags = _Flags(story)
    tracks = [Column(t.title, f"{metric_title(t.main)}, {t.judge}") for t in story.tracks]
    best = [_best(story, place) for place in range(len(story.tracks))]
    found = {(e.step, e.track): e for e in story.entries}
    rows = [
        [
            cells.words(step.name),
            cells.number(step.iteration),
            cells.words(step.method),
            *(
                _entry(found.get((step.name, place)), flags, best[place])
                for place in range(len(story.tracks))
            ),
        ]
        for step in story.steps
    ]
    columns = [Column("checkpoint", words=True), Column("iter"), Column("method", words=True)]
    caption = "Main scores with 95 % intervals; the highest of each column is bold"
    return joined(table(caption, [*columns, *tracks], rows), flags.legend())


class _Flags:
    """Numbers the remarks on entries, so that a cell can point to them."""

    def __init__(self, story: Story) -> None:
        remarks = [f"{e.step}, {label(story.tracks[e.track])}: {f}" for e, f in _remarks(story)]
        self._numbers = {remark: n for n, remark in enumerate(dict.fromkeys(remarks), start=1)}
        self._of: dict[tuple[str, int], list[int]] = defaultdict(list)
        for (entry, _), remark in zip(_remarks(story), remarks, strict=True):
            self._of[entry.step, entry.track].append(self._numbers[remark])

    def marks(self, entry: Entry) -> list[Markup]:
        """Links to the remarks on an entry."""
        numbers = dict.fromkeys(self._of[entry.step, entry.track])
        return [
            element("sup", element("a", f"⚑{n}", href=f"#flag-{n}", title="why this is flagged"))
            for n in numbers
        ]

    def legend(self) -> Markup:
        """All remarks, empty where there are none."""
        lines = [
            element("span", f"⚑{n} {remark}", id=f"flag-{n}") for remark, n in self._numbers.items()
        ]
        return bullets(lines, class_="flags") if lines else joined()


def _remarks(story: Story) -> list[tuple[Entry, str]]:
    return [
        (entry, remark)
        for entry in story.entries
        for remark in (*entry.flags, *(d for s in entry.scores[:1] for d in s.doubts))
    ]


def _best(story: Story, place: int) -> float | None:
    values = [e.scores[0].value for e in story.entries if e.track == place]
    return max((v for v in values if v is not None), default=None)


def _entry(entry: Entry | None, flags: _Flags, best: float | None) -> Cell:
    if entry is None:
        return cells.words(None)
    main = entry.scores[0]
    return cells.score(
        main, *flags.marks(entry), best=main.value is not None and main.value == best
    )


def _changes(story: Story) -> Markup:
    careful = any(one.unlike for one in story.changes)
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
    for one in story.changes:
        unit = cells.unit_of(story, one.track, one.metric)
        found = one.detectable
        rows.append(
            [
                cells.words(one.step),
                cells.words(one.against),
                cells.words(label(story.tracks[one.track])),
                cells.words(metric_title(one.metric)),
                cells.difference(one.difference, unit),
                cells.p_value(one.adjusted_p),
                cells.ruling(one.ruling),
                cells.number(found, None if found is None else cells.shown_value(found, unit)),
                cells.number(one.prompts_needed),
                *([cells.words("; ".join(one.unlike))] if careful else []),
            ]
        )
    caption = "Paired by prompt; rulings at 5 % over all of them, after Holm"
    return table(caption, columns, rows) if rows else joined()


def _parts(story: Story) -> Markup:
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
            cells.words(label(story.tracks[one.track])),
            cells.words(one.category),
            cells.difference(one.difference, _unit(story, one.track)),
            cells.number(one.difference.n),
            cells.ruling(one.ruling),
        ]
        for one in story.parts
    ]
    caption = "Rulings at 5 % over the categories of one checkpoint and benchmark, after Holm"
    return table(caption, columns, rows) if rows else joined()


def _fallen(story: Story) -> Markup:
    groups: dict[tuple[str, str, int], list[Fallen]] = defaultdict(list)
    for one in story.fallen:
        groups[one.step, one.against, one.track].append(one)
    return joined(*(_fell(story, *of, some) for of, some in groups.items()))


def _fell(story: Story, step: str, against: str, track: int, some: Sequence[Fallen]) -> Markup:
    unit = _unit(story, track)
    columns = [Column("prompt", words=True), Column("before"), Column("after"), Column("change")]
    rows = [
        [
            cells.words(one.id),
            cells.number(one.before, cells.shown_value(one.before, unit)),
            cells.number(one.after, cells.shown_value(one.after, unit)),
            cells.number(one.after - one.before, cells.signed(one.after - one.before, unit)),
        ]
        for one in some[:_FALLEN]
    ]
    more = len(some) - len(rows)
    behind = f"; {more} more fell less far" if more else ""
    title = f"{step} against {against}, {label(story.tracks[track])}"
    summary = element("summary", f"{title}: {len(some)} prompts")
    return element("details", summary, table(f"The worst first{behind}", columns, rows))


def _game(story: Story, game: Game) -> Markup:
    columns = [Column("checkpoint", words=True), *(Column(name) for name in game.steps)]
    columns += [Column("Nash", "share"), Column("exploitability")]
    columns += [Column("Elo")] if game.elo else []
    rows = [
        [
            cells.words(name),
            *(
                Cell("") if row == column else _percent(value)
                for column, value in enumerate(game.preference[row])
            ),
            _percent(game.winner[row]),
            _percent(game.exploitability[row]),
            *([cells.number(game.elo[row], f"{game.elo[row]:.0f}")] if game.elo else []),
        ]
        for row, name in enumerate(game.steps)
    ]
    caption = f"{label(story.tracks[game.track])}: win rate of the row over the column, in percent"
    shape = (
        f"{game.cycles} of {game.triads} triads of checkpoints go in a circle; strengths alone miss "
        f"a win rate by at most {100 * game.residual:.1f} points."
    )
    return joined(table(caption, columns, rows), element("p", shape))


def _gaps(story: Story) -> Markup:
    names = ("checkpoint", "benchmark", "training judge", "held-out judge")
    columns = [*(Column(name, words=True) for name in names), Column("gap", "points")]
    columns += [Column("growth", "points, 95 %"), Column("since", words=True)]
    columns += [Column("sign", words=True)]
    rows = []
    for one in story.gaps:
        unit, ours = _unit(story, one.training), story.tracks[one.training]
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


def _details(story: Story) -> Markup:
    columns = [Column(n, words=True) for n in ("checkpoint", "benchmark", "metric")]
    columns += [Column("value", "95 % interval"), Column("standard error"), Column("n")]
    columns += [Column("unread"), Column("coverage", "%"), Column("bounds")]
    rows = [
        [
            cells.words(entry.step),
            cells.words(label(story.tracks[entry.track])),
            cells.words(metric_title(one.metric)),
            cells.score(one),
            cells.error(one),
            cells.number(one.n),
            cells.number(one.n_unread),
            _percent(one.coverage),
            cells.bounds(one),
        ]
        for entry in story.entries
        for one in entry.scores
    ]
    return table("Every score of every checkpoint", columns, rows) if rows else joined()


def _identity(story: Story) -> Markup:
    columns = [Column(n, words=True) for n in ("checkpoint", "trained from", "by", "labelled by")]
    rows = [
        [*map(cells.words, (s.name, s.parent, s.method, s.trained_by_judge))] for s in story.steps
    ]
    tracks = [
        element(
            "details",
            element("summary", f"{track.title} ", small(f"{track.benchmark}, {track.judge}")),
            facts([*track.identity.items()]),
        )
        for track in story.tracks
    ]
    return joined(table("Where the checkpoints come from", columns, rows), *tracks)


def _percent(value: float) -> Cell:
    return cells.number(value, f"{100 * value:.1f}")


def _unit(story: Story, track: int) -> str:
    return cells.unit_of(story, track, story.tracks[track].main)
