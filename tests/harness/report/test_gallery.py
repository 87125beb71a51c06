"""A story has the figures that it has something for, and no other."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.classes import Classes
from harness.report.gallery import Drawing, draw_story
from harness.report.story import Story, Vectors
from tests.stories import story


def names(drawn: list[Drawing]) -> list[str]:
    return [drawing.path.name for drawing in drawn]


def texts(drawn: list[Drawing], name: str) -> list[str]:
    path = next(d.path for d in drawn if d.path.name == name)
    return re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text())


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Drawing]:
    classes = {
        f"alpaca_eval@2.0/{n}": Classes("Cooking / Recipes", str(1 + n % 2), "1 sentence")
        for n in range(40)
    }
    return draw_story(tmp_path_factory.mktemp("figures"), replace(story(), classes=classes))


def test_a_full_series_has_every_figure(drawn: list[Drawing]) -> None:
    assert names(drawn) == [
        "progress.svg",
        "radar-3.svg",
        *(f"shares-{n}.svg" for n in range(3)),
        "game-0.svg",
        *(f"length-{n}.svg" for n in range(3)),
        "judges-0.svg",
        *(f"classes-{n}.svg" for n in range(2)),
    ]
    assert all(d.path.is_file() and d.title and d.told for d in drawn)


def test_progress_has_a_panel_for_each_benchmark_and_a_line_for_each_win_rate(
    drawn: list[Drawing],
) -> None:
    found = texts(drawn, "progress.svg")
    assert {"AlpacaEval 2.0", "pairrm", "MT-Bench", "LC win rate", "win rate"} <= {*found}
    assert "turn 1" not in found


def test_the_radar_has_the_categories_and_not_the_turns(drawn: list[Drawing]) -> None:
    found = texts(drawn, "radar-3.svg")
    assert {"writing", "math"} <= {*found}
    assert "turn 1" not in found


def test_a_category_that_is_withheld_of_one_checkpoint_is_left_out_of_all_and_named(
    tmp_path: Path,
) -> None:
    whole = story(3, 5)
    first = next(e for e in whole.entries if e.track == 3)
    held = [replace(s, value=None) if s.metric == "math" else s for s in first.scores]
    entries = [replace(e, scores=held) if e is first else e for e in whole.entries]
    drawn = draw_story(tmp_path, replace(whole, entries=entries))
    found = texts(drawn, "radar-3.svg")
    assert {"writing", "base", "iter1", "iter2"} <= {*found}
    assert "math" not in found
    (told,) = [one.told for one in drawn if one.path.name == "radar-3.svg"]
    assert "Not drawn, for a checkpoint has no rating there: math." in told


def test_judges_are_named_by_their_part_in_training(drawn: list[Drawing]) -> None:
    found = {*texts(drawn, "judges-0.svg")}
    assert {"pairrm (labelled training data)", "gpt-4-1106-preview (held out)", "length"} <= found


def test_a_judge_that_is_named_gold_is_called_so(tmp_path: Path) -> None:
    whole = replace(story(2, 5), gaps=[], gold="gpt-4-1106-preview")
    found = {*texts(draw_story(tmp_path, whole), "judges-0.svg")}
    assert {"pairrm (labelled training data)", "gpt-4-1106-preview (gold)"} <= found


def test_a_gold_score_is_a_curve_beside_the_score_that_it_corrects(tmp_path: Path) -> None:
    whole = story(2, 5)
    gold = replace(whole.entries[0].scores[0], metric="gold_win_rate")
    first = [replace(e, scores=[*e.scores, gold]) for e in whole.entries if e.track == 1]
    drawn = draw_story(tmp_path, replace(whole, gaps=[], entries=first))
    found = {*texts(drawn, "judges-1.svg")}
    assert {"pairrm, corrected by gold", "AlpacaEval 2.0: win rate"} <= found


def test_vectors_are_planes_of_prompts_and_of_responses_by_checkpoint(tmp_path: Path) -> None:
    whole = story(2, 5)
    several = np.random.default_rng(0).normal(size=(6, 3))
    vectors = Vectors("AlpacaEval 2.0", "hf:tiny", several, {"base": several, "iter1": -several})
    drawn = draw_story(tmp_path, replace(whole, vectors=[vectors]))
    assert names(drawn)[-2:] == ["asked.svg", "answered.svg"]
    assert {"base", "iter1", "AlpacaEval 2.0"} <= {*texts(drawn, "answered.svg")}


def test_shares_are_of_the_verdicts_that_were_read(tmp_path: Path) -> None:
    whole = story(2, 5)
    values = [None, 1.0, 1.0, 0.5, 0.2]
    entry = whole.entries[0]
    items = [i._replace(value=v) for i, v in zip(entry.items, values, strict=True)]
    drawn = draw_story(tmp_path, replace(whole, entries=[replace(entry, items=items)]))
    assert texts(drawn, "shares-0.svg").count("50.0") == 1
    assert texts(drawn, "shares-0.svg").count("25.0") == 2


def test_a_figure_without_data_is_not_drawn(tmp_path: Path) -> None:
    whole = story(2, 5)
    plain = replace(whole, games=[], gaps=[], entries=whole.entries[2:4])
    assert names(draw_story(tmp_path, plain)) == ["progress.svg", "radar-3.svg", "shares-2.svg"]


def test_one_checkpoint_alone_has_what_shows_no_change(tmp_path: Path) -> None:
    alone = replace(story(1, 5), games=[], classes={"alpaca_eval@2.0/1": Classes(None, "1", None)})
    found = names(draw_story(tmp_path, alone))
    assert found == ["radar-3.svg", *(f"shares-{n}.svg" for n in range(3)), *found[4:]]
    assert found[4:] == ["classes-0.svg", "classes-1.svg"]


def test_of_many_checkpoints_classes_show_the_first_and_the_last_and_say_so(
    tmp_path: Path,
) -> None:
    known = {"alpaca_eval@2.0/1": Classes(None, "1", None)}
    drawn = draw_story(tmp_path, replace(story(9, 5), classes=known))
    found = texts(drawn, "classes-0.svg")
    shown = [f"iter{n}" for n in range(1, 9) if f"iter{n}" in found]
    assert ("base" in found, shown) == (True, [f"iter{n}" for n in range(4, 9)])
    told = next(d.told for d in drawn if d.path.name == "classes-0.svg")
    assert told.endswith("Of 9 checkpoints the first and the last 5.")


def test_a_story_of_nothing_has_no_figures(tmp_path: Path) -> None:
    assert draw_story(tmp_path, Story("nothing", [], [], [], [], [], [], [], [])) == []


def siblings(*methods: str | None) -> Story:
    """Checkpoints that were all trained from one base."""
    whole = story(1 + len(methods), 5)
    base, *others = whole.steps
    steps = [
        step._replace(iteration=1, parent="base", method=method)
        for step, method in zip(others, methods, strict=True)
    ]
    return replace(whole, steps=[base, *steps])


@pytest.mark.parametrize(
    ("methods", "lines"),
    [
        (("sppo", "dpo"), {"sppo, LC win rate", "dpo, LC win rate"}),
        (("sppo", "sppo"), {"iter1, LC win rate", "iter2, LC win rate"}),
        ((None, "dpo"), {"iter1, LC win rate", "iter2, LC win rate"}),
    ],
)
def test_siblings_are_lines_from_one_base(
    tmp_path: Path, methods: tuple[str | None, ...], lines: set[str]
) -> None:
    assert lines <= {*texts(draw_story(tmp_path, siblings(*methods)), "progress.svg")}


def test_checkpoints_of_one_iteration_that_nothing_orders_stand_by_name(tmp_path: Path) -> None:
    whole = siblings(None, None)
    steps = [step._replace(parent=None) for step in whole.steps]
    assert "iter2" in texts(draw_story(tmp_path, replace(whole, steps=steps)), "progress.svg")


def test_checkpoints_without_iterations_stand_by_name(tmp_path: Path) -> None:
    whole = story(2, 5)
    steps = [step._replace(iteration=None) for step in whole.steps]
    assert "iter1" in texts(draw_story(tmp_path, replace(whole, steps=steps)), "progress.svg")


def test_a_withheld_score_has_no_point(tmp_path: Path) -> None:
    whole = story(2, 5)
    entries = [replace(e, scores=[replace(s, value=None) for s in e.scores]) for e in whole.entries]
    drawn = draw_story(tmp_path, replace(whole, entries=entries, games=[]))
    assert names(drawn) == [f"shares-{n}.svg" for n in range(3)]
