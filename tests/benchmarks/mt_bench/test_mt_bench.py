"""MT-Bench as a user runs it."""

import json
from pathlib import Path

import pytest

from benchmarks.mt_bench import BASELINE_ANSWERS, BENCHMARK, CORRECTED, PAIRWISE, load_baseline
from benchmarks.mt_bench.questions import CORRECTED_REFERENCES
from harness.errors import DataError
from harness.models.scripted import Scripted
from harness.pipeline import Answers, evaluate, grade
from harness.types import Prompt
from tests.benchmarks.mt_bench.records import (
    MATHS,
    PLAIN,
    SHELF,
    answer_row,
    answered,
    pair,
    single,
)
from tests.command import Run
from tests.records import judge

ORPO = "mt_bench/model_answer_forks/mistral-orpo-mix.jsonl"
JUDGED = "mt_bench/model_judgment/gpt-4_single/mistral-orpo-mix.jsonl"
VICUNA = "replay:asset:mt_bench/model_answer/vicuna-13b-v1.3.jsonl"


def test_published_judgments_score_published_answers_and_nobody_is_asked(
    run: Run, mirror: Path, tmp_path: Path
) -> None:
    del mirror
    answers, judgments = f"replay:asset:{ORPO}", f"asset:{JUDGED}"
    args = ("score", answers, "-b", "mt_bench", "--judgments", judgments, "--json", "out.json")
    code, out, _ = run(*args)
    assert code == 0
    assert "6.00 [5.30, 6.70]" in out
    assert "references: mt_bench/reference_answer_gpt-4.jsonl" in out
    (result,) = json.loads((tmp_path / "out.json").read_text())["results"]
    found = {score["metric"]: score for score in result["scores"]}
    assert tuple(found) == BENCHMARK.card.metrics
    assert found["score"]["value"] == pytest.approx(6.003125, abs=1e-12)
    assert {score["unit"] for score in found.values()} == {"rating"}
    assert "f957a5bc977b" in result["identity"]["references"]


def test_a_file_of_many_models_is_rescored_by_model(run: Run, mirror: Path, tmp_path: Path) -> None:
    del mirror
    rows = [single(model="a"), single("[[2]]", model="b"), single(model="a", turn=2)]
    (tmp_path / "gpt-4_single.jsonl").write_text("\n".join(map(json.dumps, rows)))
    code, out, _ = run("rescore", "mt_bench", "--judgments", "gpt-4_single.jsonl")
    assert code == 0
    rows_shown = [line for line in out.splitlines() if line.startswith("|")][2:]
    assert [line.split("|")[1].strip() for line in rows_shown] == ["a", "b"]
    assert "158 of 160 turns without a judgment" in out


def test_a_pairwise_file_is_rescored(run: Run, mirror: Path, tmp_path: Path) -> None:
    del mirror
    (tmp_path / "gpt-4_pair.jsonl").write_text(json.dumps(pair()))
    code, out, _ = run("rescore", "mt_bench@pairwise", "--judgments", "gpt-4_pair.jsonl")
    assert code == 0
    assert "159 of 160 turns without a judgment" in out


@pytest.mark.parametrize(
    ("command", "judged"),
    [
        (("score", VICUNA, "-b", "mt_bench"), 160),
        (("score", VICUNA, "-b", "mt_bench@pairwise"), 316),  # two turns are word for word alike
        (("compare", VICUNA, f"replay:asset:{ORPO}", "-b", "mt_bench"), 320),
    ],
)
def test_every_turn_would_be_judged(
    run: Run, mirror: Path, tmp_path: Path, command: tuple[str, ...], judged: int
) -> None:
    del mirror
    code, _, _ = run(*command, "--dry-run", "--json", "plan.json")
    assert code == 0
    plans = json.loads((tmp_path / "plan.json").read_text())["plan"]
    assert sum(plan["to_judge"] for plan in plans) == judged


