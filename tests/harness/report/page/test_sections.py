"""The parts of a page hold what the story holds, and parts without content are left out."""

import re
from dataclasses import replace

import pytest

from harness.report.page.sections import sections
from harness.report.story import Story
from tests.stories import hostile, story


def part(told: Story, id_: str) -> str:
    return next(section.body.html for section in sections(told) if section.id == id_)


def rows(html: str) -> list[list[str]]:
    """The text of all cells of all tables."""
    found = re.findall(r"<tr>(.*?)</tr>", html)
    cells = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in found]
    return [[re.sub(r"<[^>]*>", " ", cell).strip() for cell in row] for row in cells]


def test_a_full_story_has_every_part() -> None:
    ids = ["scores", "changes", "parts", "fallen", "game", "gaps", "details", "identity"]
    assert [section.id for section in sections(story())] == ids


def test_a_story_of_nothing_keeps_its_tables_of_checkpoints() -> None:
    nothing = Story("nothing", [], [], [], [], [], [], [], [])
    assert [section.id for section in sections(nothing)] == ["scores", "identity"]


def test_scores_are_checkpoints_by_benchmarks_with_the_best_bold() -> None:
    html = part(story(), "scores")
    found = rows(html)
    assert found[0][3:5] == [
        "AlpacaEval 2.0 LC win rate, gpt-4-1106-preview",
        "AlpacaEval 2.0 LC win rate, pairrm",
    ]
    assert found[1][:4] == ["base", "0", "", "20.00* [16.00, 24.00]"]
    assert html.count('class="best"') == 4


def test_a_checkpoint_that_was_not_scored_leaves_its_cell_empty() -> None:
    whole = story()
    assert rows(part(replace(whole, entries=whole.entries[1:]), "scores"))[1][3] == ""


def test_flags_are_numbered_where_they_belong_and_listed_below() -> None:
    html = part(story(), "scores")
    assert 'href="#flag-1"' in html
    assert "⚑1 iter3, AlpacaEval 2.0, gpt-4-1106-preview: length grew by 41 %" in html
    assert html.count('id="flag-') == 3


def test_a_change_shows_what_was_tested_and_what_it_says() -> None:
    found = rows(part(story(), "changes"))
    assert found[1] == [
        *("iter1", "base", "AlpacaEval 2.0, gpt-4-1106-preview", "LC win rate"),
        *("+5.00 [−5.00, +15.00]", "0.048", "▲ better", "14.00", "2520"),
    ]


def test_changes_of_ratings_are_in_points_of_the_rating() -> None:
    assert rows(part(story(), "changes"))[4][4] == "+0.05 [−0.05, +0.15]"


def test_alignment_tax_is_what_matched_benchmarks_lost_against_the_base() -> None:
    whole = story()
    tracks = [*whole.tracks[:3], whole.tracks[3]._replace(judge="exact")]
    found = rows(part(replace(whole, tracks=tracks), "tax"))
    assert [row[:3] for row in found[1:]] == [
        [step, "base", "MT-Bench, exact"] for step in ("iter1", "iter2", "iter3")
    ]


def test_what_is_compared_with_care_has_a_column_of_its_own() -> None:
    whole = story()
    careful = replace(whole.changes[0], unlike=["3 pairs are unread", "on 37"], detectable=None)
    found = rows(part(replace(whole, changes=[careful]), "changes"))
    assert found[1][7:] == ["", "2520", "3 pairs are unread; on 37"]


def test_of_fallen_prompts_the_worst_are_shown_and_the_rest_counted() -> None:
    html = part(story(), "fallen")
    assert "iter3 against iter2, AlpacaEval 2.0, gpt-4-1106-preview: 25 prompts" in html
    assert "The worst first; 5 more fell less far" in html
    assert rows(html)[1] == ["alpaca_eval/0", "90.00", "10.00", "−80.00"]
    assert len(rows(html)) == 21


def test_a_game_shows_matrix_winner_and_shape() -> None:
    html = part(story(), "game")
    assert rows(html)[1] == ["base", "", "40.0", "30.0", "20.0", "0.0", "37.5", "0"]
    assert "0 of 4 triads without an even pair" in html
    assert "at most 3.1 points" in html


@pytest.mark.parametrize("elo", [(), (0.0, float("inf"), -float("inf"), 3.0)])
def test_strengths_are_shown_where_there_are_some(elo: tuple[float, ...]) -> None:
    whole = story()
    html = part(replace(whole, games=[replace(whole.games[0], elo=elo)]), "game")
    assert ("Elo" in html) is bool(elo)
    assert ('data-order="-Infinity"' in html) is bool(elo)


def test_a_gap_that_grew_is_flagged() -> None:
    found = rows(part(story(), "gaps"))
    assert [row[-1] for row in found[1:]] == ["", "⚑ over-optimised", "⚑ over-optimised"]
    assert found[1][:5] == ["iter1", "AlpacaEval 2.0", "pairrm", "gpt-4-1106-preview", "+10.00"]


def test_the_first_gap_has_not_grown_from_any() -> None:
    whole = story()
    first = whole.gaps[0]._replace(growth=None, against=None)
    assert rows(part(replace(whole, gaps=[first]), "gaps"))[1][5:7] == ["", ""]


def test_every_score_is_listed() -> None:
    whole = story()
    assert len(rows(part(whole, "details"))) == 1 + sum(len(e.scores) for e in whole.entries)


def test_identity_names_origins_and_what_decided_the_scores() -> None:
    html = part(story(), "identity")
    assert rows(html)[2] == ["iter1", "base", "sppo", "pairrm"]
    assert "<dt>judge rubric</dt><dd>0123456789abcdef</dd>" in html


def test_a_judge_on_trial_is_a_table_that_sorts_by_its_figures_with_its_notes() -> None:
    html = part(hostile("j"), "trial")
    assert rows(html)[1] == ["j", "j", "62.50* [40.00, 80.00]", "62.50* [40.00, 80.00]", "40", "2"]
    assert 'data-order="62.5"' in html
    assert "<summary>Notes</summary>" in html
