"""The judge that labelled the training data beside judges that did not."""

import pytest

from harness.report.telling.stopped import UNTIL
from harness.types import Score
from tests.harness.report.telling.series import cell, told

CHILD = {"iteration": "1", "parent": "base", "trained_by_judge": "pairrm"}
LOW, HIGH = [0.0] * 20 + [1.0] * 4, [1.0] * 24


def series(theirs: list[float], ours: list[float], **held: object) -> list[object]:
    return [
        cell("base", LOW, judge="pairrm"),
        cell("i1", theirs, judge="pairrm", place=CHILD),
        cell("base", LOW, judge="openai:gpt-4", **held),
        cell("i1", ours, judge="openai:gpt-4", place=CHILD, **held),
    ]


def test_a_gap_that_grows_is_a_sign_of_over_optimisation() -> None:
    base, child = told(*series(HIGH, LOW)).gaps  # type: ignore[arg-type]
    assert (base.value, base.growth, base.against, base.grown) == (0.0, None, None, False)
    assert child.value == pytest.approx(20 / 24)
    assert child.growth is not None
    assert child.growth.value == pytest.approx(20 / 24)
    assert (child.against, child.grown) == ("base", True)


def test_judges_that_rise_together_have_no_gap() -> None:
    _, child = told(*series(HIGH, HIGH)).gaps  # type: ignore[arg-type]
    assert (child.value, child.grown) == (0.0, False)


def test_a_gap_that_shrinks_has_not_grown() -> None:
    _, child = told(*series(LOW, HIGH)).gaps  # type: ignore[arg-type]
    assert child.value < 0
    assert not child.grown


def test_verdicts_of_another_unit_are_not_set_beside() -> None:
    rated = {"scores": [Score("win_rate", 4 / 24, 24, unit="rating")]}
    assert told(*series(HIGH, LOW, **rated)).gaps == []  # type: ignore[arg-type]


def test_without_a_judge_that_labelled_data_there_are_no_gaps() -> None:
    place = {"iteration": "1", "parent": "base"}
    assert told(cell("base", judge="pairrm"), cell("i1", judge="pairrm", place=place)).gaps == []


def test_a_withheld_score_has_no_gap() -> None:
    withheld = [Score("win_rate", None, 24, 20)]
    cells = series(HIGH, LOW)
    cells[1] = cell("i1", HIGH, judge="pairrm", place=CHILD, scores=withheld)
    assert [gap.step for gap in told(*cells).gaps] == ["base"]  # type: ignore[arg-type]


def test_growth_is_told_where_most_prompts_were_read() -> None:
    few = [*HIGH[:12], *[None] * 12]
    _, child = told(*series(few, LOW)).gaps  # type: ignore[arg-type]
    assert (child.growth, child.grown) == (None, False)


def test_judges_that_stopped_when_it_was_decided_are_not_set_beside() -> None:
    stopped = {"identity": {UNTIL: "so"}}
    assert told(*series(HIGH, LOW, **stopped)).gaps == []  # type: ignore[arg-type]


def test_a_gap_grows_by_holm_over_all_gaps_and_by_clusters() -> None:
    """Eight gains of one cluster each decide it; the same in four clusters do not."""
    rises, same = [1.0] * 8 + [0.0] * 16, [0.0] * 24
    cells = [
        cell("base", same, judge="pairrm"),
        cell("i1", rises, judge="pairrm", place=CHILD),
        cell("base", same),
        cell("i1", same, place=CHILD),
    ]
    assert told(*cells).gaps[1].grown
    by_four = told(*cells, cluster=lambda id_: str(int(id_[-3:]) // 2)).gaps[1]
    assert not by_four.grown
    others = [
        cell(name, same, judge=f"openai:{n}", place=place)
        for n in range(9)
        for name, place in (("base", {}), ("i1", CHILD))
    ]
    # 2 of 2^8 patterns are as far: 0.0078, and ten such tests at once decide nothing.
    many = [gap for gap in told(*cells, *others).gaps if gap.step == "i1"]
    assert (len(many), any(gap.grown for gap in many)) == (10, False)
