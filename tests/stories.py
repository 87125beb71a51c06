"""Stories of made-up series, for tests of what shows them."""

from dataclasses import replace
from random import Random
from typing import Any

from harness.report.judge_eval import Findings
from harness.report.story import (
    Change,
    Entry,
    Fallen,
    Game,
    Gap,
    Part,
    Ruling,
    Step,
    Story,
    Track,
)
from harness.report.trials import Tried
from harness.stats.paired import Difference
from harness.types import Item, Score

CATEGORIES = ("writing", "roleplay", "reasoning", "math")


def story(n_steps: int = 4, n_items: int = 40, name: str = "sppo-mistral") -> Story:
    """A base and its iterations on four tracks, PairRM having labelled their training data."""
    steps = [_step(number) for number in range(n_steps)]
    tracks = [
        _track("alpaca_eval@2.0", "AlpacaEval 2.0", "gpt-4-1106-preview", "lc_win_rate"),
        _track("alpaca_eval@2.0", "AlpacaEval 2.0", "pairrm", "lc_win_rate"),
        _track("arena_hard@0.1", "Arena-Hard-Auto", "gpt-4-1106-preview", "win_rate"),
        _track("mt_bench@1", "MT-Bench", "gpt-4", "score"),
    ]
    entries = [
        _entry(step, place, track, n_items) for step in steps for place, track in enumerate(tracks)
    ]
    changes = [
        _change(steps[number], steps[other], place, track.main)
        for number in range(1, n_steps)
        for other in dict.fromkeys((number - 1, 0))
        for place, track in enumerate(tracks)
    ]
    return Story(
        name,
        steps,
        tracks,
        entries,
        changes,
        [
            Fallen(steps[-1].name, steps[-2:][0].name, 0, f"alpaca_eval/{n}", 0.9 - n / 100, 0.1)
            for n in range(25)
        ],
        [
            Part(steps[-1].name, steps[-2:][0].name, 3, one, _difference(0.4 - n / 4), "undecided")
            for n, one in enumerate(CATEGORIES)
        ],
        [_game(steps)],
        ["pairrm also labelled the training data of sppo-mistral: its scores are marked"],
        [_gap(steps, n) for n in range(1, n_steps)],
    )


def hostile(text: str) -> Story:
    """A story in which every name and remark is this text."""
    plain = story(3, 5)
    names = {step.name: f"{text}{n}" for n, step in enumerate(plain.steps)}
    return Story(
        text,
        [s._replace(name=names[s.name], parent=text, method=text) for s in plain.steps],
        [Track(text, text, text, text, {text: text}) for _ in plain.tracks],
        [_renamed(e, names, text) for e in plain.entries],
        [
            replace(c, step=names[c.step], against=names[c.against], metric=text, unlike=[text])
            for c in plain.changes
        ],
        [f._replace(step=text, against=text, id=text) for f in plain.fallen],
        [p._replace(step=text, against=text, category=text) for p in plain.parts],
        [replace(g, steps=[*names.values()]) for g in plain.games],
        [text],
        [g._replace(step=names[g.step], against=text) for g in plain.gaps],
        trials=[_tried(text)],
    )


def _tried(text: str) -> Tried:
    measured = Score(text, 0.625, 40, 2, (0.4, 0.8), doubts=(text,))
    return Tried(text, [Findings(text, text, text, 42, [measured], [measured], {text: 2})])


def _renamed(entry: Entry, names: dict[str, str], text: str) -> Entry:
    scores = [replace(score, metric=text, doubts=(text,)) for score in entry.scores]
    items = [Item(text, item.value, text) for item in entry.items]
    return Entry(names[entry.step], entry.track, scores, items, [text])


def _step(number: int) -> Step:
    if not number:
        return Step("base", 0, None, None, None)
    before = f"iter{number - 1}" if number > 1 else "base"
    return Step(f"iter{number}", number, before, "sppo", "pairrm")


def _track(benchmark: str, title: str, judge: str, main: str) -> Track:
    identity = {"benchmark": benchmark, "judge model": judge, "judge rubric": "0123456789abcdef"}
    return Track(benchmark, title, judge, main, identity)


def _entry(step: Step, place: int, track: Track, n_items: int) -> Entry:
    number = step.iteration or 0
    random = Random(f"{step.name} {place}")
    if track.main == "score":
        items = [Item(f"mt_bench/{n}", random.uniform(5, 9), None) for n in range(n_items)]
        rated = ("score", "turn_1", "turn_2", *CATEGORIES)
        scores = [_rating(one, 6 + number / 3 + random.random(), n_items) for one in rated]
        return Entry(step.name, place, scores, items)
    value = (20 + (15 if track.judge == "pairrm" else 5) * number) / 100
    items = [
        Item(f"{track.benchmark}/{n}", random.choice([0.0, 0.5, 1.0, 0.9, 0.1]), None)
        for n in range(n_items)
    ]
    items[0] = items[0]._replace(value=None, cause="no letter")
    metrics = [track.main, "win_rate"] if track.main != "win_rate" else ["win_rate"]
    scores = [
        _share(metric, round(value - 0.03 * n, 2), n_items) for n, metric in enumerate(metrics)
    ]
    length = Score("avg_length", 1500.0 + 400 * number, n_items, unit="characters")
    flags = ["length grew by 41 %"] if number == 3 else []
    return Entry(step.name, place, [*scores, length], items, flags)


def _share(metric: str, value: float, n: int) -> Score:
    bounds = (round(value - 0.01, 2), round(value + 0.02, 2))
    ends = (round(value - 0.04, 2), round(value + 0.04, 2))
    return Score(metric, value, n - 1, 1, ends, 0.02, bounds)


def _rating(metric: str, value: float, n: int) -> Score:
    return Score(metric, value, n, 0, (value - 0.3, value + 0.3), 0.15, unit="rating")


def _difference(value: float) -> Difference:
    return Difference(value, (value - 0.1, value + 0.1), 0.05, 0.012, 40)


def _change(step: Step, other: Step, place: int, metric: str) -> Change:
    number = (step.iteration or 0) - (other.iteration or 0)
    rulings: dict[int, Ruling] = {1: "better", 2: "undecided", 3: "worse"}
    ruling = rulings.get(number, "undecided")
    facts: dict[str, Any] = {"detectable": 0.14, "prompts_needed": 2520}
    difference = _difference(0.05 * number)
    return Change(step.name, other.name, place, metric, difference, 0.048, ruling, **facts)


def _game(steps: list[Step]) -> Game:
    k = range(len(steps))
    preference = [[0.5 + 0.1 * max(-4, min(4, a - b)) for b in k] for a in k]
    winner = [float(n == len(steps) - 1) for n in k]
    loss = [(len(steps) - 1 - n) / (2 * len(steps)) for n in k]
    elo = [60.0 * n for n in k]
    return Game(0, [s.name for s in steps], preference, winner, loss, 0, 4, 0.031, elo)


def _gap(steps: list[Step], n: int) -> Gap:
    growth = _difference(0.1)
    return Gap(steps[n].name, 1, 0, 0.1 * n, steps[n - 1].name, growth, n > 1)
