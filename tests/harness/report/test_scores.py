"""Results as people and as programs read them."""

import json

import pytest

from harness.pipeline import Result
from harness.report.scores import (
    FORMAT,
    cell,
    parts_tables,
    results_data,
    results_table,
    score_data,
)
from harness.types import Score, Verdict
from tests.records import card, comparison, prompt, result, score, verdict


def unread(*causes: str) -> list[Verdict]:
    return [verdict(), *(verdict(None, cause) for cause in causes)]


def notes(*results: Result) -> str:
    return "\n".join(results_table([(f"iter{n}", one) for n, one in enumerate(results)]).notes)


@pytest.mark.parametrize(
    ("one", "shown"),
    [
        (score(0.28631), "28.63"),
        (score(0.5, interval=(0.412345, 0.6)), "50.00 [41.23, 60.00]"),
        (score(0.5, n=99, n_unread=1), "50.00"),
        (score(0.5, n=98, n_unread=2), "50.00*"),
        (score(0.5, n=98, n_unread=2, interval=(0.4, 0.6)), "50.00* [40.00, 60.00]"),
        (score(None, n=5, n_unread=5), "withheld"),
        (score(None, n=5, n_unread=5, bounds=(0.25, 0.75)), "withheld [25.00, 75.00]"),
        (score(1873.6, unit="characters"), "1874"),
        (score(7.856, unit="rating"), "7.86"),
        (score(7.856, unit="rating", interval=(7.5, 8.25)), "7.86 [7.50, 8.25]"),
        (score(None, unit="rating", bounds=(5.5, 8.0)), "withheld [5.50, 8.00]"),
    ],
)
def test_a_score_is_shown_in_its_unit_with_a_mark_above_one_percent_unread(
    one: Score, shown: str
) -> None:
    assert cell(one) == shown


def test_a_table_has_a_row_for_each_checkpoint_in_the_order_given() -> None:
    table = results_table([("b", result(score(0.25))), ("a", result(score(0.5, n_unread=1)))])
    assert table.rows == [["b", "25.00", "100", "0"], ["a", "50.00", "100", "1"]]


def test_a_row_without_a_metric_that_others_have_is_empty_there() -> None:
    gold = score(0.75, metric="gold_win_rate")
    rows = [("a", result(score(0.25))), ("b", result(score(0.5), gold))]
    for some in (rows, rows[::-1]):
        table = results_table(some)
        assert table.columns[1:3] == ["win rate", "gold win rate"]
        cells = {row[0]: row[2] for row in table.rows}
        assert cells == {"a": "", "b": "75.00"}


def test_a_table_says_which_benchmark_and_which_judge() -> None:
    table = results_table([("a", result(judge="hf:j", card=card(title="AlpacaEval 2.0")))])
    assert table.title == "AlpacaEval 2.0, hf:j judging, 95 % intervals"


def test_columns_are_called_as_people_say() -> None:
    scores = [score(metric=name) for name in ("lc_win_rate", "discrete_win_rate", "avg_length")]
    columns = ["checkpoint", "LC win rate", "discrete win rate", "length", "n", "unread"]
    assert results_table([("a", result(*scores))]).columns == columns


def test_counts_are_those_of_the_main_score() -> None:
    one = result(score(n=7, n_unread=2), score(n=9))
    assert results_table([("a", one)]).rows[0][-2:] == ["7", "2"]


def test_notes_tell_what_decided_the_scores_but_not_what_differs_by_row() -> None:
    identity = {"baseline": "gpt4", "prompts": "805", "model weights": "f00", "judge key": "x"}
    assert notes(result(identity=identity)) == "baseline: gpt4\nprompts: 805"


def test_doubts_stand_below_with_the_name_of_their_row() -> None:
    assert "iter1: the judge trained it" in notes(
        result(), result(score(doubts=("the judge trained it",)))
    )


def test_nothing_unread_needs_no_note() -> None:
    assert "unread" not in notes(result(verdicts=[verdict()]))


