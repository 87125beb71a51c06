"""Arena-Hard's published procedure, recomputed from what was published of it.

The judgments of the official judge behind the leaderboards are not to be had at a pinned address.
So the procedure is checked on partial judgments by other judges and on the published sample of
battles, down to its bootstrap draws; counts of style and lengths on whole files of answers.
"""

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import yaml

from benchmarks.arena_hard.files import BASELINE, read_games
from benchmarks.arena_hard.rubric import CONFIG, read_label
from benchmarks.arena_hard.style import counts
from harness.stats.bradley_terry import (
    ELO_SCALE,
    Array,
    Battles,
    bootstrap_battles,
    fit,
    tally,
    win_rate,
)
from harness.types import Assets, Check, Decoding, Generation, Prompt, Response, Unread

EXPECTED = "arena_hard/expected_scores_partial.csv"
SAMPLE = "arena_hard/battles_sample.jsonl"
_JUDGMENTS = "arena_hard/model_judgment_partial/"
_ANSWERS = "arena_hard/model_answer/"
_BOARDS = "arena_hard/leaderboard/"
_VALUES = {"model_a": 1.0, "model_b": 0.0, "tie": 0.5}

Differences = Mapping[str, float]
Figures = Mapping[str, Mapping[str, float]]
"""By model: score, lower and upper as ratings, and the same three as win rates in percent."""


def verify(assets: Assets) -> list[Check]:
    """The fit, the published rounds, labels, styles, lengths, and how the boards are built."""
    ratings, rates, failed = _figures(assets)
    return [
        _check("rating and its ends, published procedure", ratings, 1e-4, failed),
        _check("win rate and its ends, published procedure", rates, 0.00501),
        _check("label read from the judge's words", _labels(assets), 0),
        _check("headers, lists and bold text of an answer", _styles(assets), 0),
        _check("average tokens on the leaderboard", _tokens(assets), 0),
        _check("interval on a leaderboard, from its ends", _intervals(assets), 0.00501),
        Check("score on the leaderboard", 0, math.nan, 0.00501, notes=(_ABSENT,), provable=False),
    ]


_ABSENT = (
    "score on the leaderboard: the judgments by gpt-4-1106-preview are published in a Hugging Face "
    "space only, and none is in the catalogue"
)


def _check(claim: str, differences: Differences, limit: float, notes: Sequence[str] = ()) -> Check:
    worst = max(differences, key=differences.__getitem__, default="")
    largest = differences[worst] if worst else math.nan
    return Check(claim, len(differences), largest, limit, worst if largest else "", tuple(notes))


def _figures(assets: Assets) -> tuple[Differences, Differences, list[str]]:
    """Of every judge and model, and where the published fit fails on separable battles."""
    ratings: dict[str, float] = {}
    rates: dict[str, float] = {}
    failed = []
    for (judge, baseline), rows in _expected(assets).items():
        found = _published(*_entered(assets, judge), baseline)
        for row in rows:
            name = f"{judge}, {row['model']}"
            if not row["score"]:
                failed.append(f"the published fit fails, ours is finite or told: {name}")
                continue
            ours = found[row["model"]]
            for key in ("score", "lower", "upper"):
                ratings[f"{name}, {key}"] = abs(ours[key] - float(row[key]))
                rates[f"{name}, {key}"] = abs(ours[f"{key}_wr"] - float(row[f"{key}_wr"]))
    return ratings, rates, failed


def _expected(assets: Assets) -> dict[tuple[str, str], list[dict[str, str]]]:
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in csv.DictReader(io.StringIO(assets.read(EXPECTED).decode())):
        found.setdefault((row["judge"], row["baseline"]), []).append(row)
    return found


def _entered(assets: Assets, judge: str) -> tuple[list[str], Battles]:
    """Models by number, and battles in published order, a strong one entered as three."""
    rows = list(_sampled(assets) if judge == "battles_sample" else _judged(assets, judge))
    models = list(dict.fromkeys(name for one, other, _ in rows for name in (one, other)))
    first = np.array([models.index(one) for one, _, _ in rows])
    second = np.array([models.index(other) for _, other, _ in rows])
    values = np.array([value for _, _, value in rows])
    return models, Battles(first, second, values, np.ones(len(rows)))


def _sampled(assets: Assets) -> Iterator[tuple[str, str, float]]:
    for row in _lines(assets, SAMPLE):
        yield row["model_a"], row["model_b"], _VALUES[row["winner"]]


