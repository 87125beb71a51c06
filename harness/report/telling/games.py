"""Head-to-head matches as a game: who wins it, and whether there is an order at all."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from harness.errors import DataError
from harness.report.story import Game, Track
from harness.report.telling.saved import Faced
from harness.report.telling.tracks import Array
from harness.stats.bradley_terry import ELO_SCALE, fit
from harness.stats.nash import exploitability, transitivity, von_neumann_winner


class Played(NamedTuple):
    """All games, the tracks that they add, and what kept others from being games."""

    games: list[Game]
    tracks: list[Track]
    notes: list[str]


def play(
    matches: Sequence[Faced], tracks: Sequence[Track], titles: dict[str, str], order: Sequence[str]
) -> Played:
    """A game for each benchmark and judge under which every two checkpoints met in the same way.

    Raises:
        DataError: Two checkpoints met twice in the same way.

    Args:
        matches: Of any benchmarks and judges.
        tracks: Those that there are; a game on another adds its own.
        titles: Of the benchmarks.
        order: Names of checkpoints that come first, in this order.
    """
    played = Played([], [], [])
    groups: dict[tuple[object, ...], list[Faced]] = {}
    for match in matches:
        groups.setdefault(_way(match), []).append(match)
    for own in groups.values():
        benchmark, judge = own[0].benchmark, own[0].judge
        _check_once(own)
        names = _names(own, order)
        missing = _missing(own, names)
        if missing:
            played.notes.append(
                f"head to head on {benchmark} under {judge}: no game, {missing} without a win rate"
            )
            continue
        known = [*tracks, *played.tracks]
        fitting = (p for p, t in enumerate(known) if (t.benchmark, t.judge) == (benchmark, judge))
        place = next(fitting, len(known))
        if place == len(known):
            title = titles.get(benchmark, benchmark)
            played.tracks.append(Track(benchmark, title, judge, "win_rate", {}))
        played.games.append(_game(place, names, own))
    return played


def _way(match: Faced) -> tuple[object, ...]:
    """How two checkpoints met: what must be alike for meetings to be one game."""
    return match.benchmark, match.judge, match.way


def _check_once(matches: Sequence[Faced]) -> None:
    met = Counter(frozenset((match.first, match.second)) for match in matches)
    for pair, times in met.items():
        if times > 1:
            raise DataError(
                f"expected one match of {' and '.join(sorted(pair))} on {matches[0].benchmark} "
                f"under {matches[0].judge}, came {times}; name each run once"
            )


def _names(matches: Sequence[Faced], order: Sequence[str]) -> list[str]:
    met = dict.fromkeys(name for match in matches for name in (match.first, match.second))
    return [*(name for name in order if name in met), *(name for name in met if name not in order)]


def _missing(matches: Sequence[Faced], names: Sequence[str]) -> str:
    there = {frozenset((m.first, m.second)) for m in matches if m.win_rate is not None}
    pairs = [pair for pair in combinations(names, 2) if frozenset(pair) not in there]
    return ", ".join(" vs ".join(pair) for pair in pairs)


def _game(track: int, names: Sequence[str], matches: Sequence[Faced]) -> Game:
    preference_K_K = _preferences(names, matches)
    winner_K = von_neumann_winner(preference_K_K)
    order = transitivity(preference_K_K)
    alone_K_K = np.eye(len(names))
    off = ~np.eye(len(names), dtype=bool)
    elo_K = fit(np.where(off, preference_K_K, 0.0)) * ELO_SCALE
    return Game(
        track,
        names,
        preference_K_K.tolist(),
        winner_K.tolist(),
        [exploitability(one_K, preference_K_K) for one_K in alone_K_K],
        order.cycles,
        order.triads,
        order.residual,
        elo_K.tolist(),
    )


def _preferences(names: Sequence[str], matches: Sequence[Faced]) -> Array:
    """How likely the row is preferred to the column; half on the diagonal."""
    place = {name: number for number, name in enumerate(names)}
    found_K_K = np.full((len(names), len(names)), 0.5)
    for match in matches:
        if match.win_rate is not None:
            row, column = place[match.first], place[match.second]
            found_K_K[row, column] = match.win_rate
            found_K_K[column, row] = 1 - match.win_rate
    return found_K_K
