"""Vicuna-bench: 80 questions in nine categories, two answers to each scored by a GPT-4 judge.

The judge writes a score from 1 to 10 for each answer, in both orders; a question is won or lost
when both orders prefer the same answer, else tied. The baseline is gpt-3.5-turbo (arXiv
2309.11235). Another model's answers take its place with --baseline, such as the published ones of
alpaca-13b (arXiv 2310.13385).
"""

from collections.abc import Mapping, Sequence

from benchmarks.vicuna_bench import files, parity, reviews
from benchmarks.vicuna_bench.rubric import (
    QUESTIONS,
    REVIEWERS,
    TEMPLATES,
    load_questions,
    rubric,
)
from benchmarks.vicuna_bench.scores import METRICS, reviewed, scores
from harness.pairing import both_ways
from harness.rows import parse_rows
from harness.types import (
    Assets,
    Benchmark,
    Card,
    Files,
    Generation,
    Item,
    Prompt,
    Response,
    Score,
    Verdict,
)

BASELINE_ANSWERS = "vicuna_bench/table/answer/answer_gpt35.jsonl"


def load(assets: Assets) -> list[Prompt]:
    """The 80 questions in official order."""
    return [files.prompt(question) for question in load_questions(assets).values()]


def load_baseline(assets: Assets) -> list[Generation]:
    """The published answers of gpt-3.5-turbo, in official order."""
    rows = parse_rows(assets.read(BASELINE_ANSWERS), BASELINE_ANSWERS)
    answers = files.read_outputs(rows, assets)
    return [
        Generation(prompt, files.BASELINE, tuple(map(Response, answers[prompt.turns])))
        for prompt in load(assets)
        if prompt.turns in answers
    ]


def aggregate(verdicts: Sequence[Verdict], _assets: Assets) -> list[Score]:
    """Win rates, and the ratio of summed scores."""
    return scores(reviewed(verdicts))


def items(verdicts: Sequence[Verdict]) -> list[Item]:
    """Every question that was won (1.0), lost (0.0) or tied (0.5)."""
    return [Item(one.question, one.value, one.cause) for one in reviewed(verdicts)]


def identify(_assets: Assets) -> Mapping[str, str]:
    """The baseline."""
    return {"baseline": files.BASELINE}


def categories(assets: Assets) -> Mapping[str, str]:
    """Each question's category."""
    return {files.prompt(one).id: one.category for one in load_questions(assets).values()}


BENCHMARK = Benchmark(
    card=Card(
        name="vicuna_bench",
        version="1.0",
        title="Vicuna-bench",
        paper="2306.05685",
        source="https://github.com/lm-sys/FastChat/tree/69d085eadab8e9fcf831a97e17e132658c3d2272",
        licence="Apache-2.0",
        judge="openai:gpt-4",
        n_prompts=80,
        metrics=METRICS,
        assets=(QUESTIONS, TEMPLATES, REVIEWERS, BASELINE_ANSWERS),
        min_coverage=0.95,
    ),
    load=load,
    compare=both_ways(load_baseline),
    grader=rubric,
    aggregate=aggregate,
    files=Files(
        read_outputs=files.read_outputs,
        write_outputs=files.write_outputs,
        read_judgments=files.read_judgments,
        write_judgments=files.write_judgments,
        rescore=reviews.rescore,
    ),
    verify=parity.verify,
    identify=identify,
    items=items,
    categories=categories,
    both_orders=True,
)