def _judged(assets: Assets, judge: str) -> Iterator[tuple[str, str, float]]:
    """The baseline against itself is left out: it meets nobody else."""
    known = _questions(assets)
    for name in assets.names(f"{_JUDGMENTS}{judge}/"):
        judged = read_games(_lines(assets, name), known)
        battles = judged.games.read.battles
        if judged.model != BASELINE:
            for value, weight in zip(battles.value_N, battles.weight_N, strict=True):
                yield from [(BASELINE, judged.model, float(value))] * int(weight)


def _published(models: Sequence[str], battles: Battles, baseline: str) -> Figures:
    """Another baseline than the official one is no anchor in the published rounds."""
    anchor, k = models.index(baseline), len(models)
    strengths = fit(tally(battles, k), anchor)
    if not np.isfinite(strengths).all():
        return {}
    drawn = bootstrap_battles(battles, k, anchor)
    if baseline != BASELINE:
        drawn = drawn - drawn.mean(axis=1, keepdims=True)
    ends = np.percentile(drawn, [2.5, 97.5], axis=0)
    named = dict(zip(("score", "lower", "upper"), (strengths, *ends), strict=True))
    return {
        model: {key: 1000 + ELO_SCALE * float(t_k[place]) for key, t_k in named.items()}
        | {f"{key}_wr": 100 * float(_rates(t_k, anchor)[place]) for key, t_k in named.items()}
        for place, model in enumerate(models)
    }


def _rates(strengths: Array, anchor: int) -> Array:
    return win_rate(strengths, anchor)


def _labels(assets: Assets) -> Differences:
    """0 where our reading of the judge's words is the published label, or both are none."""
    pattern = re.compile(yaml.safe_load(assets.read(CONFIG))["regex_pattern"])
    known, prompt = _questions(assets), Prompt("", ("",), Decoding(1))
    differences = {}
    for name in assets.names(_JUDGMENTS):
        rows = _lines(assets, name)
        published = read_games(rows, known).games.preference_N
        words = [game["judgment"] for row in rows for game in row["games"]]
        for number, (said, label) in enumerate(zip(words, published.tolist(), strict=True)):
            read = read_label(Generation(prompt, "", (Response(said),)), pattern)
            value = math.nan if isinstance(read, Unread) else 1 - read if number % 2 else read
            same = value == label or (math.isnan(value) and math.isnan(label))
            differences[f"{name}:{number}"] = float(not same)
    return differences


def _styles(assets: Assets) -> Differences:
    differences = {}
    for name in assets.names(_ANSWERS):
        for row in _lines(assets, name):
            if "conv_metadata" in row:
                meta = row["conv_metadata"]
                kinds = ("header_count", "list_count", "bold_count")
                published = [sum(meta[kind].values()) for kind in kinds]
                ours = counts(row["choices"][0]["turns"][0]["content"])[1:]
                apart = (abs(a - b) for a, b in zip(ours, published, strict=True))
                differences[f"{name}:{row['question_id']}"] = float(max(apart))
    return differences


def _tokens(assets: Assets) -> Differences:
    """The published average is rounded down; the answers' files hold their tokens."""
    board = {row["model"]: row for row in _board(assets, assets.names(_BOARDS)[-1])}
    differences = {}
    for name in assets.names(_ANSWERS):
        rows = _lines(assets, name)
        tokens = [row["choices"][0]["turns"][0]["token_len"] for row in rows]
        published = float(board[rows[0]["model_id"]]["avg_tokens"])
        differences[rows[0]["model_id"]] = abs(sum(tokens) // len(tokens) - published)
    return differences


def _intervals(assets: Assets) -> Differences:
    """Each board's interval is its ends less its score; the baseline's score is 50."""
    differences = {}
    for name in assets.names(_BOARDS):
        for row in _board(assets, name):
            score, low, high = (float(row[key]) for key in ("score", "rating_q025", "rating_q975"))
            below, above = map(float, row["CI"].strip("()").split(", "))
            apart = max(abs(low - score - below), abs(high - score - above))
            if row["model"] == BASELINE:
                apart = max(apart, abs(score - 50))
            differences[f"{name}, {row['model']}"] = apart
    return differences


def _board(assets: Assets, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(assets.read(name).decode())))


def _questions(assets: Assets) -> dict[str, Any]:
    return {row["question_id"]: row for row in _lines(assets, "arena_hard/question.jsonl")}


def _lines(assets: Assets, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in assets.read(name).splitlines()]