def test_unread_verdicts_are_counted_with_what_they_could_have_changed() -> None:
    one = score(0.5, n=95, n_unread=5, bounds=(0.475, 0.525))
    said = notes(result(one, verdicts=unread("no letter")))
    assert "iter0: 5 unread, the score is kept at 95.0% coverage, within [47.50, 52.50]" in said
    assert "had they been read (1 no letter)" in said


def test_a_withheld_score_says_so() -> None:
    one = score(None, n=9, n_unread=1)
    assert "1 unread, the score is withheld at 90.0% coverage (1 no letter)" in notes(
        result(one, verdicts=unread("no letter"))
    )


def test_the_most_frequent_causes_are_named_first() -> None:
    causes = ["a", "b", "c", "z", "z", "y", "y"]
    one = result(score(n_unread=7), verdicts=unread(*causes))
    assert notes(one).endswith("(2 y; 2 z; 1 a)")


def test_unread_verdicts_of_which_only_the_number_is_known_have_no_empty_list_of_causes() -> None:
    assert notes(result(score(n=99, n_unread=1))).endswith(
        "1 unread, the score is kept at 99.0% coverage"
    )


def test_data_stay_fractions() -> None:
    one = score(0.25, interval=(0.125, 0.5), n=3, n_unread=1, bounds=(0.1, 0.6), doubts=("why",))
    assert score_data(one) == {
        "metric": "win_rate",
        "value": 0.25,
        "unit": "fraction",
        "interval": (0.125, 0.5),
        "standard_error": None,
        "n": 3,
        "n_unread": 1,
        "coverage": 0.75,
        "bounds": (0.1, 0.6),
        "doubts": ["why"],
    }


def test_a_result_as_data_carries_its_identity() -> None:
    (data,) = results_data([("iter1", result(identity={"baseline": "gpt4"}))])
    assert data.pop("scores") == [score_data(score())]
    assert data == {
        "checkpoint": "iter1",
        "benchmark": "tiny@1",
        "model": "hf:a",
        "judge": "openai:gpt-4",
        "identity": {"baseline": "gpt4"},
    }


def test_items_come_only_when_they_are_asked_for() -> None:
    shown = comparison(asked=prompt("q7"))
    one = result(verdicts=[verdict(0.5), verdict(None, "no letter", comparison=shown)])
    (data,) = results_data([("a", one)], items=True)
    assert data["items"] == [
        {"id": "q0", "value": 0.5, "cause": None},
        {"id": "q7", "value": None, "cause": "no letter"},
    ]


def test_data_are_json() -> None:
    one = result(score(None, bounds=(0.0, 1.0)), verdicts=unread("x"))
    assert json.loads(json.dumps(results_data([("a", one)], items=True)))


def test_the_format_has_a_version() -> None:
    assert FORMAT == "iterbench.results/1"


def parted(**values: float) -> Result:
    return result(score(), *(score(one, metric=f"win_rate/{part}") for part, one in values.items()))


def test_parts_are_in_a_table_of_their_own() -> None:
    one, other = parted(maths=0.25, prose=0.5), parted(maths=1.0)
    assert results_table([("a", one)]).columns == ["checkpoint", "win rate", "n", "unread"]
    (table,) = parts_tables([("a", one), ("b", other)])
    assert table.columns == ["part", "a", "b"]
    assert table.rows == [["win_rate/maths", "25.00", "100.00"], ["win_rate/prose", "50.00", ""]]


def test_doubts_about_parts_are_told_once_below_their_table() -> None:
    doubted = result(score(), score(metric="win_rate/maths", doubts=("few rounds",)))
    (table,) = parts_tables([("a", doubted), ("b", doubted)])
    assert table.notes == ["win_rate/maths: few rounds"]


def test_details_of_parts_are_data_only() -> None:
    assert parts_tables([("a", result(score(), score(metric="win_rate/maths/task 1")))]) == []
