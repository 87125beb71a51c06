"""`report.json`: the story as data, the document `iterbench.series/1` (see results/README.md)."""

import math
from pathlib import Path
from typing import Any

from harness.report.judge_eval import judge_eval_data
from harness.report.reproduction import reproduction_data
from harness.report.save import write_json
from harness.report.scores import score_data
from harness.report.story import Change, Entry, Game, Gap, Part, Spread, Story, Track
from harness.stats.paired import Difference

NAME = "report.json"
FORMAT = "iterbench.series/1"
"""Name and version of the JSON that `to_data` makes."""


def write(story: Story, folder: Path) -> None:
    """Writes the file.

    Raises:
        DataError: It cannot be written.
    """
    write_json(folder / NAME, to_data(story))


def to_data(story: Story) -> dict[str, Any]:
    """The document: fractions in [0, 1], nothing rounded, a track by its place in `tracks`."""
    return {
        "format": FORMAT,
        "name": story.name,
        "checkpoints": [step._asdict() for step in story.steps],
        "tracks": [_track(track) for track in story.tracks],
        "results": [_result(entry) for entry in story.entries],
        "changes": [_change(change) for change in story.changes],
        "fallen": [_renamed(one._asdict()) for one in story.fallen],
        "parts": [_part(part) for part in story.parts],
        "games": [_game(game) for game in story.games],
        "gaps": [_gap(gap) for gap in story.gaps],
        "spreads": [_spread(spread) for spread in story.spreads],
        "trials": [judge_eval_data(one.judge, one.found) for one in story.trials],
        "papers": [reproduction_data(one) for one in story.papers],
        "gold": story.gold,
        "notes": [*story.notes],
    }


def _renamed(facts: dict[str, Any]) -> dict[str, Any]:
    return {"checkpoint": facts.pop("step"), **facts}


def _track(track: Track) -> dict[str, Any]:
    return {**track._asdict(), "identity": dict(track.identity)}


def _result(entry: Entry) -> dict[str, Any]:
    return {
        "checkpoint": entry.step,
        "track": entry.track,
        "scores": [score_data(score) for score in entry.scores],
        "flags": [*entry.flags],
    }


def _difference(difference: Difference) -> dict[str, Any]:
    return difference._asdict()


def _change(change: Change) -> dict[str, Any]:
    return {
        "checkpoint": change.step,
        "against": change.against,
        "track": change.track,
        "metric": change.metric,
        **_difference(change.difference),
        "adjusted_p": change.adjusted_p,
        "ruling": change.ruling,
        "detectable": change.detectable,
        "prompts_needed": change.prompts_needed,
        "unlike": [*change.unlike],
    }


def _part(part: Part) -> dict[str, Any]:
    facts = _renamed(part._asdict())
    difference = facts.pop("difference")
    return {**facts, **_difference(difference)}


def _game(game: Game) -> dict[str, Any]:
    return {
        "track": game.track,
        "checkpoints": [*game.steps],
        "preference": [[*row] for row in game.preference],
        "winner": [*game.winner],
        "exploitability": [*game.exploitability],
        "cycles": game.cycles,
        "triads": game.triads,
        "residual": game.residual,
        "elo": [points if math.isfinite(points) else None for points in game.elo],
    }


def _spread(spread: Spread) -> dict[str, Any]:
    facts = _renamed(spread._asdict())
    return {**facts, "components": spread.components._asdict()}


def _gap(gap: Gap) -> dict[str, Any]:
    growth = None if gap.growth is None else _difference(gap.growth)
    return {**_renamed(gap._asdict()), "growth": growth}
