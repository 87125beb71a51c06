"""Arena-Hard v0.1: 500 hard prompts, each answer in two games against gpt-4-0314's, sides swapped.

The judge writes its own answer first and ends with one of five labels; a strong one counts as three
games. Led by the Bradley-Terry win rate against the baseline (arXiv 2406.11939).
Version 2.0, in a folder of its own, has other prompts, judges and baselines, by category.
"""

import json
from collections.abc import Mapping, Sequence

from benchmarks.arena_hard import files, parity, scores, v2
from benchmarks.arena_hard.rubric import CONFIG, rubric
from harness.pairing import both_ways, meeting_items
from harness.types import (
    Assets,
    Benchmark,
    Card,
    Decoding,
    Files,
    Generation,
    Prompt,
    Rescored,
    Response,
    Rows,
    Score,
    Verdict,
)

QUESTIONS = "arena_hard/question.jsonl"
ANSWERS = f"arena_hard/model_answer/{files.BASELINE}.jsonl"
DECODING = Decoding(max_tokens=4096)
"""Greedy, as published."""


def load(assets: Assets) -> list[Prompt]:
    """The 500 prompts in published order."""
    return [
        Prompt(f"arena_hard/{question_id}", turns, DECODING)
        for question_id, turns in asked(assets).items()
    ]


def asked(assets: Assets) -> dict[str, tuple[str, ...]]:
    """The turns of every prompt by question id."""
    rows = map(json.loads, assets.read(QUESTIONS).splitlines())
    return {row["question_id"]: tuple(turn["content"] for turn in row["turns"]) for row in rows}


def load_baseline(assets: Assets) -> list[Generation]:
    """The published answers of gpt-4-0314, in the order of the prompts."""
    rows = list(map(json.loads, assets.read(ANSWERS).splitlines()))
    answers = files.read_outputs(rows, asked(assets))
    return [
        Generation(prompt, files.BASELINE, tuple(map(Response, answers[prompt.turns])))
        for prompt in load(assets)
    ]


def read_outputs(rows: Rows, assets: Assets) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Answers by the turns they answer, from model_answer."""
    return files.read_outputs(rows, asked(assets))


def aggregate(verdicts: Sequence[Verdict], _assets: Assets) -> list[Score]:
    """Win rates and the average length."""
    return [*scores.all_scores(scores.played(verdicts)), scores.average_length(verdicts)]


def rescore(rows: Rows, assets: Assets) -> Rescored:
    """Published judgments by their labels."""
    judged = files.read_games(rows, asked(assets))
    return Rescored(judged.model, judged.judge, scores.all_scores(judged.games), judged.items)


def identify(_assets: Assets) -> Mapping[str, str]:
    """The baseline."""
    return {"baseline": files.BASELINE}


def without_prompts(raw: bytes, _assets: Assets) -> bytes:
    """Published judgments without what the judge was asked, whose hash the catalogue pins."""
    rows = map(json.loads, raw.splitlines())  # of bytes: texts hold other ends of lines
    return "".join(f"{json.dumps(_without(row), ensure_ascii=False)}\n" for row in rows).encode()


def _without(row: dict[str, list[dict[str, str]]]) -> dict[str, object]:
    games = [{k: v for k, v in game.items() if k != "user_prompt"} for game in row["games"]]
    return {**row, "games": games}


BENCHMARK = Benchmark(
    card=Card(
        name="arena_hard",
        version="0.1",
        title="Arena-Hard v0.1",
        paper="2406.11939",
        source="https://github.com/lmarena/arena-hard-auto/tree/a1d16de3a0395385a287a5ed7d3c7e379b6e0ba7",
        licence="Apache-2.0",
        judge=files.FORM.judge_name(files.FORM.judge),
        n_prompts=500,
        metrics=("win_rate", "published_win_rate", "style_win_rate", "avg_length"),
        assets=(QUESTIONS, ANSWERS, CONFIG),
        min_coverage=0.95,
    ),
    load=load,
    compare=both_ways(load_baseline),
    grader=rubric,
    aggregate=aggregate,
    files=Files(
        read_outputs=read_outputs,
        write_outputs=files.write_outputs,
        read_judgments=lambda rows, _: files.read_judgments(rows),
        write_judgments=files.write_judgments,
        rescore=rescore,
    ),
    verify=parity.verify,
    identify=identify,
    items=meeting_items,
    both_orders=True,
)

VERSIONS = (BENCHMARK, v2.BENCHMARK)
"""The first is what `arena_hard` without a version means."""
