"""Matches become a game: rock, paper and scissors has no order, a ladder has one."""

import pytest

from harness.errors import DataError
from harness.report.telling.saved import Faced
from tests.harness.report.telling.series import cell, told


def match(first: str, second: str, value: float | None, benchmark: str = "tiny@1") -> Faced:
    return Faced(benchmark, "openai:gpt-4", first, second, value)


def ring(*values: float | None) -> list[Faced]:
    pairs = [("a", "b"), ("b", "c"), ("a", "c")]
    return [match(*pair, value) for pair, value in zip(pairs, values, strict=True)]


def test_a_ring_is_won_by_the_even_mixture() -> None:
    """a beats b, b beats c, c beats a, each by 0.9: all lose 2 (0.9 - 0.5) to their best answer."""
    (game,) = told(cell("a"), matches=ring(0.9, 0.9, 0.1)).games
    assert game.winner == pytest.approx([1 / 3] * 3)
    assert game.exploitability == pytest.approx([0.8] * 3)
    assert (game.cycles, game.triads) == (1, 1)
    assert game.elo == pytest.approx([0, 0, 0], abs=1e-6)


def test_a_ladder_is_won_by_its_top() -> None:
    (game,) = told(cell("a"), matches=ring(0.2, 0.2, 1 / 17)).games
    assert game.steps == ["a", "b", "c"]
    assert game.winner == pytest.approx([0, 0, 1])
    assert game.exploitability[2] == pytest.approx(0, abs=1e-9)
    assert game.cycles == 0
    assert game.residual == pytest.approx(0, abs=1e-6)
    assert game.elo[1] == pytest.approx(400 * 0.60206, rel=1e-4)  # log10 of odds of 4


def test_preferences_are_seen_from_both_sides() -> None:
    (game,) = told(matches=[match("a", "b", 0.7)]).games
    assert game.preference == [[0.5, 0.7], [pytest.approx(0.3), 0.5]]


def test_checkpoints_stand_in_the_order_of_the_series() -> None:
    (game,) = told(cell("b"), cell("a"), matches=[match("a", "b", 0.7)]).games
    assert game.steps == ["b", "a"]


def test_a_game_is_on_the_track_of_its_benchmark_and_judge() -> None:
    story = told(cell("a"), matches=[match("a", "b", 0.7)])
    assert (story.games[0].track, len(story.tracks)) == (0, 1)


def test_a_game_on_another_benchmark_adds_a_track() -> None:
    story = told(cell("a"), matches=[match("a", "b", 0.7, "other@1")])
    assert story.games[0].track == 1
    assert story.tracks[1].benchmark == "other@1"


@pytest.mark.parametrize("matches", [ring(0.9, 0.9, None), ring(0.9, 0.9, 0.1)[:2]])
def test_a_pair_that_is_missing_leaves_no_game(matches: list[Faced]) -> None:
    story = told(cell("a"), matches=matches)
    assert story.games == []
    assert "no game, a vs c without a win rate" in story.notes[-1]


def test_meetings_in_different_ways_are_games_of_their_own() -> None:
    """Another rule for ties, say: whichever was read last does not win."""
    plain = Faced("tiny@1", "j", "a", "b", 0.7)
    story = told(
        cell("a"), cell("b"), matches=[plain, plain._replace(win_rate=0.2, way=(("ties", "drop"),))]
    )
    assert [game.preference[0][1] for game in story.games] == [0.7, 0.2]


def test_who_met_twice_in_the_same_way_is_refused() -> None:
    twice = [Faced("tiny@1", "j", "a", "b", 0.7), Faced("tiny@1", "j", "b", "a", 0.4)]
    with pytest.raises(DataError, match="expected one match of a and b on tiny@1 under j, came 2"):
        told(cell("a"), cell("b"), matches=twice)
