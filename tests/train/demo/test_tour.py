"""The demonstration, from nothing to its report."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.commands.setting import Setting
from tests.command import Run
from train.demo.checkpoint import make_base
from train.demo.tour import Tour, by_iteration, side_by_side


@pytest.mark.slow
def test_the_quick_tour_trains_scores_and_reports(run: Run, tmp_path: Path) -> None:
    ran = run("demo", "--quick")
    assert ran.status == 0, ran.err
    folder = tmp_path / "results" / "demo-quick"
    report = (folder / "report.md").read_text()
    for part in ("LC win rate", "under three judges", "head-to-head", "sppo-iter1 best of 16"):
        assert part in report
        assert part in ran.out
    judged = report.partition("The same answers under three judges")[2].splitlines()
    gained = next(line for line in judged if line.startswith("| sppo-iter1 ")).split("|")
    assert float(gained[2]) > 52, "one iteration pleases the judge that it was trained on"
    series = yaml.safe_load((folder / "demo.yaml").read_text())
    assert [c["name"] for c in series["checkpoints"]] == [
        "base",
        "sppo-iter1",
        "base best of 16",
        "sppo-iter1 best of 16",
    ]
    again = run("demo", "--quick")
    assert again.out == ran.out
    assert "answering" not in again.err


def document(**rates: float) -> dict[str, Any]:
    """What `score` keeps of two checkpoints under a judge."""
    return {
        "results": [
            {
                "checkpoint": name,
                "scores": [
                    {"metric": "lc_win_rate", "value": 0.1},
                    {"metric": "win_rate", "value": rate},
                    {"metric": "accuracy", "value": 0.25},
                    {"metric": "avg_length", "value": 7.125},
                ],
            }
            for name, rate in rates.items()
        ]
    }


def test_judges_stand_side_by_side() -> None:
    table = side_by_side(
        {
            "tiny_gold": document(base=0.5, iter1=0.4),
            "tiny_long": document(base=0.5, iter1=0.9),
            "tiny_eval": document(base=0.5, iter1=0.8),
        }
    )
    assert table.rows[1] == ["iter1", "90.00", "80.00", "40.00", "25.00", "7.12"]


def test_a_value_that_is_withheld_says_so() -> None:
    nothing: Any = {"base": None}
    table = side_by_side(
        dict.fromkeys(("tiny_gold", "tiny_long", "tiny_eval"), document(**nothing))
    )
    assert table.rows == [["base", *["withheld"] * 3, "25.00", "7.12"]]


def test_checkpoints_that_judge_stand_beside_the_points_themselves(tmp_path: Path) -> None:
    """Filler of three and of five characters: 3 points both, but two ranks, so 2 of 3 are right."""
    make_base(tmp_path / "m0")
    texts = ["*cba.", "*cba.xyz", "*cba.xyzxy"]
    ranked = [{"text": text, "rank": rank} for rank, text in enumerate(texts, 1)]
    row = json.dumps({"prompt": "reverse:abc=", "responses": ranked})
    (tmp_path / "eft_eval.jsonl").write_text(f"{row}\n{row}\n")
    checkpoints = [{"name": name, "model": "hf:./m0"} for name in ("base", "self-iter1")]
    (tmp_path / "demo.yaml").write_text(yaml.safe_dump({"name": "d", "checkpoints": checkpoints}))
    (table,) = Tour(tmp_path, quick=False, processes=1, setting=Setting())._judging()
    assert [name for name, *_ in table.rows] == ["self-iter1", "the true points"]
    assert table.rows[1][1:3] == ["66.67 [66.67, 66.67]", "100.00 [100.00, 100.00]"]


def test_a_recipe_that_fails_is_named_with_its_reason(tmp_path: Path) -> None:
    from harness.errors import ModelError
    from train.demo.tour import Course

    (tmp_path / "broken.yaml").write_text("name: broken\n")
    tour = Tour(tmp_path, quick=True, processes=1, setting=Setting())
    with pytest.raises(ModelError, match=r"broken.yaml' to train, .*the key 'base' is missing"):
        tour._trained(Course("broken", "broken"))


def test_the_recipes_of_the_tour_are_complete() -> None:
    from train.demo.tour import FULL, QUICK
    from train.recipe import read_recipe

    folder = Path(__file__).parents[3] / "train" / "demo" / "recipes"
    for course in (*FULL, *QUICK):
        recipe = read_recipe(folder / f"{course.recipe}.yaml", course.variant)
        assert recipe.held_out == ["tiny_instruct", "tiny_instruct@selection", "tiny_instruct@hard"]


def test_each_method_is_drawn_from_the_base_on() -> None:
    rates = {"base": 0.5, "dpo-iter1": 0.6, "dpo-iter2": 0.7, "base best of 16": 0.9}
    documents = {judge: document(**rates) for judge in ("tiny_gold", "tiny_long", "tiny_eval")}
    first, *_, last = by_iteration(documents)
    assert first.title == "win rate, training judge (%)"
    assert first.lines == {"dpo": [(0, 50), (1, 60), (2, 70)]}
    assert last.lines == {"dpo": [(0, 7.125), (1, 7.125), (2, 7.125)]}
