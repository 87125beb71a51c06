"""Arena-Hard v2.0: 500 hard prompts and 250 of creative writing, each category with its baseline.

Played as v0.1 is, in two games with the sides swapped; a judge of hard prompts writes its own
answer first, one of creative writing does not.
"""

from collections.abc import Mapping, Sequence

from benchmarks.arena_hard.scores import average_length, played
from benchmarks.arena_hard.v2 import files, parity, scores
from benchmarks.arena_hard.v2.questions import QUESTIONS, category_of, load_questions
from benchmarks.arena_hard.v2.rubric import CONFIG, SETTINGS, load_settings, rubric
from harness.pairing import both_ways, meeting_items
from harness.rows import parse_rows
from harness.types import (
    Assets,
    Benchmark,
    Card,
    Files,
    Generation,
    Prompt,
    Rescored,
    Response,
    Rows,
    Score,
    Verdict,
)

BASELINES = ("o3-mini-2025-01-31", "gemini-2.0-flash-001")


def load(assets: Assets) -> list[Prompt]:
    """The 750 prompts in published order."""
    return [one.prompt for one in load_questions(assets).values()]


def load_baseline(assets: Assets) -> list[Generation]:
    """The published answers of each category's baseline, in the order of the prompts."""
    names = baselines(assets)
    said = {name: _answers(name, assets) for name in dict.fromkeys(names.values())}
    prompts = [(prompt, names[category_of(prompt)]) for prompt in load(assets)]
    return [
        Generation(prompt, name, tuple(map(Response, said[name][prompt.turns])))
        for prompt, name in prompts
        if prompt.turns in said[name]
    ]


def baselines(assets: Assets) -> dict[str, str]:
    """The baseline of each category that is asked."""
    settings = load_settings(assets)
    asked = dict.fromkeys(one.category for one in load_questions(assets).values())
    return {category: settings[category].baseline for category in asked}


def aggregate(verdicts: Sequence[Verdict], _assets: Assets) -> list[Score]:
    """Win rate and average length, then every category's win rates."""
    games = played(verdicts)
    categories = [category_of(v.comparison.candidate.prompt) for v in verdicts[::2]]
    parts = scores.by_category(games, categories)
    return [scores.overall(games), average_length(verdicts), *parts]


def rescore(rows: Rows, assets: Assets) -> Rescored:
    """Published judgments by their labels."""
    judged = files.read_games(rows, load_questions(assets))
    parts = scores.by_category(judged.games, judged.category_c)
    return Rescored(
        judged.model, judged.judge, [scores.overall(judged.games), *parts], judged.items
    )


def identify(assets: Assets) -> Mapping[str, str]:
    """The baselines."""
    named = (f"{name} ({category})" for category, name in baselines(assets).items())
    return {"baseline": ", ".join(named)}


def categories(assets: Assets) -> dict[str, str]:
    """The published category of each prompt."""
    return {prompt.id: category_of(prompt) for prompt in load(assets)}


def _answers(name: str, assets: Assets) -> dict[tuple[str, ...], tuple[str, ...]]:
    asset = _asset(name)
    return files.read_outputs(parse_rows(assets.read(asset), asset), assets)


def _asset(name: str) -> str:
    return f"{parity.ANSWERS}{name}.jsonl"


BENCHMARK = Benchmark(
    card=Card(
        name="arena_hard",
        version="2.0",
        title="Arena-Hard v2.0",
        paper="2406.11939",
        source="https://github.com/lmarena/arena-hard-auto/tree/196f6b826783b3da7310e361a805fa36f0be83f3",
        licence="Apache-2.0",
        judge=files.FORM.judge_name(files.FORM.judge),
        n_prompts=750,
        metrics=("win_rate", "published_win_rate", "style_win_rate", "avg_length"),
        assets=(QUESTIONS, *map(_asset, BASELINES), CONFIG, SETTINGS),
        min_coverage=0.95,
        notes=(
            "Upstream tells each category by itself, and so do published_win_rate and "
            "style_win_rate; win_rate is also told of all prompts."
        ),
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
        rescore=rescore,
    ),
    verify=parity.verify,
    identify=identify,
    items=meeting_items,
    categories=categories,
    both_orders=True,
)
