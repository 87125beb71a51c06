"""Where the checkpoints stand: their scores, what is known of each, and what was scored."""

from collections import defaultdict

from harness.report.page import cells
from harness.report.page.markup import Markup, element, joined
from harness.report.page.tables import Cell, Column, bullets, facts, small, table
from harness.report.scores import metric_title
from harness.report.story import Entry, Story


def scores(story: Story) -> Markup:
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
        remarks = [
            f"{e.step}, {cells.label(story.tracks[e.track])}: {f}" for e, f in _remarks(story)
        ]
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


def details(story: Story) -> Markup:
    """A row for each score of each checkpoint, with all that is known of it."""
    columns = [Column(n, words=True) for n in ("checkpoint", "benchmark", "metric")]
    columns += [Column("value", "95 % interval"), Column("standard error"), Column("n")]
    columns += [Column("unread"), Column("coverage", "%"), Column("bounds")]
    rows = [
        [
            cells.words(entry.step),
            cells.words(cells.label(story.tracks[entry.track])),
            cells.words(metric_title(one.metric)),
            cells.score(one),
            cells.error(one),
            cells.number(one.n),
            cells.number(one.n_unread),
            cells.percent(one.coverage),
            cells.bounds(one),
        ]
        for entry in story.entries
        for one in entry.scores
    ]
    return table("Every score of every checkpoint", columns, rows) if rows else joined()


def identity(story: Story) -> Markup:
    """Where the checkpoints come from, and what decided the scores of each track."""
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