def test_no_baseline_meets_answers_that_are_rated_alone(run: Run, mirror: Path) -> None:
    del mirror
    code, _, err = run("score", VICUNA, "-b", "mt_bench", "--baseline", VICUNA, "--dry-run")
    assert code == 2
    assert "which rates each alone" in err


def test_a_baseline_that_lacks_questions_is_refused() -> None:
    lacking = SHELF.put(BASELINE_ANSWERS, [answer_row(81)])
    assert [answer.prompt.id for answer in load_baseline(lacking)] == ["mt_bench/81"]
    with pytest.raises(DataError, match=r"1 of 1 have none \(first: mt_bench/111\)"):
        PAIRWISE.compare([answered(MATHS, "a", "b")], lacking)


def test_scores_by_other_references_have_another_identity() -> None:
    both = SHELF.put(CORRECTED_REFERENCES, [answer_row(111, "II", "III")])
    original, corrected = (one.identify(both) for one in (BENCHMARK, CORRECTED))
    assert original["references"].startswith("mt_bench/reference_answer_gpt-4.jsonl, sha256 ")
    assert corrected["references"].startswith("mt_bench/reference_answer_gpt-4-0125-preview.jsonl")
    assert BENCHMARK.grader(both) != CORRECTED.grader(both)


def test_a_judge_that_is_asked_several_times_gives_mean_ratings_and_its_noise() -> None:
    said = {0: "[[8]]", 1: "[[6]]"}
    model = Scripted(lambda asked: said[asked.decoding.sample], "openai:gpt-4")
    repeated = judge("repeats:2:openai:gpt-4", model, BENCHMARK.grader(SHELF))
    mine = Scripted(lambda _: "fine", "mine")
    found = {s.metric: s for s in evaluate(BENCHMARK, mine, repeated, SHELF).scores}
    assert (found["score"].value, found["score"].n) == (7, 4)
    assert (found["judge_noise"].unit, found["judge_noise"].value) == ("rating", 0.5)


def test_an_answer_that_does_not_fit_is_counted_in_both_of_its_turns_and_named() -> None:
    lost = Answers("mine", {}, [answered(PLAIN, failure="prompt is 9 tokens, the window is 8")])
    asked = Scripted(lambda _: "[[8]]", "openai:gpt-4")
    result = grade(BENCHMARK, lost, judge("openai:gpt-4", asked, BENCHMARK.grader(SHELF)), SHELF)
    assert [(item.id, item.cause) for item in result.items] == [
        ("mt_bench/81/turn-1", "no response: prompt is 9 tokens, the window is 8"),
        ("mt_bench/81/turn-2", "no response: prompt is 9 tokens, the window is 8"),
    ]
    assert (result.scores[0].value, result.scores[0].n_unread, asked.asked) == (None, 2, [])


def test_a_pairwise_run_is_judged_in_both_orders_and_summed_up() -> None:
    """The judge prefers what stands second of the first question, and the candidate of the sum."""
    shelf = SHELF.put(BASELINE_ANSWERS, [answer_row(81), answer_row(111)])

    def says(asked: Prompt) -> str:
        text = asked.turns[0]
        return "[[B]]" if not text.startswith("R") or text.endswith("fine.") else "[[A]]"

    by_gpt_4 = judge("openai:gpt-4", Scripted(says, "openai:gpt-4"), PAIRWISE.grader(shelf))
    result = evaluate(PAIRWISE, Scripted(lambda _: "fine", "mine"), by_gpt_4, shelf)
    found = {score.metric: score.value for score in result.scores}
    assert tuple(found) == PAIRWISE.card.metrics
    assert [found[f"{share}_rate"] for share in ("win", "loss", "tie")] == [0.5, 0, 0.5]
    assert [item.value for item in result.items] == [0.5, 0.5, 1, 1]
    assert result.identity["baseline"] == "gpt-3.5-turbo"
