"""Our log-likelihoods, metrics and standard errors beside those of lm-eval's own HFLM."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from harness import registry
from harness.judging import Matched
from harness.lm_eval.adapter import as_lm
from harness.lm_eval.local import Reader
from harness.lm_eval.opening import Part, Suite, only, open_suite, specs_of
from harness.lm_eval.package import _manager, open_tasks, quiet
from harness.lm_eval.suite import benchmark
from harness.models.hf import build
from harness.pipeline import Result, answer, grade
from harness.types import Assets, Benchmark, ModelOptions, Prompt
from tests.harness.lm_eval import trimmed
from tests.harness.lm_eval.trimmed import Trimmed
from tests.tiny.checkpoint import make_checkpoint

pytest.importorskip("lm_eval", reason="the lm-eval extra is not installed")
pytestmark = [
    pytest.mark.usefixtures("own_cache"),
    pytest.mark.filterwarnings("ignore"),  # of the package that is the oracle
]
pytest_plugins = ["tests.tiny.fixtures"]

LEAVES = ("open_llm_leaderboard", "nlp9", "agieval")
SUBJECTS = only(*(f"mmlu_{subject}" for subject in trimmed.SUBJECTS))


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint whose window holds most questions, and few of those with many examples."""
    return make_checkpoint(tmp_path_factory.mktemp("wide") / "checkpoint", window=512)


@pytest.fixture(scope="module")
def few(official: Assets) -> Assets:
    """Official files of 60 rows, of which no more than 50 are asked."""
    return Trimmed(official, 60)


class Both(NamedTuple):
    ours: Result
    prompts: Sequence[Prompt]
    theirs: dict[str, Any]


def first(made: Benchmark, limit: int) -> Benchmark:
    """As `--limit` of lm-eval: the first documents of each task."""

    def load(assets: Assets) -> list[Prompt]:
        return [p for p in made.load(assets) if int(p.id.split("/")[2]) < limit]

    return replace(made, load=load)


def both(parts: Sequence[Part], checkpoint: Path, assets: Assets, limit: int) -> Both:
    made = first(benchmark(registry.benchmark("nlp9").card, Suite(parts)), limit)
    model = build(f"hf:{checkpoint}", ModelOptions(batch_size=4))
    answers = answer(made, model, assets)
    matcher: Any = made.grader(assets)
    ours = grade(made, answers, Matched(matcher), assets)
    return Both(ours, made.load(assets), reference(parts, checkpoint, assets, limit))


def reference(
    parts: Sequence[Part], checkpoint: Path, assets: Assets, limit: int
) -> dict[str, Any]:
    from lm_eval import evaluate
    from lm_eval.models.huggingface import HFLM

    reader, tasks = Reader(assets), dict[str, Any]()
    for part in parts:
        opened = open_tasks(*specs_of(part, part.tasks(), reader, hub=False))
        tasks |= {task.task_name: task for task in opened}
    with quiet():
        lm = HFLM(pretrained=str(checkpoint), device="cpu", batch_size=8, dtype="float32")
        found: dict[str, Any] = evaluate(
            lm, {"tasks": tasks}, limit=limit, bootstrap_iters=1, log_samples=True
        )
    return found


def quick(name: str) -> list[Part]:
    module = __import__(f"benchmarks.{name}", fromlist=["PARTS"])
    return [
        part._replace(tasks=SUBJECTS if part.name == "mmlu" else part.tasks)
        for part in module.PARTS
    ]


def check_metrics(found: Both, parts: Sequence[Part]) -> None:
    scores = {score.metric: score for score in found.ours.scores}
    for part in parts:
        theirs = [found.theirs["results"][task] for task in part.tasks()]
        key = f"{part.metric},{part.filter or next_filter(theirs[0], part.metric)}"
        expected = sum(one[key] for one in theirs) / len(theirs)
        assert scores[part.name].value == pytest.approx(expected, abs=1e-5), part.name
        if len(theirs) == 1:
            stderr = theirs[0][key.replace(",", "_stderr,")]
            assert scores[part.name].standard_error == pytest.approx(stderr, abs=1e-5)


def next_filter(result: dict[str, Any], metric: str) -> str:
    return next(key.split(",")[1] for key in result if key.startswith(f"{metric},"))


def check_answers(found: Both) -> None:
    """Every single request's."""
    answers = {
        v.comparison.candidate.prompt.id: v.comparison.candidate for v in found.ours.verdicts
    }
    for task, samples in found.theirs["samples"].items():
        for sample in samples:
            answer = answers[f"nlp9/{task}/{sample['doc_id']}"]
            theirs = [one[0] for one in sample["resps"]]
            if not answer.prompt.choices:
                assert [answer.text] == theirs
                continue
            ours = [(r.logprob, r.finish_reason == "likeliest") for r in answer.responses]
            assert [one[0] for one in ours] == pytest.approx(
                [one[0] for one in theirs], rel=1e-5, abs=1e-5
            )
            assert [one[1] for one in ours] == [one[1] for one in theirs]


@pytest.mark.parametrize("name", LEAVES)
def test_answers_and_metrics_are_those_of_lm_eval(name: str, wide: Path, few: Assets) -> None:
    parts = quick(name)
    found = both(parts, wide, few, limit=2)
    check_answers(found)
    check_metrics(found, parts)


@pytest.mark.slow
@pytest.mark.parametrize("name", LEAVES)
def test_fifty_documents_of_each_task_are_those_of_lm_eval(
    name: str, wide: Path, few: Assets
) -> None:
    parts = quick(name)
    found = both(parts, wide, few, limit=50)
    check_answers(found)
    check_metrics(found, parts)


def test_lm_evals_own_evaluator_takes_our_model(wide: Path, few: Assets) -> None:
    from lm_eval import evaluate

    parts = [Part("piqa", only("piqa"), "acc", shots=0)]
    theirs = reference(parts, wide, few, limit=5)
    tasks = {"piqa": open_suite("x", Suite(parts), few).documents["piqa"][0].task}
    with quiet():
        lm = as_lm(build(f"hf:{wide}", ModelOptions()))
        ours: Any = evaluate(lm, {"tasks": tasks}, limit=5, bootstrap_iters=0)
    assert ours["results"]["piqa"]["acc,none"] == theirs["results"]["piqa"]["acc,none"]


def test_requests_are_those_of_lm_evals_own_evaluation(
    few: Assets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own seeds and its own draw of examples; only data and shots are told to it."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    from lm_eval import simple_evaluate
    from lm_eval.models.dummy import DummyLM

    parts = [part for name in LEAVES for part in quick(name) if part.shots]
    for part in parts:
        specs, folders = specs_of(part, part.tasks(), Reader(few), hub=False)
        asked = [{"group": part.name, "task": specs}]
        found = simple_evaluate(
            DummyLM(), tasks=asked, task_manager=_manager(tuple(folders)), limit=3
        )
        prompts = open_suite("x", Suite([part]), few).prompts
        ours = {prompt.id: [*product(prompt.turns, prompt.choices or [""])] for prompt in prompts}
        for task, samples in found["samples"].items():
            for sample in samples:
                theirs = [
                    (context, said if isinstance(said, str) else "")
                    for context, said in sample["arguments"]
                ]
                assert ours[f"x/{task}/{sample['doc_id']}"] == theirs
